"""The description of a source's files: every mistake is named with its place; its JSON is a data format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.contracts.codec import decode, encode
from app.contracts.platform_file import read_platform_file
from app.contracts.source_file_checks import problems
from app.domain.source_files import SourceFile
from app.domain.streams import MATCHING_COMMANDS
from app.errors import ConfigurationError

RIGHT: dict[str, Any] = {
    "holds": "settlement",
    "format": "csv",
    "fields": {
        "batch_id": "batch",
        "line_id": {"template": "{batch}-{no}"},
        "merchant_ref": "ref",
        "currency": {"const": "EUR"},
        "gross": {"debit": "out", "credit": "in"},
        "booked_on": "day",
    },
}


def sentences(**changes: Any) -> list[str]:
    return list(problems(msgspec.convert(RIGHT | changes, SourceFile)))


def test_a_right_description_has_no_problem() -> None:
    assert sentences() == []


def without(*names: str) -> dict[str, Any]:
    return {name: field for name, field in RIGHT["fields"].items() if name not in names}


def with_field(name: str, field: Any) -> dict[str, Any]:
    return {"fields": RIGHT["fields"] | {name: field}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoding": "klingon"}, "encoding: 'klingon' is not known"),
        ({"encoding": "base64"}, "encoding: 'base64' is no text encoding"),
        ({"delimiter": ";;"}, "delimiter: must be one character"),
        ({"quote": '""'}, "quote: must be one character or none"),
        ({"quote": ","}, "quote: ',' is the delimiter as well"),
        ({"skip_rows": -1}, "skip_rows: must not be negative"),
        ({"path": "data"}, "path: a csv file has no list inside a document"),
        ({"time_zone": "Mars/Olympus"}, "time_zone: 'Mars/Olympus' is not in the IANA data base"),
        ({"dates": []}, "dates: at least one"),
        ({"dates": ["%d/%m"]}, "dates: '%d/%m' is neither iso"),
        ({"dates": ["DD.MM.YYYY"]}, "dates: 'DD.MM.YYYY' is neither iso"),
        ({"numbers": {"decimal": ",", "group": ","}}, "numbers.group: must be one sign other than"),
        ({"numbers": {"decimal": ""}}, "numbers.decimal: must be one sign"),
        ({"fields": without("batch_id")}, "fields: batch_id is missing: a settlement.line must have it"),
        ({"fields": without("gross")}, "fields: gross or net is missing"),
        (with_field("grss", "x"), "fields.grss: there is no such field; known: batch_id, booked_on"),
        (with_field("source", "x"), "fields.source: there is no such field"),
        (with_field("fee", {}), "fields.fee: says nowhere where the value comes from"),
        (with_field("fee", {"debit": "x"}), "fields.fee: debit and credit go together"),
        (with_field("fee", {"column": "x", "direction": "y"}), "direction and negative_when go together"),
        (with_field("batch_id", {"column": "x", "flip": True}), "fields.batch_id: flip is for amounts only"),
        (
            with_field("batch_id", {"column": "x", "pattern": "("}),
            "fields.batch_id.pattern: '(' is no regular",
        ),
        ({"rows": [{"kind": "sale"}]}, "rows.1.kind: 'sale' is no kind of settlement line"),
        (
            {"rows": [{"type": "payment.record"}]},
            "rows.1.type: 'payment.record' is not one of settlement.line",
        ),
        ({"rows": [{"kind": "refund", "ignore": "x"}]}, "rows.1: says both ignore and kind or type"),
        ({"rows": [{"when": [{"column": "x"}]}]}, "rows.1.when: says nothing about 'x'"),
        ({"trailer": {"count": "n"}}, "trailer: says either `when`"),
        ({"trailer": {"path": "t", "count": "n"}}, "trailer.path: a csv file has its trailer in a row"),
        ({"trailer": {"when": [{"column": "a", "equals": ["T"]}]}}, "trailer: has no control total"),
        ({"holds": "bank"}, "fields: account is missing: a bank.line must have it"),
        ({"holds": "payments"}, "fields: amount is missing: a payment.record must have it"),
        (
            {"holds": "payments", "rows": [{"type": "funds.release"}]},
            "rows.1.type: 'funds.release' is not one of",
        ),
        (
            {"holds": "payments", "rows": [{"type": "platform.configure"}]},
            "'platform.configure' is not one of",
        ),
    ],
)
def test_a_mistake_is_named(changes: dict[str, Any], words: str) -> None:
    assert [sentence for sentence in sentences(**changes) if words in sentence]


def test_configure_checks_it_with_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "platform.json"
    document: dict[str, Any] = {"psps": {"p": {}}, "sources": {"s": {"psp": "p", "file": RIGHT}}}
    path.write_text(json.dumps(document), encoding="utf-8")
    record = read_platform_file(path, "p-1")
    assert record.sources["s"].file == msgspec.convert(RIGHT, SourceFile)
    assert decode(MATCHING_COMMANDS, encode(record)) == record
    for wrong, words in (
        (RIGHT | {"delimeter": ";"}, "sources.s.file.delimeter: there is no such field"),
        (RIGHT | {"encoding": "klingon"}, "sources.s.file.encoding: 'klingon' is not known"),
        (RIGHT | with_field("fee", {"colum": "x"}), "fields.fee.colum: there is no such field"),
    ):
        document["sources"]["s"]["file"] = wrong
        path.write_text(json.dumps(document), encoding="utf-8")
        with pytest.raises(ConfigurationError, match=words):
            read_platform_file(path, "p-1")


def test_a_banks_source_has_no_psp(tmp_path: Path) -> None:
    fields = {"account": {"const": "A"}, "line_id": "id", "amount": "a", "currency": "c", "value_date": "d"}
    path = tmp_path / "platform.json"
    file = {"holds": "bank", "format": "csv", "fields": fields}
    path.write_text(json.dumps({"sources": {"bank-a": {"psp": "", "file": file}}}), encoding="utf-8")
    assert read_platform_file(path, "p-1").sources["bank-a"].psp == ""


def test_the_bytes_of_a_description_are_a_data_format() -> None:
    """It lies in lane logs for ever: names stay, and what is not said is not written."""
    written = msgspec.json.Encoder(order="deterministic").encode(msgspec.convert(RIGHT, SourceFile))
    assert written == (
        b'{"holds":"settlement","format":"csv","fields":{"batch_id":"batch","booked_on":"day",'
        b'"currency":{"const":"EUR"},"gross":{"debit":"out","credit":"in"},"line_id":{"template":"{batch}-{no}"},'
        b'"merchant_ref":"ref"}}'
    )

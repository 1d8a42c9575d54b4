"""Reports that a source begins with: found by name, whole without more, its own words on top."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.contracts.platform_file import read_platform_file
from app.contracts.source_file_checks import problems
from app.contracts.source_reports import report_names, with_report
from app.domain.source_files import SourceFile
from app.errors import ConfigurationError


def described(**given: Any) -> SourceFile:
    return msgspec.convert(with_report(given), SourceFile)


@pytest.mark.parametrize("name", report_names())
def test_every_report_is_whole_and_does_not_contradict_itself(name: str) -> None:
    file = described(report=name)
    assert file.report == name
    assert list(problems(file)) == []


def test_nothing_is_made_of_a_description_without_a_report() -> None:
    given = {"holds": "bank", "format": "csv"}
    assert with_report(given) == given


def test_the_sources_own_words_are_put_on_top() -> None:
    usual = described(report="stripe.settlement")
    own = described(
        report="stripe.settlement",
        delimiter=";",
        fields={"merchant_ref": "order"},
        rows=[{"when": [{"column": "gross", "sign": "zero"}], "ignore": "nothing"}],
    )
    assert (own.delimiter, own.encoding) == (";", usual.encoding)
    assert own.fields == {**usual.fields, "merchant_ref": "order"}
    assert own.rows == (own.rows[0], *usual.rows)
    assert own.rows[0].ignore == "nothing"


def test_a_report_on_top_of_another_has_its_own_name_and_rules_first() -> None:
    stl, trr = described(report="paypal.stl"), described(report="paypal.trr")
    assert (trr.report, trr.layout) == ("paypal.trr", "paypal")
    assert trr.rows[1:] == stl.rows
    assert trr.fields["batch_id"] != stl.fields["batch_id"]


def test_configure_stores_the_whole_description(tmp_path: Path) -> None:
    path = tmp_path / "platform.json"
    document: dict[str, Any] = {
        "psps": {"p": {}},
        "sources": {"s": {"psp": "p", "file": {"report": "chariot.deposits"}}},
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    assert read_platform_file(path, "p-1").sources["s"].file == described(report="chariot.deposits")
    for report, words in (
        ("chariot.deposit", "sources.s.file.report: there is no report 'chariot.deposit'; known: adyen"),
        ("../../../etc/passwd", "there is no report"),
    ):
        document["sources"]["s"]["file"]["report"] = report
        path.write_text(json.dumps(document), encoding="utf-8")
        with pytest.raises(ConfigurationError, match=words.replace(".", r"\.")):
            read_platform_file(path, "p-1")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"single": True}, "single: a csv file has no list inside a document"),
        ({"format": "json", "layout": "paypal"}, "layout: a json file has no 'paypal'"),
        ({"fields": {"gross": {"column": "g", "upper": True}}}, "upper is for texts only"),
        ({"fields": {"batch_id": {"column": "b", "negative": True}}}, "negative is for amounts only"),
        ({"more_trailers": [{"count": "#2"}]}, "trailer: says either `when`"),
        ({"more_trailers": [{"path": "t", "count": "c", "group": "g"}]}, "trailer.group: what stands beside"),
    ],
)
def test_what_contradicts_itself_is_named(given: dict[str, Any], words: str) -> None:
    usual = with_report({"report": "chariot.deposits"})
    fields = {**usual["fields"], **given.get("fields", {})}
    file = msgspec.convert({**usual, **given, "fields": fields}, SourceFile)
    assert [sentence for sentence in problems(file) if words in sentence]

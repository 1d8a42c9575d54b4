"""One suite over all formats: the same rows give the same records, and one bad row is quarantined alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.settlement import SettlementLine
from app.formats.errors import FileRefused
from tests.support.properties import QUICK
from tests.support.source_files import line, read, read_text, records, source, write, written_as

FORMATS = ["csv", "json", "jsonl"]
ids = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="\x7f"), min_size=1, max_size=12
)
safe_ids = ids.filter(lambda text: text == text.strip() and text.isprintable())


@pytest.fixture(params=FORMATS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_rows_become_records(tmp_path: Path, form: str) -> None:
    found = records(
        read_text(tmp_path, written_as(form, [line(1), line(2, gross="-7", fee="0")]), source(form=form))
    )
    assert found == [
        SettlementLine(
            source="acquirer-a",
            psp="stripe",
            batch_id="B1",
            line_id="L1",
            kind="capture",
            psp_payment_id="pi_1",
            currency="EUR",
            gross=10000,
            fee=150,
            settle_currency="EUR",
            net=9850,
            booked_on=date(2026, 11, 21),
        ),
        SettlementLine(
            source="acquirer-a",
            psp="stripe",
            batch_id="B1",
            line_id="L2",
            kind="capture",
            psp_payment_id="pi_2",
            currency="EUR",
            gross=-700,
            settle_currency="EUR",
            net=-700,
            booked_on=date(2026, 11, 21),
        ),
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"gross": "12.345"}, "gross: 12.345 has more digits than EUR allows"),
        ({"gross": "1,000.00"}, "gross: '1,000.00' is no amount as this source writes them"),
        ({"gross": ""}, "neither gross nor net is there"),
        ({"gross": "1e3"}, "gross: '1e3' is no amount"),
        ({"gross": "99999999999999999999"}, "gross: Expected `int` <= 1000000000000000"),
        ({"gross": "0." + "9" * 30}, "too many digits"),
        ({"currency": "XXY"}, "'XXY' is not an ISO 4217 currency"),
        ({"currency": ""}, "currency is empty"),
        ({"day": "31/01/2026"}, "'31/01/2026' is no date as this source writes them (iso)"),
        ({"day": "2026-02-30"}, "'2026-02-30' is no date"),
        ({"batch": ""}, "missing required field `batch_id`"),
        ({"id": "  "}, "line_id is empty"),
        ({"id": "x" * 201}, "line_id: Expected `str` of length <= 200"),
        ({"payment": ""}, "one of psp_payment_id, merchant_ref must be present"),
        ({"payment": "a\x01b"}, "payment has a control character"),
    ],
)
def test_one_bad_row_is_quarantined_alone(
    tmp_path: Path, form: str, changes: dict[str, str], reason: str
) -> None:
    rows = read_text(tmp_path, written_as(form, [line(1), line(2, **changes), line(3)]), source(form=form))
    good, bad, other = rows
    assert (good.problem, other.problem, bad.record) == (None, None, None)
    assert bad.number == 2
    assert reason in (bad.problem or "")
    assert "pi_2" in bad.raw or changes.keys() & {"payment", "id"}


def test_the_row_says_where_it_is(tmp_path: Path) -> None:
    text = "batch,id,payment,currency,gross,fee,day\n\nB1,L1,pi_1,EUR,1,0,x\n"
    (row,) = read_text(tmp_path, text, source())
    assert (row.number, row.line, row.raw) == (1, 3, "B1,L1,pi_1,EUR,1,0,x")


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_numbers_are_exact(tmp_path: Path, form: str) -> None:
    """0.1 + 0.2 as floats would not be 0.3; more digits than cents are refused, not rounded."""
    raw = '{"batch":"B","id":1,"payment":"p","currency":"EUR","gross":%s,"fee":0.1,"day":"2026-11-21"}'
    values = ["1.10", "1E+2", "-0.30", "1.005", "1000000000000.01"]
    lines = [raw % value for value in values]
    text = "\n".join(lines) if form == "jsonl" else f"[{','.join(lines)}]"
    rows = read_text(tmp_path, text, source(form=form))
    found = [row.record.gross if isinstance(row.record, SettlementLine) else None for row in rows]
    assert found == [110, 10000, -30, None, 100000000000001]


@pytest.mark.parametrize("value", ["[1]", '{"a":1}', "true"])
def test_what_is_no_single_value_is_refused(tmp_path: Path, value: str) -> None:
    raw = '[{"batch":"B","id":"1","payment":"p","currency":"EUR","gross":%s,"fee":0,"day":"2026-11-21"}]'
    (row,) = read_text(tmp_path, raw % value, source(form="json"))
    assert "not an amount" in (row.problem or "")


def test_the_list_may_lie_in_the_document_and_columns_in_objects(tmp_path: Path) -> None:
    text = (
        '{"meta":{"page":1},"data":{"items":[{"batch":"B","id":7,"payment":{"id":"p"},"currency":"EUR",'
        '"amount":{"value":12345},"fee":null,"day":1763683200}]}}'
    )
    fields = {
        "batch_id": "batch", "line_id": "id", "psp_payment_id": "payment.id", "currency": "currency",
        "gross": "amount.value", "fee": {"column": "fee", "default": "0"}, "booked_on": "day",
    }  # fmt: skip
    described = source(
        form="json", path="data.items", fields=fields, numbers={"unit": "minor"}, dates=["epoch_seconds"]
    )
    (found,) = records(read_text(tmp_path, text, described))
    assert (found.line_id, found.psp_payment_id, found.gross, found.booked_on) == (
        "7", "p", 12345, date(2025, 11, 21),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ('{"data": []}', "", "has an object as the whole document, not a list"),
        ('{"data": {"x": 1}}', "data", "has an object at 'data', not a list"),
        ('{"data": []}', "rows", "has nothing at 'rows'"),
        ("[1, 2", "", "it ends too early: it was cut off"),
        ('[{"a":1}] x', "", "trailing garbage"),
        ("a,b\n1,2\n", "", "is no JSON document"),
        ('{"data": [{"a": 1}, {"a"', "data", "it ends too early"),
    ],
)
def test_a_document_that_is_wrong_as_a_whole_is_refused(
    tmp_path: Path, text: str, path: str, words: str
) -> None:
    with pytest.raises(FileRefused, match=words):
        read_text(tmp_path, text, source(form="json", path=path))


def test_an_empty_list_is_a_file_without_rows(tmp_path: Path) -> None:
    assert read_text(tmp_path, "[]", source(form="json")) == []
    assert read_text(tmp_path, '{"data": []}', source(form="json", path="data")) == []
    assert read_text(tmp_path, "batch,id,payment,currency,gross,fee,day\n", source()) == []


@QUICK
@given(
    rows=st.lists(st.tuples(safe_ids, st.integers(-(10**12), 10**12)), min_size=1, max_size=8),
    form=st.sampled_from(FORMATS),
)
def test_what_was_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int]], form: str
) -> None:
    table = [line(n, payment=text, gross=str(value)) for n, (text, value) in enumerate(rows)]
    path = write(tmp_path_factory.mktemp("read-back"), written_as(form, table))
    found = records(read(path, source(form=form, numbers={"unit": "minor"}, fields=_without_fee())))
    assert [(record.psp_payment_id, record.gross, record.net) for record in found] == [
        (text, value, value) for text, value in rows
    ]


def _without_fee() -> dict[str, Any]:
    return {
        "batch_id": "batch", "line_id": "id", "psp_payment_id": "payment", "currency": "currency",
        "gross": "gross", "booked_on": "day",
    }  # fmt: skip

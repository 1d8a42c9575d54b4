"""Words of a description that reports of PSPs need: totals of groups, running numbers, rounding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.formats.control import TrailerMismatch
from app.formats.errors import FileRefused
from tests.support.source_files import (
    SETTLEMENT_FIELDS,
    line,
    read,
    read_text,
    reading,
    records,
    source,
    write,
)

HEADER = "batch,id,payment,currency,gross,fee,day\n"
GROUP: dict[str, Any] = {
    "when": [{"column": "id", "equals": ["TOTAL"]}],
    "group": "batch",
    "gross": "gross",
    "count": "payment",
}


def csv(*rows: str) -> str:
    return HEADER + "".join(f"{row}\n" for row in rows)


def fields(**changes: Any) -> dict[str, Any]:
    return {"fields": SETTLEMENT_FIELDS | changes}


A1, A2 = "A,1,p,EUR,10.00,0,2026-11-21", "A,2,p,EUR,5.00,0,2026-11-21"
B1 = "B,3,p,EUR,7.00,0,2026-11-21"
TOTAL_A, TOTAL_B = "A,TOTAL,2,EUR,15.00,0,", "B,TOTAL,1,EUR,7.00,0,"


@pytest.mark.parametrize(
    "order", [(A1, TOTAL_A, B1, A2, TOTAL_B), (TOTAL_B, B1, TOTAL_A, A2, A1), (A1, A2, B1, TOTAL_A, TOTAL_B)]
)
def test_totals_of_groups_hold_wherever_they_stand(tmp_path: Path, order: tuple[str, ...]) -> None:
    assert len(records(read_text(tmp_path, csv(*order), source(trailer=GROUP)))) == 3


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((A1, TOTAL_A), "the total of 'A', in row 2, says 2 rows, there are 1"),
        (
            (A1, A2.replace("5.00", "5.01"), TOTAL_A),
            "'A', in row 3, says gross 15.00 EUR, its rows add up to 1501",
        ),
        ((TOTAL_B,), "the total of 'B', in row 1, says 1 rows, there are 0"),
        ((A1, A2, TOTAL_A, B1), "there is no total of 'B'"),
    ],
)
def test_totals_of_groups_that_do_not_hold(tmp_path: Path, rows: tuple[str, ...], words: str) -> None:
    with pytest.raises(TrailerMismatch) as refusal:
        read_text(tmp_path, csv(*rows), source(trailer=GROUP))
    assert words in str(refusal.value)


def test_totals_of_one_group_add_up(tmp_path: Path) -> None:
    halves = ("A,TOTAL,1,EUR,9.00,0,", "A,TOTAL,1,EUR,6.00,0,")
    assert len(records(read_text(tmp_path, csv(halves[0], A1, A2, halves[1]), source(trailer=GROUP)))) == 2


def test_a_group_without_a_total_is_said_where_it_need_not_have_one(tmp_path: Path) -> None:
    described = source(trailer=GROUP | {"required": False})
    path = write(tmp_path, csv(A1, A2, TOTAL_A, B1))
    assert reading(path, described).survey()[1] == [
        "there is no total of 'B': its rows were not checked against one"
    ]


def test_a_lenient_total_warns_and_a_strict_one_beside_it_refuses(tmp_path: Path) -> None:
    when = [{"column": "id", "equals": ["TOTAL"]}]
    count = {"when": when, "count": "payment", "lenient": True}
    described = source(trailer={"when": when, "gross": "gross"}, more_trailers=[count])
    path = write(tmp_path, csv(A1, A2, "A,TOTAL,99,EUR,15.00,0,"))
    assert reading(path, described).survey() == (2, ["the trailer in row 3 says 99 rows, there are 2"])
    with pytest.raises(TrailerMismatch, match=r"says gross 16\.00 EUR"):
        read_text(tmp_path, csv(A1, A2, "A,TOTAL,2,EUR,16.00,0,"), described)


def test_a_total_that_a_rule_ignores_is_counted_as_ignored(tmp_path: Path) -> None:
    rule = {"when": [{"column": "id", "equals": ["TOTAL"]}], "ignore": "the total"}
    found = read_text(tmp_path, csv(A1, A2, TOTAL_A), source(trailer=GROUP, rows=[rule, {"kind": "capture"}]))
    assert [row.ignored for row in found] == [None, None, "the total"]


def test_equal_ids_of_one_file_are_numbered_where_the_source_says_so(tmp_path: Path) -> None:
    text = csv(A1, A1.replace("10.00", "9.00"), B1, A1)
    ids = [one.line_id for one in records(read_text(tmp_path, text, source(numbered=True)))]
    assert ids == ["1", "1-2", "3", "1-3"]
    assert [one.line_id for one in records(read_text(tmp_path, text, source()))] == ["1", "1", "3", "1"]


def test_a_single_object_is_a_list_of_one(tmp_path: Path) -> None:
    one = '{"batch":"A","id":"1","payment":"p","currency":"EUR","gross":1.5,"fee":0,"day":"2026-11-21"}'
    described = source(form="json", path="items", single=True)
    assert len(records(read_text(tmp_path, one, described))) == 1
    assert len(records(read_text(tmp_path, f'{{"items":[{one},{one}]}}', described))) == 2
    assert records(read_text(tmp_path, '{"items":[]}', described)) == []
    with pytest.raises(FileRefused, match="nothing at 'items'"):
        read_text(tmp_path, "[1]", described)
    with pytest.raises(FileRefused, match="has nothing at 'items'"):
        read_text(tmp_path, one, source(form="json", path="items"))


def test_rounding_is_half_up_and_only_where_it_is_said(tmp_path: Path) -> None:
    rows = csv(*(A1.replace("10.00", gross) for gross in ("1.005", "-1.005", "1.0049")))
    found = records(read_text(tmp_path, rows, source(numbers={"rounded": True})))
    assert [one.gross for one in found] == [101, -101, 100]
    path = write(tmp_path, rows)
    assert all("1.00" in (row.problem or "") for row in read(path, source()))


def test_capitals_and_amounts_below_zero(tmp_path: Path) -> None:
    described = source(
        **fields(currency={"column": "currency", "upper": True}, gross={"column": "gross", "negative": True})
    )
    text = csv(A1.replace("EUR", "eur"), A2.replace("5.00", "-5.00"))
    assert [(one.currency, one.gross) for one in records(read_text(tmp_path, text, described))] == [
        ("EUR", -1000),
        ("EUR", -500),
    ]


def test_a_condition_on_a_column_that_need_not_be_there(tmp_path: Path) -> None:
    when = {"column": "status", "equals": ["void"], "optional": True}
    described = source(rows=[{"when": [when], "ignore": "void"}, {"kind": "capture"}])
    assert len(records(read_text(tmp_path, csv(A1), described))) == 1
    text = f"{HEADER.rstrip()},status\n{A1},void\n{A2},paid\n"
    assert [row.ignored for row in read_text(tmp_path, text, described)] == ["void", None]
    with pytest.raises(FileRefused, match="no column 'status'"):
        read_text(tmp_path, csv(A1), source(rows=[{"when": [when | {"optional": False}], "ignore": "void"}]))


def test_the_line_that_the_tests_write_has_these_columns() -> None:
    assert ",".join(line()) + "\n" == HEADER

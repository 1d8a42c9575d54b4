"""Control totals: a file that contradicts them is refused whole, before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.formats.control import TrailerMismatch
from tests.support.source_files import line, read_text, reading, records, source, write, written_as

FIELDS = {
    "batch_id": "#2", "line_id": "#3", "psp_payment_id": "#4", "currency": "#5",
    "gross": "#6", "fee": "#7", "booked_on": "#8",
}  # fmt: skip
TRAILER: dict[str, Any] = {
    "when": [{"column": "#1", "equals": ["T"]}],
    "count": "#2",
    "gross": "#3",
    "fee": "#4",
    "net": "#5",
}
IGNORED = [
    {"when": [{"column": "#1", "equals": ["H"]}], "ignore": "file header"},
    {"when": [{"column": "#6", "equals": ["0.00"]}], "ignore": "empty"},
    {"kind": "capture"},
]
ROWS = ("D,B1,L1,pi_1,EUR,100.00,1.50,2026-11-21", "D,B1,L2,pi_2,EUR,-40.00,0.00,2026-11-21")
RIGHT = "T,2,60.00,1.50,58.50"


def described(**trailer: Any) -> Any:
    return source(header=False, fields=FIELDS, rows=IGNORED, trailer=TRAILER | trailer)


def text(*rows: str) -> str:
    return "".join(f"{row}\n" for row in rows)


def test_a_right_trailer_is_no_row(tmp_path: Path) -> None:
    found = records(read_text(tmp_path, text(*ROWS, RIGHT), described()))
    assert [record.line_id for record in found] == ["L1", "L2"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((*ROWS, "T,3,60.00,1.50,58.50"), "the trailer in row 3 says 3 rows, there are 2"),
        ((*ROWS, "T,2,60.01,1.50,58.50"), "says gross 60.01 EUR, its rows add up to 6000 in minor units"),
        ((*ROWS, "T,2,60.00,1.51,58.50"), "says fee 1.51 EUR"),
        ((*ROWS, "T,2,60.00,1.50,58.49"), "says net 58.49 EUR"),
        ((*ROWS, "T,2,60.00,1.50"), "net is empty"),
        ((*ROWS, "T,two,60.00,1.50,58.50"), "'two' is no amount"),
        (ROWS, "the file has no trailer: it was cut off"),
        ((RIGHT,), "says 2 rows, there are 0"),
        ((*ROWS, RIGHT, ROWS[0]), "1 rows come after the last trailer"),
        ((*ROWS[:1], RIGHT), "says 2 rows, there are 1"),
    ],
)
def test_a_wrong_trailer_refuses_the_file(tmp_path: Path, rows: tuple[str, ...], words: str) -> None:
    """Already by the pass that sends nothing."""
    opened = reading(write(tmp_path, text(*rows)), described())
    with pytest.raises(TrailerMismatch, match=words):
        opened.survey()


def test_each_trailer_speaks_of_the_rows_since_the_one_before(tmp_path: Path) -> None:
    other = "D,B2,L3,pi_3,USD,5.00,0.00,2026-11-21"
    whole = text(*ROWS, RIGHT, other, "T,1,5.00,0.00,5.00")
    assert len(records(read_text(tmp_path, whole, described()))) == 3


def test_a_row_that_cannot_be_read_is_counted_and_leaves_the_sums_unchecked(tmp_path: Path) -> None:
    bad = "D,B1,L3,pi_3,EUR,garbled,0.00,2026-11-21"
    opened = reading(write(tmp_path, text(*ROWS, bad, "T,3,999.00,1.50,58.50")), described())
    rows, warnings = opened.survey()
    assert (rows, warnings) == (
        3,
        ["the trailer in row 4: its sums were not checked, 1 rows cannot be read"],
    )
    with pytest.raises(TrailerMismatch, match="says 2 rows, there are 3"):
        reading(write(tmp_path, text(*ROWS, bad, RIGHT)), described()).survey()


def test_a_bad_row_whose_amounts_can_be_read_counts_in_the_sums(tmp_path: Path) -> None:
    bad = "D,B1,L3,,EUR,5.00,0.00,2026-11-21"
    good = read_text(tmp_path, text(*ROWS, bad, "T,3,65.00,1.50,63.50"), described())
    assert [row.problem is None for row in good] == [True, True, False]
    with pytest.raises(TrailerMismatch, match=r"says gross 60\.00"):
        read_text(tmp_path, text(*ROWS, bad, "T,3,60.00,1.50,58.50"), described())


@pytest.mark.parametrize(("counted", "count"), [(True, 3), (False, 2)])
def test_ignored_rows_count_or_not_as_the_source_says(tmp_path: Path, counted: bool, count: int) -> None:
    whole = text("D,B1,L0,pi_0,EUR,0.00,0.00,x", *ROWS, f"T,{count},60.00,1.50,58.50")
    rows = read_text(tmp_path, whole, described(ignored_rows=counted))
    assert [row.ignored for row in rows] == ["empty", None, None]


def test_several_currencies_need_one_to_be_named(tmp_path: Path) -> None:
    other = "D,B1,L3,pi_3,USD,5.00,0.00,2026-11-21"
    with pytest.raises(TrailerMismatch, match="its rows are in EUR, USD"):
        read_text(tmp_path, text(*ROWS, other, "T,3,60.00,1.50,58.50"), described())
    whole = text(*ROWS, other, "T,3,60.00,1.50,58.50,EUR")
    assert len(read_text(tmp_path, whole, described(currency="#6"))) == 3


def test_an_optional_trailer_may_be_absent(tmp_path: Path) -> None:
    assert len(read_text(tmp_path, text(*ROWS), described(required=False))) == 2


def test_totals_in_a_line_of_text(tmp_path: Path) -> None:
    trailer = {
        "when": [{"column": "#1", "matches": "^Total"}],
        "count": {"column": "#1", "pattern": r"of (\d+) rows"},
        "gross": {"column": "#1", "pattern": r": ([0-9.]+)"},
        **dict.fromkeys(("fee", "net")),
    }
    assert len(read_text(tmp_path, text(*ROWS, "Total of 2 rows: 60.00"), described(**trailer))) == 2
    with pytest.raises(TrailerMismatch, match=r"says gross 60.01"):
        read_text(tmp_path, text(*ROWS, "Total of 2 rows: 60.01"), described(**trailer))


def test_totals_beside_the_list_of_a_json_document(tmp_path: Path) -> None:
    trailer = {"path": "totals", "count": "count", "gross": "gross"}
    rows = written_as("json", [line(1), line(2, gross="-40.00")]).decode()
    right = f'{{"rows": {rows}, "totals": {{"count": 2, "gross": 60.00}}}}'
    opened = source(form="json", path="rows", trailer=trailer)
    assert len(records(read_text(tmp_path, right, opened))) == 2
    with pytest.raises(TrailerMismatch, match=r"the trailer at 'totals' says gross 61\.00 EUR"):
        read_text(tmp_path, right.replace("60.00}", "61.00}"), opened)
    with pytest.raises(Exception, match="has no object at 'totals'"):
        read_text(tmp_path, right.replace("totals", "sums"), opened)

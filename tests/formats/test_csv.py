"""CSV as it is found in the wild, and what only looks like it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.formats.errors import FileRefused
from app.formats.files import LINE_CHARACTERS
from tests.support.properties import QUICK
from tests.support.source_files import line, read, read_text, records, source, write, written_as

HEADER = "batch,id,payment,currency,gross,fee,day"
GOOD = "B1,L{},pi_{},EUR,100.00,1.50,2026-11-21"


def table(*rows: str, header: str = HEADER, end: str = "\n") -> str:
    return end.join((header, *rows, ""))


def good(number: int) -> str:
    return GOOD.format(number, number)


@pytest.mark.parametrize(
    ("text", "described"),
    [
        (b"\xef\xbb\xbf" + table(good(1)).encode(), {}),
        (table(good(1), end="\r\n"), {}),
        (table(good(1), end="\r"), {}),
        (table("", good(1), " , ,,", ",,,,,,", ""), {}),
        (table(good(1)).rstrip("\n"), {}),
        (table(good(1) + ",,", header=HEADER + ","), {}),
        ("Report of 21 November\n\n" + table(good(1)), {"skip_rows": 2}),
        ("# made by hand\n" + table("# note", good(1)), {"comment": "#"}),
        (table(good(1)).replace(",", ";"), {"delimiter": ";"}),
        (table(good(1)).replace(",", "\t"), {"delimiter": "\t"}),
        (table(good(1)).replace(",", "\x1f"), {"delimiter": "\x1f"}),
        (table('B1,L1,"pi_1",EUR,"100.00",1.50,2026-11-21'), {}),
        (table("B1,L1,'pi_1',EUR,100.00,1.50,2026-11-21"), {"quote": "'"}),
        (table(good(1)).encode("utf-16"), {"encoding": "utf-16"}),
        (table(good(1)).encode("utf-16-le"), {"encoding": "utf-16-le"}),
        (
            table(*[each.rsplit(",", 1)[0] for each in (good(1),)], header=HEADER),
            {"ragged": True, "default_day": True},
        ),
        (table(" B1 , L1 ,pi_1 , EUR , 100.00 ,1.50,2026-11-21", header=HEADER.replace(",", " , ")), {}),
    ],
)
def test_shapes_that_are_read(tmp_path: Path, text: str | bytes, described: dict[str, Any]) -> None:
    if described.pop("default_day", False):
        fields = dict.fromkeys(("currency", "gross", "fee"))
        described["fields"] = {name: name for name in fields} | {
            "batch_id": "batch", "line_id": "id", "psp_payment_id": "payment",
            "booked_on": {"column": "day", "default": "2026-11-21"},
        }  # fmt: skip
    (found,) = records(read_text(tmp_path, text, source(**described)))
    assert (found.line_id, found.psp_payment_id, found.gross, found.fee) == ("L1", "pi_1", 10000, 150)
    assert found.booked_on.isoformat() == "2026-11-21"


def test_another_encoding(tmp_path: Path) -> None:
    text = table(good(1).replace("pi_1", "Café")).encode("cp1252")
    (found,) = records(read_text(tmp_path, text, source(encoding="cp1252")))
    assert found.psp_payment_id == "Café"


def test_quoted_line_ends_and_delimiters_are_content(tmp_path: Path) -> None:
    fields = {"account": {"const": "DE89"}, "line_id": "id", "amount": "gross", "currency": "currency"}
    fields |= {"value_date": "day", "remittance": "payment"}
    text = table('B1,L1,"two\r\nlines, ""quoted""",EUR,1,0,2026-11-21', good(2))
    one, two = read_text(tmp_path, text, source("bank", fields=fields))
    assert [row.line for row in (one, two)] == [2, 4]
    (first, _) = records([one, two])
    assert first.remittance == 'two\r\nlines, "quoted"'


def test_columns_by_number(tmp_path: Path) -> None:
    fields = {"batch_id": "#1", "line_id": "#2", "psp_payment_id": "#3", "currency": "#4"}
    fields |= {"gross": "#5", "fee": "#6", "booked_on": "#7"}
    text = "\n".join((good(1), good(2)))
    assert len(records(read_text(tmp_path, text, source(header=False, fields=fields)))) == 2
    twice = table(good(1), header="a,a,b,c,d,e,f")
    with pytest.raises(FileRefused, match="has 'a' more than once"):
        read_text(tmp_path, twice, source())
    assert len(records(read_text(tmp_path, twice, source(header=False, skip_rows=1, fields=fields)))) == 1


@pytest.mark.parametrize(
    ("text", "described", "words"),
    [
        (b"", {}, "is empty"),
        (b"\n\n", {}, "has no header"),
        (table(good(1)).replace(",", ";"), {}, r"is the delimiter ';'\?"),
        (table(good(1), header="a,b,c,d,e,f,g"), {}, "has no column '[a-z]+'; its header is 'a', 'b'"),
        (
            table(good(1).replace("pi_1", "Café")).encode("cp1252"),
            {},
            r"line 2: byte 49 \(0xe9\) is not utf-8",
        ),
        (table(good(1)).encode() + b"B2,\xc3", {}, "ends in the middle of a character"),
        (table(good(1)).encode("utf-16"), {}, "begins with the mark of UTF-16"),
        (b"PK\x03\x04" + bytes(100), {}, "a ZIP archive or an Excel workbook"),
        (b"\x1f\x8b\x08" + bytes(100), {}, "compressed with gzip"),
        (bytes(range(256)) * 40, {"encoding": "latin-1"}, "is not text"),
        (b"\x7fELF" + bytes(1000), {}, "is not text"),
        ("x" * (LINE_CHARACTERS + 1), {}, "line 1 has over 1,048,576 characters"),
        (table(*["B1,L1,p,EUR,x,0,2026-11-21"] * 1001), {}, "none of its first 1000 rows can be read"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_is_refused(
    tmp_path: Path, text: str | bytes, described: dict[str, Any], words: str
) -> None:
    with pytest.raises(FileRefused, match=words):
        read_text(tmp_path, text, source(**described))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="is a directory"):
        read(tmp_path, source())
    with pytest.raises(FileRefused, match="No such file"):
        read(tmp_path / "absent", source())
    with pytest.raises(FileRefused, match="is no regular file"):
        read(Path("/dev/zero"), source())


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("B1,L2", "it has 2 cells, the header has 7"),
        (good(2) + ",extra", "it has 8 cells, the header has 7"),
        ('B1,"L2"x,pi_2,EUR,1,0,2026-11-21', "its quotes are wrong"),
        ('B1,"L2,pi_2,EUR,1,0,2026-11-21', "its quotes are wrong"),
    ],
)
def test_a_broken_row_is_quarantined_alone(tmp_path: Path, bad: str, reason: str) -> None:
    """However far a quote that is never closed would reach."""
    rows = read_text(tmp_path, table(good(1), bad, good(3), good(4)), source())
    assert [row.number for row in rows] == [1, 2, 3, 4]
    assert [row.problem is None for row in rows] == [True, False, True, True]
    assert (rows[1].line, rows[1].raw) == (3, bad)
    assert reason in (rows[1].problem or "")


def test_a_quote_that_swallows_more_than_a_field_may_hold(tmp_path: Path) -> None:
    rows = read_text(tmp_path, table('B1,"L0,p,EUR,1,0,x', *map(good, range(1, 6000))), source())
    assert [row.number for row in rows if row.problem] == [1]
    assert len(rows) == 6000


def test_without_a_line_id_equal_rows_are_told_apart(tmp_path: Path) -> None:
    fields = {"batch_id": "batch", "psp_payment_id": "payment", "currency": "currency", "gross": "gross"}
    described = source(fields={**fields, "booked_on": "day"})
    one, other = line(1, id=""), line(2, id="")
    first = records(read_text(tmp_path, written_as("csv", [one, other, one, one]), described))
    ids = [record.line_id for record in first]
    assert len(set(ids)) == 4
    assert [text.split("-")[1] for text in ids] == ["1", "1", "2", "3"]
    assert ids[0].split("-")[0] == ids[2].split("-")[0] != ids[1].split("-")[0]
    again = records(read_text(tmp_path, written_as("csv", [one, other, one, one]), described))
    assert [record.line_id for record in again] == ids


cells = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)


@QUICK
@given(texts=st.lists(cells, min_size=1, max_size=6), delimiter=st.sampled_from(",;\t|"))
def test_any_text_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], delimiter: str
) -> None:
    rows = [{**line(n), "text": f"x{text}x"} for n, text in enumerate(texts)]
    plain = written_as("csv", rows).decode()
    if delimiter != ",":
        names = list(rows[0])
        quoted = [
            delimiter.join('"' + str(row[name]).replace('"', '""') + '"' for name in names) for row in rows
        ]
        plain = "\r\n".join((delimiter.join(names), *quoted))
    fields = {"account": {"const": "A"}, "line_id": "id", "amount": "gross", "currency": "currency"}
    described = source(
        "bank", delimiter=delimiter, fields={**fields, "value_date": "day", "remittance": "text"}
    )
    path = write(tmp_path_factory.mktemp("any"), plain)
    assert [record.remittance for record in records(read(path, described))] == [f"x{text}x" for text in texts]


@QUICK
@given(junk=st.binary(min_size=1, max_size=400))
def test_junk_is_refused_or_quarantined_and_never_a_record(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    folder = tmp_path_factory.mktemp("junk")
    for described in (source(), source(form="json"), source(form="jsonl")):
        try:
            rows = read_text(folder, junk, described)
        except FileRefused:
            continue
        assert [row for row in rows if row.record is not None] == []


@QUICK
@given(junk=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1))
def test_junk_behind_good_rows_never_costs_one(tmp_path_factory: pytest.TempPathFactory, junk: str) -> None:
    text = table(good(1), good(2)) + junk
    rows = read_text(tmp_path_factory.mktemp("junk"), text.encode("latin-1"), source(encoding="latin-1"))
    assert [row.record is not None for row in rows[:2]] == [True, True]

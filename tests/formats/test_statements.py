"""One suite over all bank formats: the same bookings are the same lines, signs, ids and balances."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.formats.errors import FileRefused
from app.formats.statements import agreement
from tests.support.properties import QUICK
from tests.support.statement_files import read_bytes
from tests.support.statement_writers import ACCOUNT, DAY, WRITERS, Booking, camt, mt940

PROVEN = ["camt", "mt940", "bai2"]
"""Formats with an opening balance."""
TWO = [Booking(123456, "PAYOUT B7", "R1"), Booking(-300, "fees", "R2")]


@pytest.fixture(params=list(WRITERS))
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_entries_become_lines(tmp_path: Path, form: str) -> None:
    found = read_bytes(tmp_path, form, WRITERS[form](TWO, opening=1000))
    got = [
        (line.account, line.amount, line.currency, line.value_date, line.remittance) for line in found.lines
    ]
    assert got == [
        (ACCOUNT, 123456, "EUR", DAY, "PAYOUT B7"),
        (ACCOUNT, -300, "EUR", DAY, "fees"),
    ]
    assert found.problems == []


def test_the_bank_s_reference_is_the_line_s_id_and_the_same_in_a_longer_file(
    tmp_path: Path, form: str
) -> None:
    first = read_bytes(tmp_path, form, WRITERS[form](TWO)).lines
    longer = read_bytes(tmp_path, form, WRITERS[form]([Booking(5, "x", "R0"), *TWO])).lines
    assert [line.line_id for line in longer[1:]] == [line.line_id for line in first]
    assert all(line.line_id.endswith(ref) for line, ref in zip(first, ("R1", "R2"), strict=True))


def test_a_reference_that_is_there_twice_is_no_id(tmp_path: Path, form: str) -> None:
    twice = [Booking(100, "a", "R1"), Booking(100, "b", "R1"), Booking(7, "c", "R2")]
    ids = [line.line_id for line in read_bytes(tmp_path, form, WRITERS[form](twice)).lines]
    assert len(set(ids)) == 3
    assert [one.endswith(("R1", "R2")) for one in ids] == [False, False, True]


def test_equal_entries_are_told_apart_and_known_again(tmp_path: Path, form: str) -> None:
    written = WRITERS[form]([Booking(100), Booking(100), Booking(-100)])
    first, again = (read_bytes(tmp_path, form, written).lines for _ in range(2))
    assert first == again
    assert len({line.line_id for line in first}) == 3


@pytest.mark.parametrize("form", PROVEN)
def test_balances_and_entries_agree_or_it_is_said(tmp_path: Path, form: str) -> None:
    right = read_bytes(tmp_path, form, WRITERS[form](TWO, opening=-500))
    assert (agreement(right.only).agrees, right.warnings) == (True, [])
    wrong = read_bytes(tmp_path, form, WRITERS[form](TWO, opening=-500, closing=1))
    assert agreement(wrong.only).agrees is False
    assert (
        "its balances and entries disagree: -5.00 + 1,231.56 = 1,226.56, it closes with 0.01 EUR"
        in (wrong.warnings[0])
    )
    assert len(wrong.lines) == 2  # kept, and flagged


def test_a_currency_has_its_own_digits(tmp_path: Path, form: str) -> None:
    for currency, amount in (("JPY", 1500), ("KWD", 1234567), ("EUR", 1)):
        found = read_bytes(tmp_path, form, WRITERS[form]([Booking(amount)], currency=currency))
        assert [(line.amount, line.currency) for line in found.lines] == [(amount, currency)]


def test_the_account_can_be_given_another_name(tmp_path: Path, form: str) -> None:
    fields = {"account": {"column": "account", "values": {ACCOUNT: "main"}}}
    assert [line.account for line in read_bytes(tmp_path, form, WRITERS[form](TWO), fields=fields).lines] == [
        "main",
        "main",
    ]


def test_entries_can_be_left_out_by_rule(tmp_path: Path, form: str) -> None:
    rows = [{"when": [{"column": "remittance", "equals": ["fees"]}], "ignore": "bank fees"}, {}]
    found = read_bytes(tmp_path, form, WRITERS[form](TWO), rows=rows)
    assert (len(found.lines), found.ignored) == (1, ["bank fees"])


def test_no_entries_is_right_and_no_statement_is_not(tmp_path: Path, form: str) -> None:
    assert read_bytes(tmp_path, form, WRITERS[form]([], opening=5)).rows == []
    for nothing in (b"", b"\n\n", b"hello\n", b"<a/>", b"<OFX></OFX>", b":20:X\r\n-\r\n"):
        with pytest.raises(FileRefused):
            read_bytes(tmp_path, form, nothing)


def test_one_bad_entry_is_quarantined_alone(tmp_path: Path, form: str) -> None:
    written = WRITERS[form]([Booking(100), Booking(987654), Booking(300)])
    broken = (
        written.replace(b"9876.54", b"98..54").replace(b"9876,54", b"98,,54").replace(b",987654,", b",98x54,")
    )
    assert broken != written
    found = read_bytes(tmp_path, form, broken)
    assert [line.amount for line in found.lines] == [100, 300]
    (bad,) = [row for row in found.rows if row.problem]
    assert bad.raw
    assert bad.line
    assert agreement(found.only).agrees is None


texts = st.text(
    st.characters(min_codepoint=48, max_codepoint=122, categories=["L", "N"]), min_size=1, max_size=60
)
bookings = st.builds(
    Booking,
    amount=st.integers(-(10**15), 10**15).filter(bool),
    text=texts,
    reference=st.just(""),
    on=st.dates(date(2000, 1, 1), date(2079, 12, 31)),
)


@pytest.mark.parametrize("form", list(WRITERS))
@given(
    made=st.lists(bookings, max_size=12),
    numbers=st.booleans(),
    currency=st.sampled_from(["EUR", "JPY", "KWD", "USD"]),
    opening=st.integers(-(10**15), 10**15),
)
@QUICK
def test_what_is_written_is_read_back(
    form: str, made: list[Booking], numbers: bool, currency: str, opening: int
) -> None:
    if form == "bai2":
        made = [one._replace(on=DAY) for one in made]  # its entries have the date of their group
    if numbers:
        made = [one._replace(reference=f"R{n}") for n, one in enumerate(made)]
    with tempfile.TemporaryDirectory() as folder:
        found = read_bytes(Path(folder), form, WRITERS[form](made, currency=currency, opening=opening))
    assert [(line.amount, line.value_date, line.remittance) for line in found.lines] == [
        (one.amount, one.on, one.text) for one in made
    ]
    assert len({line.line_id for line in found.lines}) == len(made)
    assert agreement(found.only).agrees is (None if form == "ofx" else True)


SIGNS = [("C", 1), ("D", -1), ("RC", -1), ("RD", 1)]


@pytest.mark.parametrize(("mark", "sign"), SIGNS)
@pytest.mark.parametrize("funds", ["", "R"])
def test_reversals_of_mt940(tmp_path: Path, mark: str, sign: int, funds: str) -> None:
    """`RC` takes back a credit. With the third letter of the currency behind it, `DR` is a debit in EUR."""
    written = mt940([Booking(1)]).replace(b"C0,01N", f"{mark}{funds}204,88N".encode())
    (line,) = read_bytes(tmp_path, "mt940", written).lines
    assert line.amount == sign * 20488


def test_a_camt_reversal_goes_the_way_it_says(tmp_path: Path) -> None:
    """ISO 20022: `CdtDbtInd` is the way of this booking, `RvslInd` says that it takes back an earlier one."""
    written = camt([Booking(-500)]).replace(b"</CdtDbtInd><Sts>", b"</CdtDbtInd><RvslInd>true</RvslInd><Sts>")
    (line,) = read_bytes(tmp_path, "camt", written).lines
    assert line.amount == -500


@pytest.mark.parametrize(
    ("status", "ignored"), [("PDNG", "pending"), ("FUTR", "pending"), ("INFO", "information")]
)
def test_what_is_not_booked_is_no_line(tmp_path: Path, status: str, ignored: str) -> None:
    for tag in (f"<Sts><Cd>{status}</Cd></Sts>", f"<Sts>{status}</Sts>"):
        written = camt(TWO).replace(b"<Sts><Cd>BOOK</Cd></Sts>", tag.encode(), 1)
        found = read_bytes(tmp_path, "camt", written)
        assert len(found.lines) == 1
        assert ignored in found.ignored[0]
        assert found.only.others["EUR"].credits == Decimal("1234.56")


@pytest.mark.parametrize("version", ["camt.052.001.02", "camt.052.001.08", "camt.054.001.04"])
def test_a_report_of_the_day_books_what_the_statement_will_know_again(tmp_path: Path, version: str) -> None:
    statement = read_bytes(tmp_path, "camt", camt(TWO)).lines
    early = read_bytes(tmp_path, "camt", camt(TWO, version=version))
    assert [line.line_id for line in early.lines] == [line.line_id for line in statement]
    without = [one._replace(reference="") for one in TWO]
    late = read_bytes(tmp_path, "camt", camt(without, version=version))
    assert (late.lines, late.ignored) == ([], ["interim report: the statement books it"] * 2)
    assert len(read_bytes(tmp_path, "camt", camt(without, version=version), book_interim=True).lines) == 2


def an_mt942(mark: str = "C") -> bytes:
    return (
        f":20:X\r\n:25:{ACCOUNT}\r\n:28C:1/1\r\n:34F:EUR0\r\n:13D:2611201200+0100\r\n"
        f":61:2611201120{mark}12,50NTRFNONREF//R1\r\n:86:x\r\n:90D:0EUR0,00\r\n:90C:1EUR12,50\r\n-\r\n"
    ).encode()


def test_an_mt942_waits_for_its_statement(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, "mt940", an_mt942())
    assert (found.lines, found.ignored, found.warnings) == (
        [],
        ["interim report: the statement books it"],
        [],
    )
    assert len(read_bytes(tmp_path, "mt940", an_mt942(), book_interim=True).lines) == 1
    assert read_bytes(tmp_path, "mt940", an_mt942("EC"), book_interim=True).lines == []
    wrong = read_bytes(tmp_path, "mt940", an_mt942().replace(b":90C:1EUR12,50", b":90C:1EUR12,51"))
    assert "it says its credits add up to 12.51, they add up to 12.50" in wrong.warnings[0]


@pytest.mark.parametrize(
    ("written", "read"),
    [("1602300301", date(2016, 2, 29)), ("1502290301", date(2015, 2, 28)), ("1602290301", date(2016, 2, 29))],
)
def test_the_30th_of_february(tmp_path: Path, written: str, read: date) -> None:
    text = mt940([Booking(100)]).replace(b":61:2611201120", f":61:{written}".encode())
    (line,) = read_bytes(tmp_path, "mt940", text).lines
    assert line.value_date == read
    day = f"20{written[:2]}-02-{written[4:6]}"
    xml = camt([Booking(100)]).replace(b"<ValDt><Dt>2026-11-20", f"<ValDt><Dt>{day}".encode())
    (line,) = read_bytes(tmp_path, "camt", xml).lines
    assert line.value_date == read


def test_other_days_that_are_not_there_are_refused(tmp_path: Path) -> None:
    for wrong in (b"260431", b"261301", b"260231"):
        found = read_bytes(tmp_path, "mt940", mt940(TWO).replace(b":61:261120", b":61:" + wrong, 1))
        assert (len(found.lines), len(found.problems)) == (1, 1)


def test_an_entry_date_around_new_year(tmp_path: Path) -> None:
    for value, entry, booked in (
        ("261231", "0102", date(2027, 1, 2)),
        ("270101", "1230", date(2026, 12, 30)),
    ):
        text = mt940([Booking(1)]).replace(b"2611201120", f"{value}{entry}".encode())
        (line,) = read_bytes(tmp_path, "mt940", text).lines
        assert line.booking_date == booked


def test_the_parts_of_a_german_text(tmp_path: Path) -> None:
    text = (
        b":86:166?00GUTSCHRIFT?100399?20EREF+E2E-77?21SVWZ+PAYOUT ?22BATCH-20261120-001?30COBADEFF"
        b"?31DE1?32Shop ?33GmbH?34000"
    )
    (line,) = read_bytes(tmp_path, "mt940", mt940([Booking(1)]).replace(b":86:PAYOUT B7", text)).lines
    assert line.end_to_end_id == "E2E-77"
    assert line.remittance == "EREF+E2E-77SVWZ+PAYOUT BATCH-20261120-001"


@pytest.mark.parametrize(
    ("as_written", "as_found"),
    [
        ("\r\n-\r\n", "-}{5:{CHK:1}}\r\n"),
        ("\r\n-\r\n", "\r\n-}\r\n"),
        ("\r\n:86:", "\r\n :86:"),
        ("\r\n:61:", "\r\n\r\n :61:"),
        (":20:", "{1:F01BANKDEFFXXXX}{2:O940BANKDEFFXXXXN}{3:}{4:\r\n:20:"),
        ("\r\n", "\n"),
        ("\r\n", "\r"),
        ("C1234,56NTRF", "CR1234.56NTRF"),
        ("D3,00NTRF", "D3NTRF"),
        (":25:", ":25P:"),
        ("DE89370400440532013000", "DE89370400440532013000EUR"),
    ],
)
def test_liberties_of_mt940(tmp_path: Path, as_written: str, as_found: str) -> None:
    text = mt940(TWO).decode()
    assert as_written in text
    found = read_bytes(tmp_path, "mt940", text.replace(as_written, as_found).encode())
    assert [(line.account, line.amount, line.remittance) for line in found.lines] == [
        (ACCOUNT, 123456, "PAYOUT B7"),
        (ACCOUNT, -300, "fees"),
    ]
    assert agreement(found.only).agrees is True


@pytest.mark.parametrize("header", ["CHARSET:1252\n", "CHARSET:ISO-8859-1\n", "CHARSET:NONE\n", ""])
def test_ofx_in_the_code_page_it_says_or_not(tmp_path: Path, header: str) -> None:
    text = WRITERS["ofx"]([Booking(1, "Zürich")]).decode()
    text = text.replace("ENCODING:UTF-8\nCHARSET:NONE\n", f"ENCODING:USASCII\n{header}")
    assert read_bytes(tmp_path, "ofx", text.encode("cp1252")).lines[0].remittance == "Zürich"


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_umlauts_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    found = read_bytes(tmp_path, "mt940", mt940([Booking(1, "Zürich")]).decode().encode(encoding))
    assert found.lines[0].remittance == "Zürich"
    assert bool(found.warnings) == (encoding != "utf-8")


def test_an_xml_file_is_read_as_it_says(tmp_path: Path) -> None:
    text = camt([Booking(1, "Zürich")]).decode().replace('encoding="UTF-8"', 'encoding="ISO-8859-1"')
    assert read_bytes(tmp_path, "camt", text.encode("iso-8859-1")).lines[0].remittance == "Zürich"
    wide = text.replace("ISO-8859-1", "UTF-16").encode("utf-16")
    assert read_bytes(tmp_path, "camt", wide).lines[0].remittance == "Zürich"


def test_several_statements_and_currencies_in_one_file(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, "mt940", mt940(TWO) + mt940([Booking(9)], currency="USD"))
    assert [(s.currency, agreement(s).agrees) for s in found.statements] == [("EUR", True), ("USD", True)]
    assert [(line.currency, line.amount) for line in found.lines] == [
        ("EUR", 123456),
        ("EUR", -300),
        ("USD", 9),
    ]


@pytest.mark.parametrize("form", ["camt", "mt940"])
def test_a_statement_that_is_there_twice_is_refused(tmp_path: Path, form: str) -> None:
    """As by a gateway that hangs files together. Told apart, its entries would be booked twice."""
    written = WRITERS[form](TWO)
    if form == "camt":
        begin, end = written.index(b"<Stmt>"), written.index(b"</BkToCstmrStmt>")
        twice = written[:end] + written[begin:end] + written[end:]
    else:
        twice = written + written
    with pytest.raises(FileRefused, match="is there twice"):
        read_bytes(tmp_path, form, twice)


def cut(written: bytes) -> bytes:
    return written[: len(written) - 40]


@pytest.mark.parametrize(
    ("form", "damage"),
    [("camt", cut), ("ofx", cut), ("bai2", cut), ("mt940", lambda text: text[: text.index(b":62F:")])],
)
def test_a_file_that_was_cut_off_is_refused(
    tmp_path: Path, form: str, damage: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(FileRefused):
        read_bytes(tmp_path, form, damage(WRITERS[form](TWO)))

"""Every report that the program knows reads a file of its kind: each line, sign and currency."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.__main__ import main
from app.contracts.source_reports import report_names
from app.formats.control import TrailerMismatch
from app.formats.errors import FileRefused
from tests.formats.reports.reading import dry_run, rows_of
from tests.formats.reports.sample_parts import DLOCAL, PAYPAL_CH, PAYPAL_STL, Line, table
from tests.formats.reports.samples import SAMPLES


def as_line(record: Any) -> Line:
    identity = record.psp_payment_id or record.merchant_ref
    amounts = (record.currency, record.gross, record.settle_currency, record.fee, record.net)
    return (record.kind, record.line_id, record.batch_id, identity, *amounts)


def lines(tmp_path: Path, text: str, report: str, **own: Any) -> list[Line]:
    rows, _ = rows_of(tmp_path, text, report, **own)
    assert [row.problem for row in rows if row.problem] == []
    return [as_line(row.record) for row in rows if row.record is not None]


def test_every_report_has_a_sample() -> None:
    assert set(SAMPLES) == set(report_names())


@pytest.mark.parametrize("report", sorted(set(SAMPLES) - {"gravy.transactions", "gravy.refunds"}))
def test_a_sample_becomes_its_lines(tmp_path: Path, report: str) -> None:
    sample = SAMPLES[report]
    rows, warnings = rows_of(tmp_path, sample.text, report, **sample.own)
    assert [(row.number, row.problem) for row in rows if row.problem] == []
    assert tuple(as_line(row.record) for row in rows if row.record is not None) == sample.lines
    assert sum(row.ignored is not None for row in rows) == sample.ignored
    assert warnings == []


def test_payments_of_an_orchestrator(tmp_path: Path) -> None:
    rows, _ = rows_of(tmp_path, SAMPLES["gravy.transactions"].text, "gravy.transactions")
    paid: Any
    back: Any
    (paid,) = [row.record for row in rows if row.record is not None]
    assert (paid.payment_id, paid.psp_payment_id, paid.amount, paid.order_ref) == ("g1", "X1", 1000, "o-1")
    rows, _ = rows_of(tmp_path, SAMPLES["gravy.refunds"].text, "gravy.refunds")
    (back,) = [row.record for row in rows if row.record is not None]
    assert (back.payment_id, back.refund_id, back.amount) == ("g1", "refund-g1-400", 400)


@pytest.mark.parametrize(
    ("report", "old", "new", "words"),
    [
        ("adyen.settlement-detail", "166.40", "166.39", "'Shop-7 EUR', in row 9, says net 166.39 EUR"),
        ("chariot.deposits", "14.70", "14.71", "'B1', in row 3, says net 14.71 USD"),
        ("trustly.funding", "USD,10.70", "USD,10.71", "'F1', in row 5, says net 10.71 USD"),
        ("trustly.funding", "L,3,11.00", "L,3,11.01", "the trailer in row 6 says gross 11.01 USD"),
        ("paypal.stl", "SF,EUR,10000", "SF,EUR,10001", "the section's total of EUR says credits 10001"),
        ("paypal.stl", "RF,EUR,10000,6100", "RF,EUR,10000,6101", "the report's total of EUR says"),
        ("paypal.stl", "SC,7", "SC,8", "says 8 rows, there are 7"),
        ("paypal.stl", "RC,7", "RC,6", "says 6 rows, there are 7"),
        ("dlocal.settlement", "-5.10,11.89", "-5.10,11.95", "NET_TOTAL_AMOUNT 11.95, its rows add up to"),
    ],
)
def test_totals_that_do_not_hold_refuse_the_file(
    tmp_path: Path, report: str, old: str, new: str, words: str
) -> None:
    sample = SAMPLES[report]
    assert sample.text.count(old) == 1
    with pytest.raises(TrailerMismatch) as refusal:
        rows_of(tmp_path, sample.text.replace(old, new), report, **sample.own)
    assert words in str(refusal.value)


def test_fees_of_a_section_that_do_not_hold_are_a_warning(tmp_path: Path) -> None:
    text = table(PAYPAL_STL).replace("SF,EUR,10000,6000,300,120", "SF,EUR,10000,6000,300,121")
    _, warnings = rows_of(tmp_path, text, "paypal.stl")
    assert warnings == [
        "line 12: the section's total of EUR says fees 300 and 121, "
        "its rows add up to 300 taken and 120 given back"
    ]


def test_what_rounding_leaves_of_a_transfer_is_a_line_of_its_own(tmp_path: Path) -> None:
    text = table(DLOCAL).replace("-5.10,11.89", "-5.10,11.90")
    assert lines(tmp_path, text, "dlocal.settlement")[-1] == (
        "adjustment", "RESIDUAL-residual-77", "77", "residual-77", "USD", 1, "USD", 0, 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("report", "text", "words"),
    [
        ("paypal.stl", "a,b\n1,2\n", "names no columns in a CH row"),
        ("paypal.stl", table(f"{PAYPAL_CH}\nCH|other\nSB|T1"), "its sections have different columns"),
        ("dlocal.settlement", "a,b\n1,2\n3,4\n", "does not begin with a summary"),
        ("adyen.settlement-detail", "a,b\n1,2\n", "has no column"),
        ("mollie.refunds", "[1, 2", "is no JSON document: it ends too early"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path: Path, report: str, text: str, words: str) -> None:
    with pytest.raises(FileRefused) as refusal:
        rows_of(tmp_path, text, report)
    assert words in str(refusal.value)


def test_a_record_of_an_unknown_kind_is_quarantined_alone(tmp_path: Path) -> None:
    text = table(f"{PAYPAL_CH}\nXX|T0\nSB|T1|o-1||T0006|2026/11/20 10:00:00 -0800|CR|100|EUR||||")
    rows, _ = rows_of(tmp_path, text, "paypal.trr")
    assert [row.problem for row in rows] == ["there is no kind of record 'XX'", None]


def test_a_report_of_several_files_is_not_measured_by_its_last_one(tmp_path: Path) -> None:
    text = table(PAYPAL_STL).replace("FH,01", "FH,02").replace("RC,7", "RC,7000")
    assert len(lines(tmp_path, text, "paypal.stl")) == 5


def test_rules_of_the_source_come_before_the_reports(tmp_path: Path) -> None:
    own = {"rows": [{"when": [{"column": "id", "matches": "^PO"}], "kind": "adjustment"}]}
    found = lines(tmp_path, SAMPLES["gocardless.payouts"].text, "gocardless.payouts", **own)
    assert found == [("adjustment", "PO1", "PO1", "PO1", "GBP", 1000, "GBP", 20, 980)]


def paypal(*rows: str) -> str:
    at = "2026/11/20 10:00:00 -0800"
    return table("\n".join((PAYPAL_CH, *(row.replace("@", at) for row in rows))))


PAID = "SB|T1|o-1||T0003|@|CR|2200|BRL|DR|360|BRL||"
OUT, INTO = "SB|T2|o-1|T1|T0200|@|DR|1840|BRL|||||", "SB|T3|o-1|T1|T0200|@|CR|327|USD|||||"
BACK = "SB|T4|o-1|T1|T1107|@|DR|2200|BRL|CR|360|BRL||"
BACK_IN, BACK_OUT = "SB|T5||T4|T0200|@|CR|1840|BRL|||||", "SB|T6||T4|T0200|@|DR|330|USD|||||"


def test_a_payment_and_its_conversion_are_one_line(tmp_path: Path) -> None:
    """The fee of 3.60 at 327 / 1840 is 0.64."""
    rows, _ = rows_of(tmp_path, paypal(PAID, OUT, INTO, BACK, BACK_IN, BACK_OUT), "paypal.trr")
    found: list[Any] = [row.record for row in rows if row.record is not None]
    assert [as_line(one) for one in found] == [
        ("capture", "T0003-T1", "2026/11/20", "T1", "BRL", 2200, "USD", 64, 327),
        ("refund", "T1107-T4", "2026/11/20", "T1", "BRL", -2200, "USD", -65, -330),
    ]
    assert [one.rate for one in found] == ["0.177717391304", "0.179347826087"]
    assert [row.ignored for row in rows if row.ignored] == [
        "the conversion of a payment: part of its line"
    ] * 4


@pytest.mark.parametrize(
    "rows",
    [
        (PAID, OUT),
        (PAID, OUT.replace("1840", "1841"), INTO),
        (PAID, OUT.replace("|T1|", "|T9|"), INTO),
        (OUT, INTO, PAID),
    ],
)
def test_conversions_that_do_not_fit_stay_as_they_are(tmp_path: Path, rows: tuple[str, ...]) -> None:
    found = lines(tmp_path, paypal(*rows), "paypal.trr")
    (paid,) = [line for line in found if line[0] == "capture"]
    assert paid[4:] == ("BRL", 2200, "BRL", 360, 1840)
    assert len(found) == len(rows)


def test_a_conversion_far_behind_its_payment_is_a_line_of_its_own(tmp_path: Path) -> None:
    others = [f"SB|X{n}|||T0006|@|CR|100|EUR|||||" for n in range(2_001)]
    found = lines(tmp_path, paypal(PAID, *others, OUT, INTO), "paypal.trr")
    assert found[0][4:] == ("BRL", 2200, "BRL", 360, 1840)
    assert [line[0] for line in found[-2:]] == ["adjustment", "adjustment"]


def test_what_is_left_out_is_summed_by_its_reason(tmp_path: Path) -> None:
    file = tmp_path / "stl.csv"
    file.write_text(SAMPLES["paypal.stl"].text, encoding="utf-8")
    found = dry_run(tmp_path, file, "paypal.stl").document["ignored_sums"]
    assert found["the payout itself"] == {"EUR": {"gross": -100, "net": -100}}


def test_a_report_is_tried_without_any_source(tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_text(SAMPLES["stripe.settlement"].text, encoding="utf-8")
    done = CliRunner().invoke(
        main, ["ingest", str(file), "--report", "stripe.settlement", "--dry-run", "--json"]
    )
    assert (done.exit_code, json.loads(done.stdout)["rows"]) == (0, 6)
    for arguments, words in (
        (["--report", "stripe.settlement"], "--report is for --dry-run alone"),
        (["--report", "stripe.settlement", "--source", "s", "--dry-run"], "give either --source or --report"),
        (["--dry-run"], "give either --source or --report"),
        (["--report", "stripe.unknown", "--dry-run"], "there is no report 'stripe.unknown'; known: adyen"),
    ):
        refused = CliRunner().invoke(main, ["ingest", str(file), *arguments])
        assert (refused.exit_code, words in refused.output) == (2, True)

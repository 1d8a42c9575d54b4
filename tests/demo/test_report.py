"""The demo's judge: it agrees with books that are right and says what differs in books that are not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from rich.console import Console

from app.demo import report, tables
from app.demo.stream import COMMANDS, LINES, MATCHING, WEBHOOKS
from app.demo.truth import EITHER, Truth
from app.store.books import Books

EMPTY = Books(
    payments=0,
    captured={},
    refunded={},
    disputed={},
    balances={},
    payouts={},
    lines=0,
    records={},
    kept={},
    open=frozenset({("MISSING_PAYMENT", "stripe:old")}),
    resolved={},
)
RIGHT = Books(
    payments=2,
    captured={"EUR": 3000, "JPY": 500},
    refunded={"EUR": 200},
    disputed={"EUR": 100},
    balances={
        "plat_fee": {"EUR": 90, "JPY": 10},
        "m_pend": {"EUR": 1000, "JPY": 490},
        "m_avail": {"EUR": 1610},
        "m_hold": {"EUR": 40},
        "transit": {"EUR": 2950},
        "payout_fee": {"EUR": 25},
    },
    payouts={"paid": 1},
    lines=2,
    records={
        COMMANDS: {"records": 9, "applied": 5, "duplicate": 2, "dead_letter": 1, "refused": 1},
        LINES: {"records": 3, "applied": 2, "ignored": 1},
        MATCHING: {"records": 7, "applied": 7, "dead_letter": 0},
        WEBHOOKS: {"records": 6, "applied": 5, "dead_letter": 1},
    },
    kept={"applied": 4, "refused": 1},
    open=frozenset({("MISSING_PAYMENT", "stripe:old"), ("AMOUNT_UNDER", "stripe:pi_1")}),
    resolved={"MISSING_PAYMENT": 3},
)


def truth() -> Truth:
    """What was sent for `RIGHT`."""
    sent = Truth(
        sent=Counter({COMMANDS: 8, LINES: 3}),
        webhooks=6,
        forged=2,
        unreadable=1,
        outcomes=Counter({"applied": 3, EITHER: 2, "refused": 1, "duplicate": 2, "dead_letter": 1}),
        refused={("m-1", "c-9")},
        payments=2,
        captured=Counter(EUR=3000, JPY=500),
        refunded=Counter(EUR=200),
        disputed=Counter(EUR=100),
        held=Counter(EUR=40),
        platform_fees=Counter(EUR=90, JPY=10),
        merchants_money=Counter(EUR=2610, JPY=490),
        payouts=Counter(paid=1, started=0),
        bank_fees=Counter(EUR=25),
        lines=2,
        settled_net=Counter(EUR=2950),
    )
    sent.plant("AMOUNT_UNDER", "stripe:pi_1")
    return sent


def disagreeing(after: Books) -> list[str]:
    rows = [*report.money(truth(), EMPTY, after), *report.counts(truth(), EMPTY, after)]
    rows += report.webhooks(truth(), EMPTY, after, refused=2)
    return [row.name for row in rows if not row.agrees]


def test_right_books_agree() -> None:
    assert disagreeing(RIGHT) == []
    found = report.categories(truth(), EMPTY, RIGHT)
    assert all(row.agrees for row in found)
    assert [(row.name, row.planted, row.found) for row in found if row.planted] == [("AMOUNT_UNDER", 1, 1)]
    assert next(row.resolved for row in found if row.name == "MISSING_PAYMENT") == 3


def records(topic: str, **changes: int) -> dict[str, dict[str, int]]:
    return {**RIGHT.records, topic: {**RIGHT.records[topic], **changes}}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"payments": 1}, "payments"),
        ({"captured": {"EUR": 3001, "JPY": 500}}, "captured, EUR"),
        ({"captured": {"EUR": 3000, "JPY": 500, "USD": 1}}, "captured, USD"),
        ({"refunded": {}}, "refunded, EUR"),
        ({"disputed": {"EUR": 99}}, "disputed, EUR"),
        ({"balances": {**RIGHT.balances, "m_hold": {}}}, "held, EUR"),
        ({"balances": {**RIGHT.balances, "plat_fee": {"EUR": 89, "JPY": 10}}}, "platform fees, EUR"),
        ({"balances": {**RIGHT.balances, "m_avail": {"EUR": 1611}}}, "owed, EUR"),
        ({"balances": {**RIGHT.balances, "transit": {}}}, "in transit, EUR"),
        ({"balances": {**RIGHT.balances, "payout_fee": {"EUR": 50}}}, "bank fees, EUR"),
        ({"payouts": {"started": 1}}, "payouts, paid"),
        ({"lines": 3}, "settlement lines"),
        ({"kept": {"applied": 2, "refused": 1}}, "applied"),
        ({"kept": {"applied": 6, "refused": 1}}, "applied"),
        ({"kept": {"applied": 4}}, "refused"),
        ({"kept": {"applied": 4, "refused": 1, "parked": 1}}, "parked"),
        ({"records": records(COMMANDS, dead_letter=0)}, "dead letters"),
        ({"records": records(COMMANDS, duplicate=1)}, "duplicates"),
        ({"records": records(COMMANDS, records=7)}, "commands, lanes' too"),
        ({"records": records(MATCHING, dead_letter=1)}, "dead letters in matching"),
        ({"records": records(WEBHOOKS, records=5)}, "webhooks stored"),
        ({"records": records(WEBHOOKS, dead_letter=0)}, "unreadable webhooks"),
        ({"records": records(WEBHOOKS, dead_letter=2)}, "unreadable webhooks"),
        ({"records": records(LINES, records=2)}, "lines and trailers at the door"),
    ],
)
def test_every_figure_can_differ(change: dict[str, Any], name: str) -> None:
    assert name in disagreeing(msgspec.structs.replace(RIGHT, **change))


def test_a_webhook_whose_answer_got_lost_may_be_stored_twice() -> None:
    again = msgspec.structs.replace(RIGHT, records=records(WEBHOOKS, records=7, dead_letter=2))
    assert disagreeing(again) == []


def test_a_forged_webhook_that_was_believed_is_seen() -> None:
    wrong = [row.name for row in report.webhooks(truth(), EMPTY, RIGHT, refused=1) if not row.agrees]
    assert wrong == ["forged webhooks sent away"]


def test_missed_and_unplanted_mismatches_are_named() -> None:
    other = {("FEE_VARIANCE", "adyen:8816"), ("NEGATIVE_BALANCE", "m-1"), ("AMOUNT_UNDER", "stripe:pi_2")}
    after = msgspec.structs.replace(RIGHT, open=frozenset(other))
    wrong = {row.name: row for row in report.categories(truth(), EMPTY, after) if not row.agrees}
    assert set(wrong) == {"AMOUNT_UNDER", "FEE_VARIANCE", "NEGATIVE_BALANCE"}
    assert wrong["AMOUNT_UNDER"].missed == ("stripe:pi_1",)
    assert wrong["AMOUNT_UNDER"].extra == ("stripe:pi_2",)


def test_certain_outcomes_are_looked_up_by_id() -> None:
    right = report.certain_outcomes(truth(), {("m-1", "c-9"): "refused"})
    wrong = report.certain_outcomes(truth(), {("m-1", "c-9"): "applied"})
    assert [row.agrees for row in right] == [True, True]
    assert [row.agrees for row in wrong] == [False, True]


def test_what_differs_is_shown() -> None:
    console = Console(record=True, width=120)
    captured = {"EUR": 2999, "JPY": 500}
    after = msgspec.structs.replace(RIGHT, payments=7, captured=captured, open=frozenset())
    tables.show_categories(console, report.categories(truth(), EMPTY, after), {"AMOUNT_UNDER": [1234.0, 5e6]})
    tables.show_money(console, report.money(truth(), EMPTY, after))
    tables.show_counts(console, report.counts(truth(), EMPTY, after))
    text = console.export_text()
    for words in ("AMOUNT_UNDER missed: stripe:pi_1", "1.23 s", "5,000.00 s", "3,000 sent", "2,999 booked"):
        assert words in text
    assert text.count("DIFFERS") == 3

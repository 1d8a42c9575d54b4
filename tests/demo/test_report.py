"""The demo's judge: it agrees with books that are right and says what differs in books that are not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from rich.console import Console

from app.demo import report
from app.demo.stream import COMMANDS, LINES
from app.demo.truth import Truth
from app.store.books import Books

EMPTY = Books(
    payments=0,
    captured={},
    refunded={},
    balances={},
    payouts={},
    lines=0,
    records={},
    kept={},
    fired=0,
    open=frozenset({("MISSING_PAYMENT", "stripe:old")}),
    resolved={},
)
RIGHT = Books(
    payments=2,
    captured={"EUR": 3000, "JPY": 500},
    refunded={"EUR": 200},
    balances={
        "plat_fee": {"EUR": 90, "JPY": 10},
        "m_pend": {"EUR": 1000, "JPY": 490},
        "m_avail": {"EUR": 1610},
        "transit": {"EUR": 2950},
        "payout_fee": {"EUR": 25},
    },
    payouts={"paid": 1},
    lines=2,
    records={
        COMMANDS: {"records": 9, "applied": 5, "duplicate": 2, "dead_letter": 1, "refused": 1},
        LINES: {"records": 3, "applied": 2, "ignored": 1},
    },
    kept={"applied": 4, "refused": 1},
    fired=1,
    open=frozenset({("MISSING_PAYMENT", "stripe:old"), ("AMOUNT_UNDER", "stripe:pi_1")}),
    resolved={"MISSING_PAYMENT": 3},
)


def truth() -> Truth:
    """What was sent for `RIGHT`."""
    sent = Truth(
        sent=Counter({COMMANDS: 8, LINES: 3}),
        outcomes=Counter(applied=4, refused=1, duplicate=2, dead_letter=1),
        refused={("m-1", "c-9")},
        payments=2,
        captured=Counter(EUR=3000, JPY=500),
        refunded=Counter(EUR=200),
        platform_fees=Counter(EUR=90, JPY=10),
        merchants_money=Counter(EUR=2610, JPY=490),
        payouts=Counter(paid=1, started=0),
        bank_fees=Counter(EUR=25),
        lines=2,
        settled_net=Counter(EUR=2950),
    )
    sent.plant("AMOUNT_UNDER", "stripe", "pi_1")
    return sent


def disagreeing(after: Books) -> list[str]:
    return [row.name for row in report.rows(truth(), EMPTY, after) if not row.agrees]


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
        ({"balances": {**RIGHT.balances, "plat_fee": {"EUR": 89, "JPY": 10}}}, "platform fees, EUR"),
        ({"balances": {**RIGHT.balances, "m_avail": {"EUR": 1611}}}, "owed to merchants, EUR"),
        ({"balances": {**RIGHT.balances, "transit": {}}}, "in transit from PSPs, EUR"),
        ({"balances": {**RIGHT.balances, "payout_fee": {"EUR": 50}}}, "bank fees of payouts, EUR"),
        ({"payouts": {"started": 1}}, "payouts, paid"),
        ({"lines": 3}, "settlement lines"),
        ({"kept": {"applied": 4}}, "refused"),
        ({"kept": {"applied": 4, "refused": 1, "parked": 1}}, "parked"),
        ({"records": records(COMMANDS, dead_letter=0)}, "dead letters"),
        ({"records": records(COMMANDS, duplicate=1)}, "duplicates"),
        ({"records": records(COMMANDS, duplicate=3)}, "duplicates"),
        ({"records": records(COMMANDS, records=8)}, "records, with timers sent again"),
        ({"records": records(LINES, records=2)}, "lines and trailers at the door"),
    ],
)
def test_every_figure_can_differ(change: dict[str, Any], name: str) -> None:
    assert name in disagreeing(msgspec.structs.replace(RIGHT, **change))


def test_a_record_that_came_twice_may_be_one_more_duplicate() -> None:
    again = msgspec.structs.replace(RIGHT, records=records(COMMANDS, records=10, duplicate=3))
    assert disagreeing(again) == []


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
    after = msgspec.structs.replace(RIGHT, payments=7, open=frozenset())
    found, figures = report.categories(truth(), EMPTY, after), report.rows(truth(), EMPTY, after)
    report.show(console, found, figures)
    text = console.export_text()
    assert "AMOUNT_UNDER missed: stripe:pi_1" in text
    assert text.count("DIFFERS") == 2

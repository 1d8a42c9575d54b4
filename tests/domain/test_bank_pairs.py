"""Leg B as a table: what lies in the files and on the statement, what must be open, booked and settled."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import pytest

from tests.support.bank_world import (
    ACCOUNT,
    bank,
    bank_line,
    batch,
    clearing,
    documents,
    found,
    line,
    payment,
    run,
    trailer,
)

BANK = f"bank:{ACCOUNT}"


class Case(NamedTuple):
    """`open`: (category, expected, actual) of leg B. `booked`: transit and bank; `unapplied` stands aside."""

    name: str
    facts: list[Any]
    open: list[tuple[str, int | None, int | None]]
    booked: dict[str, int]
    confirmed: tuple[str, ...] = ()


LATER = date(2026, 12, 9)
CASES = [
    Case("named", [line(1), bank(1, 1000)], [], {BANK: 1000}, ("acq/B1",)),
    Case(
        "named in the end-to-end id",
        [line(1), bank(1, 1000, None, end_to_end_id="B1")],
        [],
        {BANK: 1000},
        ("acq/B1",),
    ),
    Case(
        "named in part of a word", [line(1), bank(1, 1000, "ref/PAYOUT-b1.")], [], {BANK: 1000}, ("acq/B1",)
    ),
    Case(
        "named across two lines of a statement",
        [line(1, batch="PO-20261123-7"), bank(1, 1000, "PSP PO-2026 1123-7")],
        [],
        {BANK: 1000},
        ("acq/PO-20261123-7",),
    ),
    Case(
        "less than its net",
        [line(1), bank(1, 970)],
        [("AMOUNT_UNDER", 1000, 970)],
        {BANK: 970, "transit:acq:B1": 30},
    ),
    Case(
        "more than its net",
        [line(1), bank(1, 1030)],
        [("AMOUNT_OVER", 1000, 1030)],
        {BANK: 1030, "transit:acq:B1": -30},
    ),
    Case("within the tolerance", [line(1), bank(1, 998)], [], {BANK: 998, "transit:acq:B1": 2}, ("acq/B1",)),
    Case("two lines of one batch", [line(1), bank(1, 600), bank(2, 400)], [], {BANK: 1000}, ("acq/B1",)),
    Case(
        "one of two lines of a batch",
        [line(1), bank(1, 600)],
        [("AMOUNT_UNDER", 1000, 600)],
        {BANK: 600, "transit:acq:B1": 400},
    ),
    Case(
        "one line that names two batches",
        [line(1), line(2, 2000, "B2"), bank(1, 3000, "B1, B2")],
        [],
        {BANK: 3000},
        ("acq/B1", "acq/B2"),
    ),
    Case(
        "one line that names two batches and is short",
        [line(1), line(2, 2000, "B2"), bank(1, 2900, "B1, B2")],
        [("AMOUNT_UNDER", 2000, 1900)],
        {BANK: 2900, "transit:acq:B2": 100},
    ),
    Case("a batch that takes money", [line(1, -500), bank(1, -500)], [], {BANK: -500}, ("acq/B1",)),
    Case("captures and refunds netted", [line(1), line(2, -300), bank(1, 700)], [], {BANK: 700}, ("acq/B1",)),
    Case(
        "the other way",
        [line(1), bank(1, -1000)],
        [("DIRECTION_MISMATCH", 1000, -1000)],
        {BANK: -1000, "transit:acq:B1": 2000},
    ),
    Case(
        "another currency",
        [line(1), bank(1, 1000, currency="USD")],
        [("CURRENCY_MISMATCH", 1000, None)],
        {BANK: 1000, "transit:acq:B1": 1000},
    ),
    Case(
        "late", [line(1), bank(1, 1000, value_date=LATER)], [("LATE", 1000, 1000)], {BANK: 1000}, ("acq/B1",)
    ),
    Case("nothing came", [line(1)], [("MISSING_BANK", 1000, None)], {"transit:acq:B1": 1000}),
    Case("nobody knows it", [bank(1, 1000, "hello")], [("UNEXPECTED_BANK", None, 1000)], {BANK: 1000}),
    Case("a batch of nothing", [line(1), line(2, -1000)], [], {}, ("acq/B1",)),
    Case("a bank fee", [bank(1, -300, "Bank account fee")], [], {BANK: -300}),
    Case(
        "a fee by its text alone is no deposit",
        [bank(1, 300, "Bank account fee")],
        [("UNEXPECTED_BANK", None, 300)],
        {BANK: 300},
    ),
    Case("by amount alone", [line(1), bank(1, 1000, "hello")], [], {BANK: 1000}, ("acq/B1",)),
    Case(
        "by amount, too far away",
        [line(1), bank(1, 1000, "hello", value_date=LATER)],
        [("MISSING_BANK", 1000, None), ("UNEXPECTED_BANK", None, 1000)],
        {BANK: 1000, "transit:acq:B1": 1000},
    ),
    Case(
        "two batches of one amount, one line",
        [line(1), line(2, 1000, "B2"), bank(1, 1000, "hello")],
        [("AMBIGUOUS", None, 1000), ("MISSING_BANK", 1000, None), ("MISSING_BANK", 1000, None)],
        {BANK: 1000, "transit:acq:B1": 1000, "transit:acq:B2": 1000},
    ),
    Case(
        "one covering set is proposed",
        [line(1), line(2, 2000, "B2"), line(3, 7000, "B3"), bank(1, 3000, "hello")],
        [
            ("MISSING_BANK", 1000, None),
            ("MISSING_BANK", 2000, None),
            ("MISSING_BANK", 7000, None),
            ("UNEXPECTED_BANK", None, 3000),
        ],
        {BANK: 3000, "transit:acq:B1": 1000, "transit:acq:B2": 2000, "transit:acq:B3": 7000},
    ),
    Case(
        "two covering sets are nobody's guess",
        [line(1), line(2, 2000, "B2"), line(3, 500, "B3"), line(4, 2500, "B4"), bank(1, 3000, "hello")],
        [
            ("AMBIGUOUS", None, 3000),
            ("MISSING_BANK", 1000, None),
            ("MISSING_BANK", 2000, None),
            ("MISSING_BANK", 2500, None),
            ("MISSING_BANK", 500, None),
        ],
        {
            BANK: 3000,
            "transit:acq:B1": 1000,
            "transit:acq:B2": 2000,
            "transit:acq:B3": 500,
            "transit:acq:B4": 2500,
        },
    ),
    Case(
        "a name displaces the amount",
        [line(1), bank(1, 1000, "hello"), bank(2, 1000)],
        [("UNEXPECTED_BANK", None, 1000)],
        {BANK: 2000},
        ("acq/B1",),
    ),
    Case("a trailer that agrees", [line(1), trailer(1, 1000), bank(1, 1000)], [], {BANK: 1000}, ("acq/B1",)),
    Case(
        "a trailer that does not",
        [line(1), trailer(2, 1500), bank(1, 1000)],
        [("BATCH_TRAILER_MISMATCH", 1500, 1000)],
        {BANK: 1000},
        ("acq/B1",),
    ),
    Case(
        "a trailer without lines",
        [trailer(2, 1500)],
        [("BATCH_TRAILER_MISMATCH", 1500, 0)],
        {},
    ),
    Case(
        "a conversion that explains too little",
        [line(1, settle_currency="USD", rate="1.10", net=1000), bank(1, 1000, currency="USD")],
        [("BATCH_RESIDUAL", 1100, 1000)],
        {BANK: 1000},
        ("acq/B1",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_leg_b(case: Case) -> None:
    world = run(case.facts, bank_tolerance=2)
    assert found(world) == sorted(case.open, key=str)
    booked = {account: amount for account, amount in clearing(world).items() if account != "unapplied"}
    assert booked == case.booked
    confirmed = [name for name, one in documents(world, "batch").items() if one.confirmed is not None]
    assert tuple(confirmed) == case.confirmed


def test_a_payment_is_settled_when_the_bank_has_paid_its_batch() -> None:
    world = run([payment(1), line(1), bank(1, 1000)])
    (settled,) = world.values("payment")
    assert settled.settlement_status == "settled"
    (banked,) = settled.banked.values()
    assert (banked.batch_id, banked.line, banked.net) == ("B1", "acq/L1", 1000)
    assert [(one.account, one.line_id) for one in banked.bank] == [(ACCOUNT, "K1")]


def test_a_payment_of_a_batch_that_is_short_is_only_matched() -> None:
    (held,) = run([payment(1), line(1), bank(1, 970)]).values("payment")
    assert (held.settlement_status, held.banked) == ("matched", {})


def test_a_payment_in_two_batches_is_settled_with_the_second() -> None:
    parts = [payment(1), line(1, 600), line(2, 400, "B2", psp_payment_id="pi_1")]
    (half,) = run([*parts, bank(1, 600)]).values("payment")
    assert (half.settlement_status, len(half.banked)) == ("matched", 1)
    (whole,) = run([*parts, bank(1, 600), bank(2, 400, "B2")]).values("payment")
    assert (whole.settlement_status, len(whole.banked)) == ("settled", 2)


def test_what_was_settled_is_not_when_the_bank_line_was_a_mistake() -> None:
    world = run([payment(1), line(1), bank(1, 1000), bank(1, 400)])
    (held,) = world.values("payment")
    assert held.settlement_status == "matched"
    assert found(world) == [("AMOUNT_UNDER", 1000, 400)]
    assert len(bank_line(world).earlier) == 1


def test_a_corrected_line_moves_its_net_from_batch_to_batch() -> None:
    world = run([payment(1), line(1), line(1, batch="B2"), bank(1, 1000, "B2")])
    assert batch(world).sums["EUR"].count == 0
    assert batch(world, "acq/B2").sums["EUR"].net == 1000
    (settled,) = world.values("payment")
    assert (settled.settlement_status, clearing(world)) == ("settled", {BANK: 1000})


def test_every_batch_shows_what_its_net_is_made_of() -> None:
    facts = [line(1, fee=30), line(2, -200), line(3, 500, reserve=50, net=450)]
    totals = batch(run(facts)).sums["EUR"]
    assert (totals.gross, totals.fee, totals.reserve, totals.net) == (1300, 30, 50, 1220)
    assert totals.by_kind == {"capture": 1500, "refund": -200}
    assert totals.residual == 0


def test_a_source_that_settles_to_no_account_has_no_leg_b() -> None:
    world = run([line(1), trailer(1, 1000)], settles_to=None)
    assert documents(world, "batch") == {}
    assert found(world) == []


@pytest.mark.parametrize("seed", range(4))
def test_a_correction_that_names_another_object_takes_the_line_along(seed: int) -> None:
    """It arrives at another home, in another partition; its net lies in transit once."""
    first = line(1)
    facts = [payment(1), payment(2), first, line(1, psp_payment_id="pi_2"), bank(1, 1000)]
    world = run(facts, seed=seed, partitions=4)
    assert batch(world).sums["EUR"].count == 1
    assert clearing(world) == {BANK: 1000}
    status = {held.id: held.settlement_status for held in world.values("payment")}
    assert status == {"pay-1": "none", "pay-2": "settled"}
    assert {m.category for m in world.open()} == {"MISSING_SETTLEMENT"}

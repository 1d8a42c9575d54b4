"""Which accounts a settlement line touches, row by row, and what is left once everything came.

Figures are minor units of EUR. Each case lists the entries of the last transaction and all balances after it.
`psp_recv` is this lane's share: what the merchant lane debited at the capture is not in it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import pytest

from app.domain.configuration import PspConfiguration
from app.domain.settlement import ExpectationAnnounced, LineRecorded
from tests.support.matching_world import MatchingWorld, configured, expectation, line

REFUND = expectation(-500, kind="refund", identities=("re_1",), id="r1", object_id="re-1")


class Case(NamedTuple):
    name: str
    facts: tuple[Any, ...]
    entries: list[str]
    balances: dict[str, int]
    psp: PspConfiguration = PspConfiguration()


def refund_line(**changes: Any) -> LineRecorded:
    return line(**{"gross": -500, "kind": "refund", "psp_payment_id": "re_1", **changes})


CASES = (
    Case(
        "line with expectation, nothing accrued: the fee is an expense",
        (expectation(10_000), line(fee=320)),
        ["D psp_fee 320", "C psp_recv:stripe 10000", "D transit:acq:B1 9680"],
        {"psp_fee": 320, "psp_recv:stripe": -10_000, "transit:acq:B1": 9_680},
    ),
    Case(
        "the accrued fee is exactly the line's",
        (expectation(10_000, fee=320), line(fee=320)),
        ["C psp_recv:stripe 9680", "D transit:acq:B1 9680"],
        {"psp_recv:stripe": -9_680, "transit:acq:B1": 9_680},
    ),
    Case(
        "a higher fee than accrued goes to the variance",
        (expectation(10_000, fee=320), line(fee=350)),
        ["D fee_variance 30", "C psp_recv:stripe 9680", "D transit:acq:B1 9650"],
        {"fee_variance": 30, "psp_recv:stripe": -9_680, "transit:acq:B1": 9_650},
    ),
    Case(
        "a lower fee: the last line gives the accrual back",
        (expectation(10_000, fee=320), line(fee=300)),
        ["C fee_variance 20", "C psp_recv:stripe 9680", "D transit:acq:B1 9700"],
        {"fee_variance": -20, "psp_recv:stripe": -9_680, "transit:acq:B1": 9_700},
    ),
    Case(
        "a lower fee of a part: the accrual waits for the next",
        (expectation(10_000, fee=320), line(gross=6_000, fee=200)),
        ["C psp_recv:stripe 5800", "D transit:acq:B1 5800"],
        {"psp_recv:stripe": -5_800, "transit:acq:B1": 5_800},
    ),
    Case(
        "the last part uses what is left of the accrual",
        (expectation(10_000, fee=320), line(gross=6_000, fee=200), line("L2", gross=4_000, fee=150)),
        ["D fee_variance 30", "C psp_recv:stripe 3880", "D transit:acq:B1 3850"],
        {"fee_variance": 30, "psp_recv:stripe": -9_680, "transit:acq:B1": 9_650},
    ),
    Case(
        "with tax withheld",
        (expectation(10_000, fee=320), line(fee=320, tax=61)),
        ["C psp_recv:stripe 9680", "D psp_tax 61", "D transit:acq:B1 9619"],
        {"psp_recv:stripe": -9_680, "psp_tax": 61, "transit:acq:B1": 9_619},
    ),
    Case(
        "with a reserve withheld",
        (expectation(10_000), line(reserve=1_000)),
        ["C psp_recv:stripe 10000", "D reserve:stripe 1000", "D transit:acq:B1 9000"],
        {"psp_recv:stripe": -10_000, "reserve:stripe": 1_000, "transit:acq:B1": 9_000},
    ),
    Case(
        "a reserve released",
        (expectation(1_000, kind="adjustment"), line(gross=0, reserve=-1_000, kind="adjustment")),
        ["C reserve:stripe 1000", "D transit:acq:B1 1000"],
        {"reserve:stripe": -1_000, "transit:acq:B1": 1_000},
    ),
    Case(
        "line without expectation",
        (line(fee=320),),
        ["D psp_fee 320", "D transit:acq:B1 9680", "C unapplied 10000"],
        {"psp_fee": 320, "transit:acq:B1": 9_680, "unapplied": 10_000},
    ),
    Case(
        "paired later, nothing accrued: the fee stays",
        (line(fee=320), expectation(10_000)),
        ["C psp_recv:stripe 10000", "D unapplied 10000"],
        {"psp_fee": 320, "psp_recv:stripe": -10_000, "transit:acq:B1": 9_680},
    ),
    Case(
        "paired later, the fee reclassified: accrued is enough",
        (line(fee=320), expectation(10_000, fee=320)),
        ["C psp_fee 320", "C psp_recv:stripe 9680", "D unapplied 10000"],
        {"psp_recv:stripe": -9_680, "transit:acq:B1": 9_680},
    ),
    Case(
        "paired later, the fee reclassified: 30 more than accrued",
        (line(fee=350), expectation(10_000, fee=320)),
        ["D fee_variance 30", "C psp_fee 350", "C psp_recv:stripe 9680", "D unapplied 10000"],
        {"fee_variance": 30, "psp_recv:stripe": -9_680, "transit:acq:B1": 9_650},
    ),
    Case(
        "duplicate line",
        (expectation(10_000, fee=320), line(fee=320), line("L2", fee=320, batch_id="B2")),
        ["D psp_fee 320", "D transit:acq:B2 9680", "C unapplied 10000"],
        {
            "psp_fee": 320,
            "psp_recv:stripe": -9_680,
            "transit:acq:B1": 9_680,
            "transit:acq:B2": 9_680,
            "unapplied": 10_000,
        },
    ),
    Case(
        "settled refund line",
        (REFUND, refund_line()),
        ["D psp_recv:stripe 500", "C transit:acq:B1 500"],
        {"psp_recv:stripe": 500, "transit:acq:B1": -500},
    ),
    Case(
        "settled refund line that gives 13 of the fee back",
        (REFUND, refund_line(fee=-13)),
        ["C psp_fee 13", "D psp_recv:stripe 500", "C transit:acq:B1 487"],
        {"psp_fee": -13, "psp_recv:stripe": 500, "transit:acq:B1": -487},
    ),
    Case(
        "refund line without expectation",
        (refund_line(),),
        ["C transit:acq:B1 500", "D unapplied 500"],
        {"transit:acq:B1": -500, "unapplied": -500},
    ),
    Case(
        "settled chargeback line",
        (
            expectation(-10_000, kind="chargeback", identities=("dp_1",)),
            line(gross=-10_000, fee=1_500, kind="chargeback", psp_payment_id="dp_1"),
        ),
        ["D psp_fee 1500", "D psp_recv:stripe 10000", "C transit:acq:B1 11500"],
        {"psp_fee": 1_500, "psp_recv:stripe": 10_000, "transit:acq:B1": -11_500},
    ),
    Case(
        "settled less than expected: the rest stays receivable",
        (expectation(10_000, fee=320), line(gross=8_000, fee=320)),
        ["C psp_recv:stripe 7680", "D transit:acq:B1 7680"],
        {"psp_recv:stripe": -7_680, "transit:acq:B1": 7_680},
    ),
    Case(
        "settled more than expected: psp_recv shows it until someone decides",
        (expectation(10_000), line(gross=11_000)),
        ["C psp_recv:stripe 11000", "D transit:acq:B1 11000"],
        {"psp_recv:stripe": -11_000, "transit:acq:B1": 11_000},
    ),
    Case(
        "a gross difference inside the tolerance is closed",
        (expectation(10_000, fee=320), line(gross=9_997, fee=320)),
        ["D fee_variance 3", "C psp_recv:stripe 9680", "D transit:acq:B1 9677"],
        {"fee_variance": 3, "psp_recv:stripe": -9_680, "transit:acq:B1": 9_677},
        PspConfiguration(gross_tolerance=5),
    ),
    Case(
        "more, inside the tolerance",
        (expectation(10_000), line(gross=10_004)),
        ["C fee_variance 4", "C psp_recv:stripe 10000", "D transit:acq:B1 10004"],
        {"fee_variance": -4, "psp_recv:stripe": -10_000, "transit:acq:B1": 10_004},
        PspConfiguration(gross_tolerance=5),
    ),
)


def entries_of(world: MatchingWorld) -> list[str]:
    return [f"{e.direction[0].upper()} {e.account} {e.amount}" for e in world.transactions[-1].entries]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_entries_and_balances(case: Case) -> None:
    world = configured(case.psp)
    world.send_all(case.facts)
    assert entries_of(world) == case.entries
    assert world.books() == case.balances


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_other_order_ends_in_the_same_books(case: Case) -> None:
    world = configured(case.psp)
    world.send_all(reversed(case.facts))
    assert world.books() == case.balances


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_batchs_transit_is_its_net_after_every_record(case: Case) -> None:
    world = configured(case.psp)
    nets: dict[str, int] = {}
    for fact in case.facts:
        world.send(fact)
        if isinstance(fact, LineRecorded):
            account = f"transit:acq:{fact.batch_id}"
            nets[account] = nets.get(account, 0) + fact.net
        transit = {name: sum_ for name, sum_ in world.books().items() if name.startswith("transit:")}
        assert transit == nets


def expected_in(case: Case) -> ExpectationAnnounced | None:
    return next((fact for fact in case.facts if isinstance(fact, ExpectationAnnounced)), None)


def is_settled(case: Case) -> bool:
    """As much came as was expected (a duplicate lies in `unapplied`), give or take the tolerance."""
    expected = expected_in(case)
    total = sum({fact.gross for fact in case.facts if isinstance(fact, LineRecorded)})
    return expected is not None and abs(total - expected.gross) <= case.psp.gross_tolerance


SETTLED = [case for case in CASES if is_settled(case)]


def test_most_cases_are_settled() -> None:
    assert len(SETTLED) >= 14


@pytest.mark.parametrize("case", SETTLED, ids=lambda case: case.name)
def test_the_receivable_of_a_fully_settled_object_is_zero(case: Case) -> None:
    """What the merchant lane put there at the capture (gross less accrued fee) is used up exactly."""
    world = configured(case.psp)
    world.send_all(case.facts)
    expected = expected_in(case)
    assert expected is not None
    assert expected.gross - (expected.expected_fee or 0) + world.books()["psp_recv:stripe"] == 0


def test_kinds_and_dates_of_the_transactions() -> None:
    world = configured()
    paid_at = datetime(2026, 11, 22, 8, tzinfo=UTC)
    world.send_all([line(fee=1, booked_on=date(2026, 11, 21)), expectation(fee=1, occurred_at=paid_at)])
    first, second = world.transactions
    assert (first.kind, first.occurred_at) == ("settlement.line", datetime(2026, 11, 21, tzinfo=UTC))
    assert (first.merchant_id, first.payment_id) == (None, None)
    assert (second.kind, second.occurred_at) == ("settlement.reclassified", paid_at)
    assert (second.merchant_id, second.payment_id) == ("m-1", "pay-1")


def test_a_converted_line_balances_in_both_currencies_without_a_rate() -> None:
    world = configured()
    world.send_all([expectation(10_000), line(settle_currency="USD", rate="1.085", fee=30, net=10_820)])
    assert world.balances() == {
        ("psp_recv:stripe", "EUR"): -10_000,
        ("fxpos:EUR", "EUR"): 10_000,
        ("transit:acq:B1", "USD"): 10_820,
        ("psp_fee", "USD"): 30,
        ("fxpos:USD", "USD"): -10_850,
    }
    assert world.categories() == []


def test_a_line_in_the_wrong_currency_keeps_to_its_own() -> None:
    world = configured()
    world.send_all([expectation(10_000, fee=320), line(currency="USD", fee=300)])
    assert world.balances() == {
        ("psp_recv:stripe", "USD"): -10_000,
        ("psp_fee", "USD"): 300,
        ("transit:acq:B1", "USD"): 9_700,
    }

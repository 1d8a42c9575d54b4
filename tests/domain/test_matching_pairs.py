"""Which mismatches a set of facts gives: Rule 0, tolerances, duplicates, parts, late records."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import pytest

from app.domain.configuration import PspConfiguration, SourceConfiguration
from app.domain.mismatch import Mismatch
from app.domain.streams import RECONCILIATION_MISMATCHES
from tests.support.matching_world import MatchingWorld, configured, expectation, line


class Case(NamedTuple):
    """Facts in one order, and the categories that must be open after them."""

    name: str
    facts: tuple[Any, ...]
    categories: list[str]
    psp: PspConfiguration = PspConfiguration()


CASES = (
    Case("equal", (expectation(), line()), []),
    Case("only an expectation, window open", (expectation(),), []),
    Case("only a line, window open", (line(),), []),
    Case("1000 against 800 is one mismatch", (expectation(1000), line(gross=800)), ["PARTIAL_SETTLEMENT"]),
    Case("more than expected", (expectation(1000), line(gross=1001)), ["AMOUNT_OVER"]),
    Case("one less, no tolerance", (expectation(1000), line(gross=999)), ["PARTIAL_SETTLEMENT"]),
    Case(
        "difference at the gross tolerance",
        (expectation(1000), line(gross=995)),
        [],
        PspConfiguration(gross_tolerance=5),
    ),
    Case(
        "difference past the gross tolerance",
        (expectation(1000), line(gross=994)),
        ["PARTIAL_SETTLEMENT"],
        PspConfiguration(gross_tolerance=5),
    ),
    Case("other currency", (expectation(1000), line(gross=1000, currency="USD")), ["CURRENCY_MISMATCH"]),
    Case(
        "other currency and amount", (expectation(1000), line(gross=1, currency="USD")), ["CURRENCY_MISMATCH"]
    ),
    Case(
        "a line in another currency beside the right one",
        (expectation(1000), line(gross=1000), line("L2", gross=7, currency="USD")),
        ["CURRENCY_MISMATCH"],
    ),
    Case("no expected fee: no comparison", (expectation(), line(fee=999)), []),
    Case("fee equal", (expectation(fee=320), line(fee=320)), []),
    Case("fee off by 0.5 % (2 of 320)", (expectation(fee=320), line(fee=322)), []),
    Case("fee off by 3 of 320", (expectation(fee=320), line(fee=323)), ["FEE_VARIANCE"]),
    Case("fee less by 3 of 320", (expectation(fee=320), line(fee=317)), ["FEE_VARIANCE"]),
    Case("fee of 30: one minor unit is allowed", (expectation(fee=30), line(fee=31)), []),
    Case("fee of 30: two are not", (expectation(fee=30), line(fee=32)), ["FEE_VARIANCE"]),
    Case("fee tolerance half up: 0.5 % of 300 is 2", (expectation(fee=300), line(fee=302)), []),
    Case("a plan that gives no fee", (expectation(fee=0), line(fee=2)), ["FEE_VARIANCE"]),
    Case(
        "fee tolerance of the PSP",
        (expectation(fee=320), line(fee=340)),
        [],
        PspConfiguration(fee_tolerance=20),
    ),
    Case(
        "every field beyond its tolerance",
        (expectation(1000, fee=30), line(gross=1100, fee=50)),
        ["AMOUNT_OVER", "FEE_VARIANCE"],
    ),
    Case(
        "less gross, so less fee for now",
        (expectation(1000, fee=30), line(gross=500, fee=15)),
        ["PARTIAL_SETTLEMENT"],
    ),
    Case(
        "less gross, yet too much fee",
        (expectation(1000, fee=30), line(gross=500, fee=40)),
        ["FEE_VARIANCE", "PARTIAL_SETTLEMENT"],
    ),
    Case(
        "two parts that sum up",
        (expectation(1000, fee=30), line(gross=600, fee=18), line("L2", gross=400, fee=12)),
        [],
    ),
    Case("two equal parts that sum up", (expectation(1000), line(gross=500), line("L2", gross=500)), []),
    Case(
        "three equal parts of two halves",
        (expectation(1000), line(gross=500), line("L2", gross=500), line("L3", gross=500)),
        ["DUPLICATE_SETTLEMENT"],
    ),
    Case("settled twice", (expectation(), line(), line("L2")), ["DUPLICATE_SETTLEMENT"]),
    Case(
        "settled twice in two batches",
        (expectation(), line(), line("L2", batch_id="B2")),
        ["DUPLICATE_SETTLEMENT"],
    ),
    Case(
        "settled three times",
        (expectation(), line(), line("L2"), line("L3", batch_id="B2")),
        ["DUPLICATE_SETTLEMENT", "DUPLICATE_SETTLEMENT"],
    ),
    Case(
        "a second line with another amount is a part",
        (expectation(1000), line(gross=1000), line("L2", gross=10)),
        ["AMOUNT_OVER"],
    ),
    Case(
        "a repeat in a currency that is not expected",
        (expectation(1000), line(gross=1000, currency="USD"), line("L2", gross=1000, currency="USD")),
        ["CURRENCY_MISMATCH", "DUPLICATE_SETTLEMENT"],
    ),
    Case("two lines, nothing expected", (line(), line("L2")), []),
    Case(
        "refund",
        (
            expectation(-500, kind="refund", identities=("re_1",)),
            line(gross=-500, kind="refund", psp_payment_id="re_1"),
        ),
        [],
    ),
    Case(
        "refund, less taken",
        (
            expectation(-500, kind="refund", identities=("re_1",)),
            line(gross=-400, kind="refund", psp_payment_id="re_1"),
        ),
        ["PARTIAL_SETTLEMENT"],
    ),
    Case(
        "refund taken twice",
        (
            expectation(-500, kind="refund", identities=("re_1",)),
            line(gross=-500, kind="refund", psp_payment_id="re_1"),
            line("L2", gross=-500, kind="refund", psp_payment_id="re_1"),
        ),
        ["DUPLICATE_SETTLEMENT"],
    ),
    Case(
        "an identity is unique per kind", (expectation(), line(), line("L2", gross=-500, kind="refund")), []
    ),
    Case(
        "the merchant's reference where the line has no PSP id",
        (expectation(identities=("o-1",)), line(psp_payment_id=None, merchant_ref="o-1", gross=9_000)),
        ["PARTIAL_SETTLEMENT"],
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_open_categories(case: Case) -> None:
    world = configured(case.psp)
    world.send_all(case.facts)
    assert world.categories() == case.categories
    assert world.outcomes["applied"] == len(case.facts) + 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_other_order_opens_the_same(case: Case) -> None:
    world = configured(case.psp)
    world.send_all(reversed(case.facts))
    assert world.categories() == case.categories


def test_without_any_configuration_the_defaults_hold() -> None:
    world = MatchingWorld()
    world.send_all([expectation(fee=320), line(fee=323)])
    assert world.categories() == ["FEE_VARIANCE"]


def only(world: MatchingWorld) -> Mismatch:
    (mismatch,) = world.open()
    return mismatch


def test_a_mismatch_says_who_what_and_why() -> None:
    world = configured()
    world.send_all([expectation(10_000), line(gross=9_000)])
    found = only(world)
    assert (found.leg, found.merchant_id, found.payment_id, found.psp, found.batch_id) == (
        "A",
        "m-1",
        "pay-1",
        "stripe",
        "B1",
    )
    assert (found.currency, found.expected_amount, found.actual_amount) == ("EUR", 10_000, 9_000)
    assert found.detected_at == world.now
    why = found.explanation
    assert (why["rule"], why["rule_version"], why["configuration_version"]) == ("A1", 2, 0)
    assert why["differences"] == {
        "gross": {"expected": 10_000, "actual": 9_000, "difference": -1_000, "tolerance": 0}
    }
    assert why["inputs"]["expectation"]["payment_id"] == "pay-1"
    assert [line["line_id"] for line in why["inputs"]["lines"]] == ["L1"]
    assert why["inputs"]["parts"] == ["acq/L1"]
    assert why["reasons"] == [
        "settled 1000 minor units less than expected, tolerance 0",
        "the settlement window is still open",
    ]


def test_what_is_partial_when_the_window_closes_is_too_little() -> None:
    world = configured()
    world.send_all([expectation(10_000), line(gross=9_000)])
    partial = only(world)
    world.fire_timers()
    assert only(world).category == "AMOUNT_UNDER"
    assert only(world).explanation["reasons"] == ["settled 1000 minor units less than expected, tolerance 0"]
    assert next(m for m in world.mismatches() if m.id == partial.id).status == "auto_resolved"


def test_a_duplicate_names_its_own_line() -> None:
    world = configured()
    world.send_all([line("L2", batch_id="B2"), line("L1"), expectation()])
    found = only(world)
    assert (found.batch_id, found.expected_amount, found.actual_amount) == ("B2", 0, 10_000)
    assert found.explanation["inputs"]["duplicates"] == ["acq/L2"]


def test_the_line_booked_first_is_the_right_one_even_if_it_comes_last() -> None:
    world = configured()
    world.send_all([expectation(), line("L1", booked_on=date(2026, 11, 25)), line("L9", batch_id="B0")])
    assert only(world).explanation["inputs"]["duplicates"] == ["acq/L1"]
    world.send(line("L5", batch_id="B7", booked_on=date(2026, 11, 20)))
    assert {m.explanation["subject_ids"][0] for m in world.open()} == {"acq/L1", "acq/L9"}
    assert {m.explanation["inputs"]["parts"][0] for m in world.open()} == {"acq/L5"}


def test_a_late_part_resolves_what_it_disproves() -> None:
    world = configured()
    world.send_all([expectation(1000), line(gross=400)])
    first = only(world)
    world.send(line("L2", gross=100))
    assert (only(world).id, only(world).actual_amount) == (first.id, 500)
    world.send(line("L3", gross=500))
    assert world.open() == []
    (resolved,) = world.mismatches()
    assert resolved.status == "auto_resolved"
    assert resolved.explanation["resolution"] == "no longer supported by the facts since acq/L3"
    told = [send.record for send in world.sends if send.topic == RECONCILIATION_MISMATCHES]
    assert [type(record).__name__ for record in told] == [
        "MismatchOpened",
        "MismatchChanged",
        "MismatchResolved",
    ]


def test_an_unchanged_finding_sends_nothing_again() -> None:
    world = configured()
    world.send_all([expectation(1000), line(gross=1000, currency="USD")])
    sent = len(world.sends)
    world.send(line(gross=1000, currency="USD"))
    assert len(world.sends) == sent
    assert world.outcomes["duplicate"] == 1


def test_the_second_claim_of_a_psp_object_is_a_conflict() -> None:
    world = configured()
    world.send(expectation())
    assert world.send(expectation(id="e2")) == "duplicate"
    assert world.send(expectation(id="e3", merchant_id="m-2")) == "dead_letter"
    assert world.send(expectation(id="e4", object_id="pay-2")) == "dead_letter"
    assert world.item().expectation == expectation()


def test_a_record_of_nothing_posts_nothing() -> None:
    world = configured(source=SourceConfiguration(psp="stripe"))
    assert world.send(line(gross=0)) == "applied"
    assert world.transactions == []


def test_one_reference_on_many_lines_is_explained_by_some_of_them() -> None:
    world = configured()
    lines = [line(f"L{n:03}", psp_payment_id=None, merchant_ref="n/a") for n in range(60)]
    world.send_all(lines)
    world.fire_timers()
    (missing,) = world.open()
    assert (missing.category, missing.actual_amount) == ("MISSING_PAYMENT", 600_000)
    assert [shown["line_id"] for shown in missing.explanation["inputs"]["lines"]] == [
        shown.line_id for shown in lines[:50]
    ]
    assert missing.explanation["reasons"][-1] == "50 of its 60 lines are shown"

"""The merchant lane changes its mind about an object: other figures, or another home for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from app.domain.settlement import ExpectationWithdrawn
from tests.support.matching_world import NOON, configured, expectation, line


def withdrawn(identity: str = "o-1", **changes: Any) -> ExpectationWithdrawn:
    fields = {"id": "w1", "psp": "stripe", "kind": "capture", "merchant_id": "m-1", "object_id": "pay-1"}
    return ExpectationWithdrawn(**{**fields, "identity": identity, **changes})


def test_corrected_figures_replace_the_expectation_and_are_judged_again() -> None:
    world = configured()
    world.send_all([expectation(9_000, fee=200), line(gross=10_000, fee=320)])
    assert world.categories() == ["AMOUNT_OVER", "FEE_VARIANCE"]
    assert world.send(expectation(10_000, fee=320, id="e2")) == "applied"
    assert world.categories() == []
    assert world.books() == {"psp_recv:stripe": -9_680, "transit:acq:B1": 9_680}
    assert world.send(expectation(10_000, fee=320, id="e3")) == "duplicate"


def test_corrected_figures_can_make_a_complete_pair_wait_again() -> None:
    world = configured()
    world.send_all([expectation(9_000), line(gross=9_000), expectation(10_000, id="e2")])
    assert world.categories() == ["PARTIAL_SETTLEMENT"]
    assert set(world.timers()) == {"settlement"}


def test_another_date_moves_a_window_that_is_still_open() -> None:
    world = configured()
    world.send(expectation())
    (first,) = world.timers().values()
    world.send(expectation(id="e2", occurred_at=NOON + timedelta(days=3)))
    (moved,) = world.timers().values()
    assert moved - first == timedelta(days=3) - timedelta(days=2), "Friday to Monday: one business day"


def test_a_withdrawn_expectation_waits_no_longer() -> None:
    world = configured()
    world.send(expectation(identities=("o-1", "pay-1")))
    assert world.send(withdrawn()) == "applied"
    assert (world.timers(), world.categories()) == ({}, [])
    assert world.item("o-1").expectation is None


def test_a_withdrawn_expectation_takes_its_mismatch_back() -> None:
    world = configured()
    world.send(expectation(identities=("o-1", "pay-1")))
    world.fire_timers()
    assert world.categories() == ["MISSING_SETTLEMENT"]
    world.send(withdrawn())
    assert world.categories() == []


def test_lines_of_a_withdrawn_expectation_are_unpaired_again() -> None:
    world = configured()
    world.send_all(
        [expectation(identities=("o-1",), fee=320), line(psp_payment_id=None, merchant_ref="o-1", fee=320)]
    )
    world.send(withdrawn())
    assert world.books() == {"psp_fee": 320, "transit:acq:B1": 9_680, "unapplied": 10_000}
    assert set(world.timers()) == {"payment"}


def test_only_the_object_that_is_there_can_be_withdrawn() -> None:
    world = configured()
    world.send(expectation(identities=("o-1",)))
    assert world.send(withdrawn(object_id="another")) == "ignored"
    assert world.send(withdrawn(id="w2", merchant_id="m-2")) == "ignored"
    assert world.send(withdrawn("nowhere", id="w3")) == "ignored"
    assert world.item("o-1").expectation is not None
    assert world.send(withdrawn(id="w4")) == "applied"
    assert world.send(withdrawn(id="w5")) == "ignored"


def test_an_object_that_comes_back_gets_a_new_window() -> None:
    world = configured()
    world.send(expectation(identities=("o-1", "pay-1")))
    world.fire_timers()
    world.send_all([withdrawn(), expectation(identities=("o-1", "pay-1"), id="e2")])
    assert (world.categories(), set(world.timers())) == ([], {"settlement"})


def test_a_mismatch_names_the_payment_it_is_about_now() -> None:
    """The PSP's id turned out to be another merchant's: the same discrepancy, another payment."""
    world = configured()
    world.send_all([line(gross=900), expectation(1000)])
    withdrawn_by_mine = ExpectationWithdrawn(
        id="w1", psp="stripe", identity="pi_1", kind="capture", merchant_id="m-1", object_id="pay-1"
    )
    world.send(withdrawn_by_mine)
    world.send(expectation(1000, id="e2", merchant_id="m-2", payment_id="pay-9", object_id="pay-9"))
    (found,) = world.open()
    assert (found.category, found.merchant_id, found.payment_id) == ("PARTIAL_SETTLEMENT", "m-2", "pay-9")

"""Whose a PSP's id is: what a PSP said of a payment waits until somebody announces it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.domain.commands import DisputeOpened, PaymentRecord, PlatformConfigure
from app.domain.configuration import PspConfiguration, SourceConfiguration
from app.domain.psp_facts import PspFact
from app.domain.settlement import ExpectationAnnounced, FactUnaddressed, IdentityClaimed
from app.domain.streams import PAYMENTS_COMMANDS
from tests.support.matching_world import MatchingWorld, configured, expectation, line

AT = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


def fact(event: str = "evt_1", **changes: Any) -> FactUnaddressed:
    fields: dict[str, Any] = {
        "kind": "captured",
        "psp": "stripe",
        "psp_payment_id": "pi_1",
        "amount": 10_000,
        "currency": "EUR",
        "occurred_at": AT,
    }
    said = PspFact(**{**fields, **changes})
    return FactUnaddressed(id=f"stripe/{event}", psp="stripe", identity=said.psp_payment_id, fact=said)


def claim(payment_id: str = "pay-1") -> IdentityClaimed:
    return IdentityClaimed(
        id=f"c-{payment_id}", psp="stripe", identity="pi_1", merchant_id="m-1", payment_id=payment_id
    )


def sent_on(world: MatchingWorld) -> list[Any]:
    return [send.record for send in world.sends if send.topic == PAYMENTS_COMMANDS]


def by_reference() -> ExpectationAnnounced:
    """A capture kept elsewhere, which has the PSP's id of its payment as a further identity."""
    return expectation(identities=("ch_1", "pi_1", "o-1"), object_id="cap-1")


@pytest.mark.parametrize(
    "known_by", [claim(), expectation(), by_reference()], ids=["claim", "home", "pointer"]
)
@pytest.mark.parametrize("fact_first", [True, False])
def test_a_fact_finds_its_payment_in_either_order(known_by: Any, fact_first: bool) -> None:
    world = configured()
    world.send_all([fact(), known_by] if fact_first else [known_by, fact()])
    (command,) = sent_on(world)
    assert isinstance(command, PaymentRecord)
    assert (command.id, command.merchant_id, command.payment_id) == ("stripe/evt_1", "m-1", "pay-1")
    assert (command.psp_payment_id, command.amount, command.occurred_at) == ("pi_1", 10_000, AT)
    assert world.item().facts == ()
    assert "payment" not in world.timers()


def test_each_fact_is_sent_on_once() -> None:
    world = configured()
    world.send_all([fact(), claim(), fact(), fact("evt_2", kind="refunded", psp_object_id="re_1")])
    assert [command.id for command in sent_on(world)] == ["stripe/evt_1", "stripe/evt_2"]


def test_what_nobody_announces_is_a_missing_payment_after_its_window_and_resolves_when_it_comes() -> None:
    world = configured()
    world.send(PlatformConfigure(id="w", psps={"stripe": PspConfiguration()}, parking_window_seconds=9))
    world.send(fact(amount=700))
    assert world.categories() == []
    assert (world.timers()["payment"] - world.now).total_seconds() == 9
    world.fire_timers()
    (missing,) = world.open()
    assert (missing.category, missing.actual_amount, missing.psp) == ("MISSING_PAYMENT", 700, "stripe")
    assert missing.explanation["inputs"]["facts"][0]["psp_payment_id"] == "pi_1"
    world.send(claim())
    assert (world.categories(), len(sent_on(world))) == ([], 1)


def test_two_payments_that_claim_one_id_leave_the_fact_to_nobody() -> None:
    world = configured()
    world.send_all([claim(), fact("evt_0")])
    assert world.send(claim("pay-2")) == "dead_letter"
    assert len(sent_on(world)) == 1


def chargeback(**changes: Any) -> Any:
    return line(gross=-500, fee=15, kind="chargeback", **changes)


@pytest.mark.parametrize("payment_first", [True, False])
@pytest.mark.parametrize(
    "names", [{"psp_payment_id": "pi_1"}, {"psp_payment_id": None, "merchant_ref": "o-1"}], ids=["psp", "ref"]
)
def test_a_chargeback_of_a_known_payment_becomes_its_dispute(
    payment_first: bool, names: dict[str, Any]
) -> None:
    world = configured(source=SourceConfiguration(psp="stripe", payment_window_seconds=60))
    payment = expectation(identities=("pi_1", "o-1"))
    facts = [payment, chargeback(**names)]
    for said in facts if payment_first else reversed(facts):
        world.send(said)
        world.fire_timers(world.timers().get("payment", world.now))
    (dispute,) = sent_on(world)
    assert isinstance(dispute, DisputeOpened)
    assert (dispute.merchant_id, dispute.payment_id, dispute.amount, dispute.fee) == ("m-1", "pay-1", 500, 15)
    assert (dispute.id, dispute.psp_dispute_id) == ("line:acq/L1", None)
    announced = expectation(
        -500,
        15,
        id="e9",
        kind="chargeback",
        object_id=dispute.dispute_id,
        identities=("pi_1", "o-1"),
        home="m-1/d",
    )
    world.send(announced)
    assert "DISPUTE_UNMATCHED" not in world.categories()


def test_a_chargeback_of_an_unknown_payment_is_a_dispute_that_nobody_knows() -> None:
    world = configured(source=SourceConfiguration(psp="stripe", payment_window_seconds=60))
    world.send(chargeback())
    world.fire_timers()
    (unmatched,) = world.open()
    assert (unmatched.category, unmatched.actual_amount) == ("DISPUTE_UNMATCHED", -500)
    assert sent_on(world) == []


def test_a_chargeback_goes_to_the_payment_of_the_psps_id_alone_where_that_is_known() -> None:
    """Two merchants count their orders alike: the other one has nothing to do with it."""
    world = configured(source=SourceConfiguration(psp="stripe", payment_window_seconds=60))
    other = expectation(id="e2", merchant_id="m-2", payment_id="pay-2", identities=("pi_2", "o-1"))
    world.send_all([expectation(identities=("pi_1",)), other, chargeback(merchant_ref="o-1")])
    world.fire_timers(world.timers()["payment"])
    assert [(dispute.merchant_id, dispute.payment_id) for dispute in sent_on(world)] == [("m-1", "pay-1")]


def test_a_chargeback_whose_psps_id_nobody_knows_goes_by_its_reference() -> None:
    world = configured(source=SourceConfiguration(psp="stripe", payment_window_seconds=60))
    payment = expectation(identities=("o-1", "pay-1"), home="m-1/pay-1")
    world.send_all([payment, chargeback(merchant_ref="o-1")])
    world.fire_timers(world.timers()["payment"])
    assert [(dispute.payment_id, dispute.id) for dispute in sent_on(world)] == [("pay-1", "line:acq/L1")]


def test_a_second_chargeback_after_the_first_ones_window_is_told_as_well() -> None:
    world = configured(source=SourceConfiguration(psp="stripe", payment_window_seconds=60))
    world.send(chargeback())
    world.fire_timers()
    world.send(chargeback(line_id="L2", booked_on=date(2026, 11, 24)))
    world.fire_timers()
    world.send(expectation())
    assert [dispute.id for dispute in sent_on(world)] == ["line:acq/L1", "line:acq/L2"]
    assert world.timers() == {"settlement": world.timers()["settlement"]}

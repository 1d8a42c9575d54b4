"""Answers between homes that are late: what they speak of has moved on meanwhile. Found by the simulator."""

from __future__ import annotations

from app.domain.commands import SettlementMatched
from app.domain.matching_records import Candidate, LineMet
from app.domain.streams import PAYMENTS_COMMANDS
from tests.support.matching_world import MatchingWorld, configured, expectation, line

OLD = Candidate("m-1", "pay-1", "pay-1", "m-1/pay-1")


def told(world: MatchingWorld) -> list[SettlementMatched]:
    return [send.record for send in world.sends if send.topic == PAYMENTS_COMMANDS]


def answer(record_id: str, place: str) -> LineMet:
    return LineMet(
        id=record_id,
        psp="stripe",
        identity="pi_9",
        kind="capture",
        line="acq/L1",
        candidates=(OLD,),
        place=place,
    )


def test_the_answer_of_a_reference_that_a_line_has_no_longer_is_late() -> None:
    """Its first reference was answered after the correction that gave it another one."""
    world = configured()
    world.send(line(psp_payment_id="pi_9", merchant_ref="o-1"))
    world.send(line(psp_payment_id="pi_9", merchant_ref="o-2"))
    assert world.send(answer("late", "o-1")) == "ignored"
    (held,) = world.item("pi_9").lines
    assert (held.pointed, held.met, held.sent_to) == ("o-2", (), None)
    assert world.send(answer("in time", "o-2")) == "applied"
    assert world.item("pi_9").away[0].met == (OLD,)


def test_a_word_on_an_objects_settlement_names_the_home_it_comes_from() -> None:
    """The merchant lane, which may expect the object elsewhere by now, can tell that it is late."""
    world = configured()
    world.send(expectation(identities=("o-1", "pay-1"), home="m-1/pay-1"))
    world.send(line(psp_payment_id=None, merchant_ref="o-1"))
    (word,) = told(world)
    assert (word.matched, word.home) == (True, "m-1/pay-1")

"""People on leg B: a shortfall that two of them approve, a proposed set confirmed, a line written off."""

from __future__ import annotations

from typing import Any

from app.domain.mismatch import Mismatch
from app.domain.streams import BANKING_COMMANDS
from app.domain.workflow_records import (
    MismatchApprove,
    MismatchAssign,
    MismatchInvestigate,
    MismatchPropose,
    MismatchReopen,
)
from app.domain.workflow_state import MatchTarget
from tests.support.all_lanes import AllLanes
from tests.support.bank_world import (
    ACCOUNT,
    bank,
    bank_line,
    batch,
    clearing,
    found,
    line,
    payment,
    run,
)

BANK = f"bank:{ACCOUNT}"


def the(world: AllLanes, category: str) -> Mismatch:
    (one,) = [mismatch for mismatch in world.mismatches() if mismatch.category == category]
    return one


def resolve(world: AllLanes, category: str, kind: Any, target: MatchTarget | None = None) -> None:
    """One investigates and proposes, another approves."""
    mismatch = the(world, category)
    about: dict[str, Any] = {"mismatch_id": mismatch.id, "owner_key": mismatch.owner_key}
    ana: dict[str, Any] = {**about, "actor": "ana", "role": "analyst"}
    say(world, MismatchAssign(id="w1", **ana, assignee="ana"))
    say(world, MismatchInvestigate(id="w2", **ana, note="asked the bank"))
    say(
        world,
        MismatchPropose(
            id="w3", **ana, kind=kind, reason_code="bank", note="as the bank says", target=target
        ),
    )
    say(world, MismatchApprove(id="w4", **about, actor="ben", role="lead"))


def say(world: AllLanes, action: Any) -> None:
    before = len(world.unhappy)
    world.say(action, BANKING_COMMANDS)
    world.run()
    assert world.unhappy[before:] == []


def test_an_approved_shortfall_goes_to_suspense_and_the_batch_counts_as_paid() -> None:
    world = run([payment(1), line(1), bank(1, 970)])
    resolve(world, "AMOUNT_UNDER", "adjust")
    assert clearing(world) == {BANK: 970, "suspense": 30}
    assert batch(world).confirmed is not None
    (settled,) = world.values("payment")
    assert (settled.settlement_status, the(world, "AMOUNT_UNDER").status) == ("settled", "resolved")


def test_what_contradicts_the_approval_reverses_it() -> None:
    world = run([payment(1), line(1), bank(1, 970)])
    resolve(world, "AMOUNT_UNDER", "adjust")
    world.say(bank(2, 30))
    world.run()
    assert clearing(world) == {BANK: 1000}
    assert (found(world), batch(world).confirmed is not None) == ([], True)


def test_a_lead_who_reopens_takes_the_settled_payments_back() -> None:
    world = run([payment(1), line(1), bank(1, 970)])
    resolve(world, "AMOUNT_UNDER", "write_off")
    assert world.balances()["write_off", "EUR"] == 30
    mismatch = the(world, "AMOUNT_UNDER")
    again = MismatchReopen(
        id="w5", mismatch_id=mismatch.id, owner_key=ACCOUNT, actor="cho", role="lead", note="not ours"
    )
    say(world, again)
    assert clearing(world) == {BANK: 970, "transit:acq:B1": 30}
    (held,) = world.values("payment")
    assert held.settlement_status == "matched"


def test_a_proposed_set_is_confirmed_by_people() -> None:
    world = run([payment(1), payment(2, 2000), line(1), line(2, 2000, "B2"), bank(1, 3000, "hello")])
    resolve(world, "UNEXPECTED_BANK", "force_match")
    assert (found(world), clearing(world)) == ([], {BANK: 3000})
    assert bank_line(world).forced == ("batch:acq/B1", "batch:acq/B2")
    assert {held.settlement_status for held in world.values("payment")} == {"settled"}


def test_people_name_one_of_two_candidates() -> None:
    world = run([line(1), line(2, 1000, "B2"), bank(1, 1000, "hello")])
    target = MatchTarget(merchant_id="-", payment_id="-", object_id="-", home="acq/B2")
    resolve(world, "AMBIGUOUS", "force_match", target)
    assert found(world) == [("MISSING_BANK", 1000, None)]
    assert batch(world, "acq/B2").confirmed is not None


def test_an_unknown_deposit_is_kept_aside() -> None:
    world = run([bank(1, 1000, "hello")])
    resolve(world, "UNEXPECTED_BANK", "adjust")
    assert clearing(world)[BANK] == 1000
    assert the(world, "UNEXPECTED_BANK").status == "resolved"

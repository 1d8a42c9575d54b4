"""The exception workflow in the matching lane: its table of steps, four eyes, limits, postings and chains."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from app.domain.audit import GENESIS, hash_of
from app.domain.mismatches import mismatch_ref
from app.domain.workflow_state import MatchTarget
from tests.support.matching_world import configured, expectation, line
from tests.support.workflow_world import (
    ACTION_OF,
    ANALYST,
    APPROVER,
    LEAD,
    OTHER,
    VIEWER,
    Work,
    short_settlement,
)

STATUSES = (
    "open", "assigned", "investigating", "pending_approval", "resolved", "auto_resolved", "written_off"
)  # fmt: skip
WORKERS = {"analyst", "approver", "lead", "admin"}
ALLOWED: dict[str, tuple[set[str], set[str]]] = {
    "assign": ({"open", "assigned", "investigating"}, WORKERS),
    "hand_back": ({"assigned", "investigating"}, WORKERS),
    "investigate": ({"assigned"}, WORKERS),
    "propose": ({"investigating"}, WORKERS),
    "approve": ({"pending_approval"}, {"approver", "lead", "admin"}),
    "reject": ({"pending_approval"}, {"approver", "lead", "admin"}),
    "comment": (set(STATUSES), WORKERS),
    "reopen": ({"resolved", "auto_resolved", "written_off"}, {"lead", "admin"}),
}
LEADS_TO = {
    "assign": "assigned",
    "hand_back": "open",
    "investigate": "investigating",
    "propose": "pending_approval",
    "approve": "written_off",
    "reject": "investigating",
    "reopen": "assigned",
}
ROLES = ("viewer", "analyst", "approver", "lead", "operator", "admin", "ingest", "merchant")


def in_status(status: str, actor: str) -> Work:
    """A short settlement whose mismatch has this status; `actor` has it in hand."""
    work = short_settlement()
    found = work.one("AMOUNT_UNDER")
    if status in ("pending_approval", "written_off"):
        found = work.pending(found)
        if status == "written_off":
            assert work.do(found, "approve", LEAD) == "applied"
    else:
        changed = replace(found, status=status, assignee=None if status == "open" else actor)
        work.world.state[mismatch_ref(found.id)] = changed
    return work


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("action", ACTION_OF)
def test_every_status_action_and_role(status: str, action: str) -> None:
    statuses, roles = ALLOWED[action]
    for role in ROLES:
        person = ("key:somebody", role)
        work = in_status(status, person[0])
        found = work.one("AMOUNT_UNDER")
        posted, entries = len(work.world.transactions), len(work.chain(found))
        said = {"assignee": "key:next"} if action == "assign" else {}
        outcome = work.do(found, action, person, **said)
        if role not in roles:
            assert outcome == "role_not_allowed", (role, outcome)
        elif status not in statuses:
            assert outcome == "wrong_status", (role, outcome)
        else:
            assert outcome == "applied", (role, outcome)
            assert work.now(found).status == LEADS_TO.get(action, status)
            assert len(work.chain(found)) == entries + 1
            continue
        assert (len(work.world.transactions), len(work.chain(found))) == (posted, entries)
        assert work.now(found) == found


def test_who_proposed_may_not_approve_whatever_the_role() -> None:
    work = short_settlement()
    found = work.pending(work.one("AMOUNT_UNDER"), by=LEAD)
    assert work.do(found, "approve", LEAD) == "four_eyes"
    assert work.do(found, "approve", (LEAD[0], "admin")) == "four_eyes"
    assert work.do(found, "approve", APPROVER) == "applied"


def test_an_approval_stays_within_the_limit_of_its_role() -> None:
    work = short_settlement(approval_limits={"approver": 999, "lead": 1_000})
    found = work.pending(work.one("AMOUNT_UNDER"))
    assert work.do(found, "approve", APPROVER) == "over_limit"
    assert work.do(found, "approve", LEAD) == "applied"


def test_only_the_assignee_works_on_it_and_a_lead_may_hand_it_over() -> None:
    work = short_settlement()
    found = work.one("AMOUNT_UNDER")
    assert work.do(found, "assign", ANALYST) == "applied"
    assert work.do(found, "assign", ANALYST) == "already_assigned"
    assert work.do(found, "investigate", OTHER) == "not_assignee"
    assert work.do(found, "assign", OTHER) == "not_assignee"
    assert work.do(found, "assign", LEAD, assignee=OTHER[0]) == "applied"
    assert work.do(found, "investigate", OTHER) == "applied"
    assert work.do(found, "propose", ANALYST) == "not_assignee"
    assert work.do(found, "hand_back", OTHER) == "applied"
    assert work.now(found).assignee is None


def test_less_than_expected_goes_to_suspense_and_from_there_is_written_off() -> None:
    work = short_settlement(gross=9_000)
    before = work.world.books()
    found = work.pending(work.one("AMOUNT_UNDER"), kind="write_off")
    assert work.world.books() == before
    assert work.do(found, "approve", APPROVER, proposal_id=found.proposal.id) == "applied"  # type: ignore[union-attr]
    books = work.world.books()
    assert books["write_off"] == 1_000
    assert books.get("psp_recv:stripe", 0) == before["psp_recv:stripe"] - 1_000
    assert "suspense" not in books
    assert work.now(found).status == "written_off"
    assert work.now(found).resolution.transaction_id == work.world.transactions[-1].id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("gross", "kind", "account", "balance"),
    [
        (9_000, "adjust", "suspense", 1_000),
        (9_000, "accept_as_fee", "fee_variance", 1_000),
        (11_000, "adjust", "unapplied", 1_000),
        (11_000, "write_off", "write_off", -1_000),
        (11_000, "accept_as_fee", "fee_variance", -1_000),
    ],
)
def test_each_kind_moves_what_stands_open(gross: int, kind: str, account: str, balance: int) -> None:
    work = short_settlement(gross)
    category = "AMOUNT_UNDER" if gross < 10_000 else "AMOUNT_OVER"
    found = work.pending(work.one(category), kind=kind)
    assert work.do(found, "approve", APPROVER) == "applied"
    assert work.world.books()[account] == balance


def test_an_approval_that_no_longer_fits_the_facts_is_refused() -> None:
    work = short_settlement()
    found = work.pending(work.one("AMOUNT_UNDER"))
    work.world.send(line("L2", gross=400, booked_on=date(2026, 11, 24)))
    posted = len(work.world.transactions)
    assert work.do(found, "approve", APPROVER) == "facts_changed"
    assert len(work.world.transactions) == posted
    assert work.do(found, "reject", APPROVER) == "applied"
    assert work.do(found, "propose", ANALYST) == "applied"
    assert work.now(found).proposal.legs[0].amount == 600  # type: ignore[union-attr]
    assert work.do(found, "approve", APPROVER, proposal_id=found.proposal.id) == "proposal_changed"  # type: ignore[union-attr]
    assert work.do(found, "approve", APPROVER) == "applied"


def test_what_is_resolved_is_not_found_again_until_its_evidence_changes() -> None:
    work = short_settlement()
    found = work.pending(work.one("AMOUNT_UNDER"))
    assert work.do(found, "approve", APPROVER) == "applied"
    settled = work.world.books()
    work.world.send(expectation(gross=10_000, id="e-again"))
    assert work.now(found).status == "written_off"
    assert work.world.books() == settled


def test_a_late_line_takes_the_resolution_back_and_resolves_by_itself() -> None:
    work = short_settlement()
    found = work.pending(work.one("AMOUNT_UNDER"))
    assert work.do(found, "approve", APPROVER) == "applied"
    approved = work.now(found).resolution
    work.world.send(line("L2", gross=1_000, booked_on=date(2026, 11, 24)))
    again = work.now(found)
    assert (again.status, again.resolution) == ("auto_resolved", None)
    (taken_back,) = [t for t in work.world.transactions if t.reverses]
    assert approved is not None
    assert taken_back.reverses == approved.transaction_id
    assert "write_off" not in work.world.books()
    assert [entry.action for entry in work.chain(found)][-2:] == ["contradict", "auto_resolve"]


def test_a_further_short_line_brings_it_back_to_its_assignee() -> None:
    work = short_settlement()
    found = work.pending(work.one("AMOUNT_UNDER"))
    work.do(found, "approve", APPROVER)
    work.world.send(line("L2", gross=400, booked_on=date(2026, 11, 24)))
    again = work.now(found)
    assert (again.status, again.assignee, again.actual_amount) == ("assigned", ANALYST[0], 9_400)
    assert again.due_at == work.world.now + timedelta(hours=168)
    assert "write_off" not in work.world.books()


def test_a_lead_reopens_by_a_reversal_and_never_by_an_edit() -> None:
    work = short_settlement()
    before = work.world.books()
    found = work.pending(work.one("AMOUNT_UNDER"))
    work.do(found, "approve", APPROVER)
    posted = len(work.world.transactions)
    assert work.do(found, "reopen", ANALYST) == "role_not_allowed"
    assert work.do(found, "reopen", LEAD) == "applied"
    assert work.world.books() == before
    assert len(work.world.transactions) == posted + 1
    assert work.now(found).status == "assigned"
    assert work.chain(found)[-1].transaction_id == work.world.transactions[-1].id


def test_the_engine_resolves_from_any_open_state_and_tells_who_is_concerned() -> None:
    work = short_settlement()
    found = work.pending(work.one("AMOUNT_UNDER"))
    work.world.send(line("L2", gross=1_000, booked_on=date(2026, 11, 24)))
    resolved = work.now(found)
    assert (resolved.status, resolved.proposal) == ("auto_resolved", None)
    assert resolved.explanation["rule"] == "A1"
    told = [s.record for s in work.world.sends if getattr(s.record, "mismatch_id", "") == found.id][-1]
    assert told.tell == (ANALYST[0],)
    assert told.status == "auto_resolved"


def test_people_pair_a_line_with_what_it_settles_and_a_lead_takes_it_apart() -> None:
    world = configured()
    world.send(expectation(gross=10_000))
    world.send(line("L1", gross=10_000, psp_payment_id="pi_unknown"))
    world.fire_timers()
    work = Work(world)
    assert world.categories() == ["MISSING_PAYMENT", "MISSING_SETTLEMENT"]
    target = MatchTarget(merchant_id="m-1", payment_id="pay-1", object_id="pay-1", home="pi_1")
    found = work.one("MISSING_PAYMENT")
    missing = work.one("MISSING_SETTLEMENT")
    work.do(missing, "assign", ANALYST)
    work.do(missing, "investigate", ANALYST)
    forced = {"kind": "force_match", "reason_code": "same", "note": "n"}
    assert work.do(missing, "propose", ANALYST, **forced, target=target) == "kind_not_possible"
    found = work.pending(found, kind="force_match", target=target)
    assert work.do(found, "approve", APPROVER) == "applied"
    assert world.categories() == []
    assert work.now(found).status == "resolved"
    assert work.now(missing).status == "auto_resolved"
    assert "unapplied" not in world.books()
    assert work.do(found, "reopen", LEAD) == "applied"
    assert world.books()["unapplied"] == 10_000
    assert "MISSING_PAYMENT" in world.categories()


def test_a_line_that_nobody_expects_may_be_written_off() -> None:
    world = configured()
    world.send(line("L1", gross=700))
    world.fire_timers()
    work = Work(world)
    found = work.pending(work.one("MISSING_PAYMENT"), kind="write_off")
    assert work.do(found, "approve", APPROVER) == "applied"
    assert world.books()["write_off"] == -700
    assert "unapplied" not in world.books()
    world.send(expectation(gross=700))
    assert "write_off" not in world.books()
    assert world.books().get("unapplied", 0) == 0


def test_the_chain_names_who_did_what_and_any_change_breaks_it() -> None:
    work = short_settlement()
    found = work.pending(work.one("AMOUNT_UNDER"))
    work.do(found, "comment", OTHER, note="I have seen this before")
    work.do(found, "approve", APPROVER)
    chain = work.chain(found)
    assert [entry.action for entry in chain] == ["assign", "investigate", "propose", "comment", "approve"]
    assert [entry.seq for entry in chain] == [1, 2, 3, 4, 5]
    previous = GENESIS
    for entry in chain:
        assert (entry.previous_hash, entry.hash) == (previous, hash_of(entry))
        previous = entry.hash
    assert work.now(found).audit_hash == previous
    last = chain[-1]
    assert (last.actor, last.role, last.approver) == (APPROVER[0], "approver", APPROVER[0])
    assert (last.from_status, last.to_status) == ("pending_approval", "written_off")
    assert last.before["proposal"]["by"] == ANALYST[0]
    assert last.source_address == "192.0.2.1"
    assert hash_of(replace(chain[1], note="something else")) != chain[1].hash


def test_a_viewer_and_an_unknown_mismatch_are_refused() -> None:
    work = short_settlement()
    found = work.one("AMOUNT_UNDER")
    assert work.do(found, "comment", VIEWER) == "role_not_allowed"
    assert work.do(replace(found, id="mm_unknown"), "comment", ANALYST) == "unknown_mismatch"
    assert work.do(replace(found, owner_key="stripe:other"), "comment", ANALYST) == "unknown_mismatch"

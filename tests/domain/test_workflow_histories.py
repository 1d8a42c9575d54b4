"""Any sequence of people's actions and late facts: nothing is posted twice, and no one person does both."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.audit import GENESIS, hash_of
from app.domain.mismatch import OPEN_STATUSES
from tests.support.matching_world import line
from tests.support.workflow_world import (
    ACTION_OF,
    ANALYST,
    APPROVER,
    LEAD,
    OTHER,
    TO_PENDING,
    VIEWER,
    Work,
    short_settlement,
)

PEOPLE = (ANALYST, OTHER, APPROVER, LEAD, VIEWER)
KINDS = ("write_off", "adjust", "ignore", "accept_as_fee")
ACTIONS = st.tuples(
    st.sampled_from([*ACTION_OF, *TO_PENDING, "approve", "approve"]),
    st.sampled_from(PEOPLE),
    st.sampled_from(KINDS),
)
LATE = st.sampled_from([100, 400, 1_000])


@given(st.lists(st.one_of(ACTIONS, LATE), min_size=1, max_size=40), st.sampled_from([9_000, 11_000]))
def test_the_books_and_the_chain_hold_after_every_step(steps: list[Any], gross: int) -> None:
    work = short_settlement(gross)
    found = work.one("AMOUNT_UNDER" if gross < 10_000 else "AMOUNT_OVER")
    for number, step in enumerate(steps):
        if isinstance(step, int):
            work.world.send(line(f"late-{number}", gross=step + number, booked_on=date(2026, 11, 24)))
        else:
            action, person, kind = step
            work.do(found, action, person, **({"kind": kind} if action == "propose" else {}))
        check(work, found)


def check(work: Work, found: Any) -> None:
    now = work.now(found)
    check_postings(work, now)
    check_eyes(work, now)
    check_chain(work, now)
    if now.status in ("resolved", "written_off"):
        assert now.resolution is not None
    if now.status in OPEN_STATUSES or now.status == "auto_resolved":
        assert now.resolution is None
    assert (now.proposal is not None) == (now.status == "pending_approval")


def check_postings(work: Work, now: Any) -> None:
    """Of what approvals posted, all but the one that stands is reversed, once each."""
    posted = [t.id for t in work.world.transactions if t.kind.startswith("resolution.") and not t.reverses]
    reversed_ids = Counter(t.reverses for t in work.world.transactions if t.reverses)
    assert max(reversed_ids.values(), default=1) == 1
    standing = [one for one in posted if one not in reversed_ids]
    wanted = [now.resolution.transaction_id] if now.resolution and now.resolution.transaction_id else []
    assert standing == wanted
    assert work.world.balances() is not None


def check_eyes(work: Work, now: Any) -> None:
    for entry in work.chain(now):
        if entry.action == "approve":
            assert entry.before["proposal"]["by"] != entry.approver
            assert entry.role in ("approver", "lead", "admin")


def check_chain(work: Work, now: Any) -> None:
    previous = GENESIS
    chain = work.chain(now)
    for seq, entry in enumerate(chain, 1):
        assert (entry.seq, entry.previous_hash, entry.hash) == (seq, previous, hash_of(entry))
        previous = entry.hash
    assert (now.audited, now.audit_hash or GENESIS) == (len(chain), previous)

"""Opening and resolving mismatches: one row per discrepancy, numbered events, people's words respected."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from app.domain.decision import Draft, Source
from app.domain.mismatch import Mismatch
from app.domain.mismatches import is_open, mismatch_ref, open_mismatch, resolve_mismatch
from app.domain.streams import PAYMENTS_COMMANDS
from tests.support.domain import START


class Rows(dict[Any, Any]):
    """A view where every row is loaded."""


def draft(rows: Rows, offset: int = 1, key: str = "m-1") -> Draft:
    return Draft(rows, Source(PAYMENTS_COMMANDS, 0, offset, key, START + timedelta(hours=offset)))


def opened(work: Draft, actual: int = 80, subjects: tuple[str, ...] = ("a", "b")) -> str:
    return open_mismatch(
        work,
        leg="M",
        category="AMOUNT_UNDER",
        merchant_id="m-1",
        currency="EUR",
        expected_amount=100,
        actual_amount=actual,
        explanation={"rule": "r"},
        subject_ids=subjects,
    )


def row(work: Draft, key: str) -> Mismatch:
    found = work.get(mismatch_ref(key))
    assert isinstance(found, Mismatch)
    return found


def tags(work: Draft) -> list[str]:
    return [f"{type(send.record).__struct_config__.tag} {send.record.seq}" for send in work.sends]  # type: ignore[attr-defined]


def test_the_same_discrepancy_is_one_row_whatever_the_order_of_its_records() -> None:
    work = draft(Rows())
    assert opened(work) == opened(work, subjects=("b", "a"))
    assert tags(work) == ["mismatch.opened 1"]
    assert opened(work, subjects=("a",)) != opened(work)
    assert opened(draft(Rows(), key="m-2")) != opened(work)


def test_changed_figures_change_the_row_but_not_its_due_time() -> None:
    work = draft(Rows())
    key = opened(work)
    due_at = row(work, key).due_at
    opened(work, actual=-10_000_000)
    assert tags(work) == ["mismatch.opened 1", "mismatch.changed 2"]
    assert (row(work, key).severity, row(work, key).actual_amount) == ("CRITICAL", -10_000_000)
    assert row(work, key).due_at == due_at


def test_resolving_keeps_the_evidence_and_happens_once() -> None:
    work = draft(Rows())
    key = opened(work)
    assert resolve_mismatch(work, key, "came late")
    assert not resolve_mismatch(work, key, "came late")
    assert not is_open(work, key)
    explanation = row(work, key).explanation
    assert (explanation["rule"], explanation["resolution"]) == ("r", "came late")
    assert not resolve_mismatch(work, "mm_unknown", "nothing there")
    assert tags(work) == ["mismatch.opened 1", "mismatch.resolved 2"]


def test_what_comes_back_opens_the_same_row_again() -> None:
    rows = Rows()
    first = draft(rows)
    key = opened(first)
    resolve_mismatch(first, key, "gone")
    rows.update(first.state)
    later = draft(rows, offset=5)
    assert opened(later) == key
    assert tags(later) == ["mismatch.opened 3"]
    assert (row(later, key).status, row(later, key).detected_at) == ("open", START + timedelta(hours=5))
    assert "resolution" not in row(later, key).explanation


@pytest.mark.parametrize("status", ["resolved", "written_off"])
def test_what_a_person_settled_returns_to_people_only_when_it_is_contradicted(status: str) -> None:
    rows = Rows()
    first = draft(rows)
    key = opened(first)
    rows.update(first.state)
    rows[mismatch_ref(key)] = replace(row(first, key), status=status)
    again = draft(rows, offset=2)
    opened(again)
    assert not again.sends
    opened(again, actual=70)
    assert row(again, key).status == "assigned"
    assert tags(again) == ["mismatch.opened 2"]
    assert row(again, key).audited == 1


def test_the_owner_is_the_lane_that_opened_it() -> None:
    work = draft(Rows())
    found = row(work, opened(work))
    assert (found.owner_topic, found.owner_key) == (PAYMENTS_COMMANDS, "m-1")
    assert found.due_at - found.detected_at == timedelta(hours=168)


def test_the_times_in_which_it_was_open_are_kept() -> None:
    """Or nobody could say what was open at the end of last month."""
    rows = Rows()
    hours = [START + timedelta(hours=number) for number in range(1, 5)]
    for number, step in enumerate((opened, None, opened, None), 1):
        work = draft(rows, number)
        key = opened(draft(rows)) if step is None else step(work)
        if step is None:
            assert resolve_mismatch(work, key, "explained")
        rows.update(work.state)
    kept = rows[mismatch_ref(key)]
    assert kept.spells == ((hours[0], hours[1]),)
    assert (kept.opened_at, kept.closed_at) == (hours[2], hours[3])

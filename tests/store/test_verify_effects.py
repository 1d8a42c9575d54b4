"""`verify` finds effects that wait for nothing, and timers that would wake nobody."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from app.domain.effects import EffectDue, EffectStatus
from app.domain.state import Ref
from app.domain.timers import Timer, epoch_ms, timer_ref
from app.store.api import LaneId
from app.store.postgres import PostgresStore
from app.store.verify import verify
from tests.support.commits import EFFECT, NOW, change, commit, effect

pytestmark = pytest.mark.asyncio(loop_scope="module")
LANE = LaneId("effects.requests", 3)


@pytest_asyncio.fixture(loop_scope="module")
async def store(books: Any) -> PostgresStore:
    store = PostgresStore(books)
    await store.positions([LANE])
    return store


@pytest.mark.parametrize(
    ("status", "with_timer", "problem"),
    [
        ("waiting", True, None),
        ("waiting", False, "effect webhook:m-1/we_1 pc.3.7.1 waits, but no timer will wake it"),
        ("ready", True, "timer webhook:m-1/we_1 pc.3.7.1 would wake an effect that does not wait"),
        ("ready", False, None),
    ],
)
async def test_an_effect_that_waits_has_its_timer(
    dsn: str, store: PostgresStore, status: EffectStatus, with_timer: bool, problem: str | None
) -> None:
    state: dict[Ref, Any] = {EFFECT: change(effect(status), 0)}
    if with_timer:
        target, effect_id = EFFECT.key
        due = Timer(epoch_ms(NOW), EffectDue(id="-", target=target, effect_id=effect_id))
        state[timer_ref(target, "effect.due", effect_id)] = change(due, 0)
    await store.commit(commit(0, lane=LANE, state=state))
    report = await verify(dsn)
    assert {check.name: check.problems for check in report.checks if not check.ok} == (
        {} if problem is None else {"effects": [problem]}
    )
    (found,) = (check for check in report.checks if check.name == "effects")
    assert found.figures[status] == 1

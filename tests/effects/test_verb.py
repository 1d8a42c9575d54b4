"""`python -m app effects`: what it lists and shows, and what it says of wrong inputs."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.domain.effect import effect_ref
from app.store.api import LaneId
from app.store.pool import open_pool
from app.store.postgres import PostgresStore
from tests.support.commands import environment, run_app
from tests.support.commits import change, commit, effect

pytestmark = pytest.mark.stack
LANE = LaneId("effects.requests", 0)
Run = Callable[..., Awaitable[subprocess.CompletedProcess[str]]]


@pytest.fixture
async def run(database: str, kafka: str) -> Run:
    """The verb on a database with a dead, a waiting and a done effect."""
    pool: Any = await open_pool(database, 1, "tests")
    store = PostgresStore(pool)
    await store.positions([LANE])
    made = [
        effect("dead", id="ef-dead", reason="given up after 14 attempts: no answer", attempts=14),
        effect("waiting", id="ef-waiting"),
        effect("done", id="ef-done"),
    ]
    state = {effect_ref(each.target, each.id): change(each, 0) for each in made}
    await store.commit(commit(0, lane=LANE, state=state))
    await pool.close()
    env = environment(DATABASE_URL=database, KAFKA_BOOTSTRAP_SERVERS=kafka)
    return lambda *arguments: asyncio.to_thread(run_app, "effects", *arguments, env=env)


async def test_it_lists_what_is_open_or_given_up(run: Run) -> None:
    done = await run("list")
    assert done.returncode == 0, done.stderr
    assert "ef-dead" in done.stdout
    assert "given up after 14 attempts" in done.stdout
    assert "ef-waiting" in done.stdout
    assert "ef-done" not in done.stdout
    assert (await run("list", "--target", "psp:*")).stdout == "no effects\n"


async def test_it_shows_one_with_its_attempts(run: Run) -> None:
    done = await run("show", "ef-dead")
    assert done.returncode == 0, done.stderr
    assert "status: dead\nattempts: 14\n" in done.stdout
    missing = await run("show", "ef-none")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "there is no effect 'ef-none'" in missing.stderr


async def test_a_dry_redrive_only_says_what_it_would_do(run: Run) -> None:
    done = await run("redrive", "--target", "webhook:m-1/*", "--dry-run")
    assert done.stdout == "ef-dead at webhook:m-1/we_1\n1 would be redriven\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "takes ids, or --target"),
        (("ef-dead", "--target", "x"), "not both"),
        (("ef-done",), "ef-done is done; --done replays it"),
        (("--since", "yesterday"), "'yesterday' is no time like"),
    ],
)
async def test_wrong_inputs_are_named(run: Run, arguments: tuple[str, ...], words: str) -> None:
    done = await run("redrive", *arguments)
    assert done.returncode == 2
    assert words in done.stderr

"""Operators hear of the program itself, by real workers: of a dead letter, of a database that is gone."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from app.domain.streams import PAYMENTS_COMMANDS
from app.stack.local import LocalStack
from tests.alerts.planting import CHANNELS
from tests.effects.workers import Workers
from tests.support.live import Live
from tests.support.receiver import Receiver, receiving
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow]
SECONDS = 60.0
PLATFORM: dict[str, Any] = {
    "alerts": {"channels": {"slack": CHANNELS["slack"]}, "thresholds": {"outage_seconds": 1}}
}


def titles(slack: Receiver) -> list[str]:
    return [orjson.loads(got.body)["text"] for got in slack.received]


def has_told(slack: Receiver, words: str) -> bool:
    return any(words in title for title in titles(slack))


async def test_operators_are_told_of_dead_letters_and_of_an_outage_of_the_database(
    live: Live, workers: Workers, local_stack: LocalStack
) -> None:
    live.configure(PLATFORM)
    async with receiving() as slack:
        workers.start(TALLYSTICK_ALERT_SLACK_URL=slack.url)
        tried = await asyncio.to_thread(live.run, "alerts", "test", "--channel", "slack")
        assert "delivered" in tried.stdout
        assert has_told(slack, "Test of the channel slack")
        await live.send(PAYMENTS_COMMANDS, [("m-1", b"no record at all")])
        await eventually(lambda: has_told(slack, "dead letters"), SECONDS, "the dead letter to be told")
        await asyncio.to_thread(local_stack.kill_database)
        try:
            await eventually(
                lambda: has_told(slack, "CRITICAL: the database cannot be reached"), SECONDS, "the outage"
            )
        finally:
            await asyncio.to_thread(local_stack.start_database)
        await eventually(
            lambda: has_told(slack, "Resolved: the database can be reached"), SECONDS, "its end to be told"
        )
        assert titles(slack).count(next(one for one in titles(slack) if "dead letters" in one)) == 1
    workers.stop()

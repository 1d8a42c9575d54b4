"""Effects through real workers, Kafka and PostgreSQL to a real server, with faults on both sides."""

from __future__ import annotations

import pytest

from tests.effects.asking import PLATFORM, all_done, ask, delivery
from tests.effects.receiver import Receiver
from tests.effects.workers import Workers
from tests.support.live import Live
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow]
START_SECONDS = 40.0


async def test_what_is_asked_for_is_done_once(live: Live, workers: Workers, receiver: Receiver) -> None:
    live.configure(PLATFORM)
    workers.start()
    await ask(live, [delivery(receiver.url, f"we_{n % 3}", n, f"o-{n % 5}") for n in range(60)])
    await eventually(lambda: all_done(live, 60), START_SECONDS, "all deliveries")
    assert len(receiver.hits) == 60
    workers.stop()

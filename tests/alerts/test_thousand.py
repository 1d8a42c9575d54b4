"""Many critical exceptions at once, channels that fail, a worker that dies: every alert arrives.

`python -m tests.alerts.thousand` does the same with a thousand.
"""

from __future__ import annotations

import pytest

from tests.alerts.planting import run, sinking
from tests.effects.workers import Workers
from tests.support.live import Live

pytestmark = [pytest.mark.stack, pytest.mark.slow]
COUNT = 120
WITHIN_SECONDS = 60.0


async def test_every_alert_arrives_and_is_repeated_only_where_the_kill_explains_it(
    live: Live, workers: Workers
) -> None:
    async with sinking(seed=1) as sink:
        figures = await run(live, workers, sink, COUNT, WITHIN_SECONDS)
        assert figures.keys == figures.by_slack == figures.by_mail == COUNT, figures
        assert figures.messages == 2 * COUNT
        assert (figures.unexplained, figures.dead) == (0, 0), figures
        assert figures.refused > COUNT / 4

"""A worker whose agents now and then acknowledge a batch without handing it over, as the framework did.

    python -m tests.hazards.swallower SHARE on|off

SHARE of the batches, 0 to 1, is swallowed. With `off` the watchdog does not look, so that only a later batch
shows the hole.

Only this process is changed; the program knows nothing of it.
"""

from __future__ import annotations

import sys
from random import Random
from typing import Any

from app.bootstrap import Runtime
from app.lane.watchdog import Watchdog
from app.run_worker import run


def swallow(share: float) -> None:
    process, random = Runtime.process, Random(share)

    async def swallowing(self: Runtime, batch: Any) -> None:
        if random.random() >= share:
            await process(self, batch)

    Runtime.process = swallowing  # type: ignore[method-assign]


def blind() -> None:
    async def not_looking(self: Watchdog) -> None:
        return None

    Watchdog.look = not_looking  # type: ignore[method-assign]


if __name__ == "__main__":
    swallow(float(sys.argv[1]))
    if sys.argv[2] == "off":
        blind()
    run("warning")

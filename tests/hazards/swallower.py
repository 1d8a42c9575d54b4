"""A worker whose agents now and then acknowledge a batch without handing it over, as the framework did.

    python -m tests.hazards.swallower SHARE on|off

SHARE of the batches, 0 to 1, is swallowed; how many records that were is kept in the worker's own folder, in
the file `swallowed`. With `off` the watchdog does not look, so that only a later batch
shows the hole.

Only this process is changed; the program knows nothing of it.
"""

from __future__ import annotations

import sys
from random import Random
from typing import Any, Final

from app.bootstrap import Runtime
from app.lane.watchdog import Watchdog
from app.run_worker import run

COUNT: Final = "swallowed"


def swallow(share: float) -> None:
    process, random = Runtime.process, Random(share)
    swallowed = 0

    async def swallowing(self: Runtime, batch: Any) -> None:
        nonlocal swallowed
        if random.random() >= share:
            await process(self, batch)
            return
        swallowed += len(batch)
        (self.settings.data_dir / COUNT).write_text(f"{swallowed}\n", encoding="ascii")

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

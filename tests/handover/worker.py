"""A worker as a process of its own: `python -m tests.handover.worker KAFKA APP_ID TOPIC PARTITIONS [raise]`.

Prints `at work` with its first batch, and at its end how many batches its agents began and finished.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import faust

from app.handover.batch import Batch
from tests.handover.members import Books, member

BATCH_SECONDS = 0.2


class Counted:
    """Work that takes a while, counted at both ends."""

    def __init__(self, broken: bool) -> None:
        self.begun = self.finished = 0
        self._broken = broken

    async def __call__(self, batch: Batch) -> None:
        self.begun += 1
        if self.begun == 1:
            print("at work", flush=True)
        await asyncio.sleep(BATCH_SECONDS)
        if self._broken:
            raise RuntimeError("an exception reached the stream")
        self.finished += 1


def main(kafka: str, app_id: str, topic: str, partitions: str, *options: str) -> None:
    work = Counted("raise" in options)
    app = member(kafka, app_id, [topic], Books(work), int(partitions), max_records=10)
    worker: Any = faust.Worker(app, loglevel="WARN", redirect_stdouts=False)
    try:
        worker.execute_from_commandline()
    finally:
        print(f"begun {work.begun} finished {work.finished}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

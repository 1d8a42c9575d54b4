"""Bounded queues of what clients of streams are still to be sent: nobody slow holds up anybody else."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from web.problems import Problem

MOST_STREAMS: Final = 200
MOST_PER_KEY: Final = 20
"""One key's streams may not use up everybody's."""
QUEUE_LENGTH: Final = 2_000
"""A client so far behind is closed; it opens the stream again and goes on where it was."""

Box = asyncio.Queue[Any]
"""What waits for one client; None means that its stream is over."""


class Boxes:
    """All clients of one source. Sending never waits."""

    def __init__(self, most: int = MOST_STREAMS) -> None:
        self._most = most
        self._boxes: dict[Box, str] = {}
        self._owners: Counter[str] = Counter()
        self._stopped = False

    def __len__(self) -> int:
        return len(self._boxes)

    def send(self, item: Any) -> None:
        for box in list(self._boxes):
            try:
                box.put_nowait(item)
            except asyncio.QueueFull:
                self._close(box)

    @contextmanager
    def joined(self, box: Box, owner: str = "") -> Iterator[Box]:
        """The box gets everything that is sent meanwhile. Raises 503 when there are too many."""
        mine = self._owners[owner] if owner else 0
        if self._stopped or len(self._boxes) >= self._most or mine >= MOST_PER_KEY:
            raise Problem("too_many_streams", headers={"Retry-After": "10"})
        self._boxes[box] = owner
        self._owners[owner] += 1
        try:
            yield box
        finally:
            self._leave(box)

    def stop(self) -> None:
        """End all streams, so that the process can stop without waiting for clients to leave."""
        self._stopped = True
        for box in list(self._boxes):
            self._close(box)

    def _leave(self, box: Box) -> None:
        owner = self._boxes.pop(box, None)
        if owner is not None:
            self._owners[owner] -= 1

    def _close(self, box: Box) -> None:
        """Whatever still waits is dropped: the stream ends at the next read."""
        self._leave(box)
        while not box.empty():
            box.get_nowait()
        box.put_nowait(None)


def new_box() -> Box:
    return asyncio.Queue(QUEUE_LENGTH)

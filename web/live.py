"""The live figures: one loop per process looks, renders once what changed, and sends it to whoever watches.

Rows of mismatches come from their log (`web/feed.py`); only counts and figures are polled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.store.web_errors import is_unavailable
from web import render
from web.boxes import Box, Boxes
from web.snapshots import Snapshot, Snapshots
from web.sse import event
from web.status import status_of

WATCHED_EVERY_SECONDS: Final = 0.5
ALONE_EVERY_SECONDS: Final = 2.0
"""With nobody watching only the rates of `/v1/status` and `/metrics` need a look now and then."""

log: Final = logging.getLogger(__name__)


class LiveHub:
    """Holds what the page shows now, so that a new view starts complete without a query."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._boxes = Boxes()
        self._fragments: dict[str, str] = {}
        self._trouble = False
        self._wake = asyncio.Event()

    @property
    def views(self) -> int:
        return len(self._boxes)

    async def run(self) -> None:
        """Look for ever; ends by being cancelled."""
        while True:
            await self._look()
            pause = WATCHED_EVERY_SECONDS if self.views else ALONE_EVERY_SECONDS
            self._wake.clear()
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        try:
            snapshot = await self._snapshots.current()
            if self.views:
                self._send_changes(snapshot)
            self._trouble = False
        except Exception as error:
            if not self._trouble:
                log.warning("the live view sees nothing: %r", error, exc_info=not is_unavailable(error))
            self._trouble = True
            self._boxes.send(event("nofigures", {}))

    def _send_changes(self, snapshot: Snapshot) -> None:
        fresh = render.fragments(status_of(snapshot))
        changed = {name: html for name, html in fresh.items() if self._fragments.get(name) != html}
        self._fragments = fresh
        self._boxes.send(event("fragments", {"as_of": render.clock(snapshot.fast.now), "html": changed}))

    @contextmanager
    def view(self, box: Box) -> Iterator[Box]:
        """The box gets all that is shown now, then what changes."""
        with self._boxes.joined(box):
            if self._fragments:
                box.put_nowait(event("fragments", {"as_of": None, "html": self._fragments}))
            self._wake.set()
            yield box

    def stop(self) -> None:
        self._boxes.stop()

"""The live view: one loop per process looks, renders once what changed, and sends it to whoever watches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from app.store.web_errors import is_unavailable
from app.store.web_figures import MismatchRow
from web import render
from web.problems import Problem
from web.snapshots import Snapshot, Snapshots
from web.status import status_of

WATCHED_EVERY_SECONDS: Final = 0.5
ALONE_EVERY_SECONDS: Final = 2.0
"""With nobody watching only the rates of `/v1/status` and `/metrics` need a look now and then."""
MOST_VIEWS: Final = 200
QUEUE_LENGTH: Final = 50
"""A view that is so far behind is closed; the browser opens it again and gets everything anew."""

log: Final = logging.getLogger(__name__)
Mail = asyncio.Queue[bytes | None]


def event(name: str, data: Any) -> bytes:
    """One server-sent event; JSON keeps the data on one line."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


class LiveHub:
    """Holds what the page shows now, so that a new view starts complete without a query."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._views: set[Mail] = set()
        self._fragments: dict[str, str] = {}
        self._sent: dict[str, str] = {}
        self._rendered: dict[str, tuple[MismatchRow, str]] = {}
        self._trouble = False
        self._wake = asyncio.Event()
        self._stopped = False

    @property
    def views(self) -> int:
        return len(self._views)

    def rows(self, snapshot: Snapshot) -> dict[str, str]:
        """The latest mismatches, id -> table row, newest first; each is rendered once for everybody."""
        known = self._rendered
        self._rendered = {
            row.id: known[row.id]
            if row.id in known and known[row.id][0] == row
            else (row, render.mismatch_row(row))
            for row in snapshot.fast.mismatches
        }
        return {mismatch_id: html for mismatch_id, (_, html) in self._rendered.items()}

    async def run(self) -> None:
        """Look for ever; ends by being cancelled."""
        while True:
            await self._look()
            pause = WATCHED_EVERY_SECONDS if self._views else ALONE_EVERY_SECONDS
            self._wake.clear()
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        try:
            snapshot = await self._snapshots.current()
            if self._views:
                self._send_changes(snapshot)
            self._trouble = False
        except Exception as error:
            if not self._trouble:
                log.warning("the live view sees nothing: %r", error, exc_info=not is_unavailable(error))
            self._trouble = True
            self._send(event("trouble", {}))

    def _send_changes(self, snapshot: Snapshot) -> None:
        fresh = render.fragments(status_of(snapshot))
        changed = {name: html for name, html in fresh.items() if self._fragments.get(name) != html}
        self._fragments = fresh
        rows = self.rows(snapshot)
        news = [html for mismatch_id, html in rows.items() if self._sent.get(mismatch_id) != html]
        self._sent = rows
        if news:
            self._send(event("mismatches", news))
        self._send(event("fragments", {"as_of": render.clock(snapshot.fast.now), "html": changed}))

    def _send(self, message: bytes) -> None:
        for mail in list(self._views):
            try:
                mail.put_nowait(message)
            except asyncio.QueueFull:
                self._close(mail)

    def _close(self, mail: Mail) -> None:
        """Whatever still waits is dropped: the view ends at the next read."""
        self._views.discard(mail)
        while not mail.empty():
            mail.get_nowait()
        mail.put_nowait(None)

    @contextmanager
    def view(self) -> Iterator[Mail]:
        """A queue of events; None means that the view is over. Begins with everything that is shown now."""
        if self._stopped or len(self._views) >= MOST_VIEWS:
            raise Problem("too_many_streams", headers={"Retry-After": "10"})
        mail: Mail = asyncio.Queue(QUEUE_LENGTH)
        if self._fragments:
            mail.put_nowait(event("mismatches", list(self._sent.values())))
            mail.put_nowait(event("fragments", {"as_of": None, "html": self._fragments}))
        self._views.add(mail)
        self._wake.set()
        try:
            yield mail
        finally:
            self._views.discard(mail)

    def stop(self) -> None:
        """End all views, so that the process can stop without waiting for browsers to leave."""
        self._stopped = True
        for mail in list(self._views):
            self._close(mail)

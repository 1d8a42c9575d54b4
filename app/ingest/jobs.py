"""Reads files that were handed in, in the background of a process, a few at a time.

A job's row in `files` says how far it is. A process that dies leaves its files `started` without a sign of
life; handing the same file in again reads it anew, and what was sent is known by its ids.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Final

from app.domain.configuration import SourceConfiguration
from app.errors import TallystickError
from app.formats.errors import FileRefused
from app.formats.reading import Reading
from app.ingest.run import Run
from app.ingest.spool import Spooled, discard
from app.settings import Settings
from app.store.file_progress import fail_file, name_sender, tell_progress
from app.store.files import FileKey, begin_file

log: Final = logging.getLogger(__name__)
AT_ONCE: Final = 2
BEAT_SECONDS: Final = 1.0
STOPPED: Final = "the process that read it was stopped"
SILENT_SECONDS: Final = 30.0
"""A reader without a sign of life for so long has died."""


class Progress:
    """A `Telling` that can be looked at: reading runs in threads, and these are plain figures."""

    def __init__(self) -> None:
        self.name, self.done, self.total = "waiting", 0, 0

    def stage(self, what: str, total: int, *, in_bytes: bool = False) -> None:
        self.name, self.done, self.total = what, 0, total

    def advance(self, count: int) -> None:
        self.done += count


class Jobs:
    """Of one process. `pool` and `settings` are asked for when the first file comes."""

    def __init__(self, pool: Any, settings: Callable[[], Settings]) -> None:
        self._pool, self._settings = pool, settings
        self._tasks: dict[FileKey, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._starting = asyncio.Lock()

    def is_running(self, key: FileKey) -> bool:
        return key in self._tasks

    async def start(
        self, spooled: Spooled, source_name: str, source: SourceConfiguration, handed_in_by: str
    ) -> FileKey:
        """Raises Transient, ConfigurationError. The file belongs to the job from here on."""
        key = FileKey(spooled.scan.sha256, source_name)
        async with self._starting:
            if key in self._tasks:
                discard(spooled)
                return key
            progress = Progress()
            run = Run(Reading(spooled.path, source_name, source), progress, spooled.scan, spooled.name)
            await begin_file(self._pool, key, spooled.name, spooled.scan.size_bytes, run.description)
            await name_sender(self._pool, key, handed_in_by)
            task = asyncio.create_task(self._work(key, run, progress, spooled))
            self._tasks[key] = task
            task.add_done_callback(lambda _: self._tasks.pop(key, None))
            return key

    async def finished(self, key: FileKey, within_seconds: float) -> bool:
        """Whether the job is over, now or within this time."""
        task = self._tasks.get(key)
        if task is not None:
            await asyncio.wait({task}, timeout=within_seconds)
        return task is None or task.done()

    async def stop(self) -> None:
        """What is under way is to be handed in again."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, key: FileKey, run: Run, progress: Progress, spooled: Spooled) -> None:
        beats = asyncio.create_task(self._beat(key, progress))
        try:
            async with self._slots:
                await self._read(run)
        except asyncio.CancelledError:
            await self._fail(key, STOPPED)
            raise
        except TallystickError as error:
            await self._fail(key, str(error).replace(str(spooled.path), spooled.path.name))
        except Exception:
            log.exception("reading a file of %s failed", key.source)
            await self._fail(key, "something went wrong here; the log says what")
        finally:
            beats.cancel()
            discard(spooled)

    async def _read(self, run: Run) -> None:
        try:
            await asyncio.to_thread(run.scan)
            reason = await asyncio.to_thread(run.survey)
            if reason is None:
                await run.send(self._pool, self._settings())
                return
        except FileRefused as refusal:
            if run.totals.rows:
                raise
            reason = str(refusal)
        await run.quarantine(self._pool, reason)

    async def _fail(self, key: FileKey, reason: str) -> None:
        with contextlib.suppress(TallystickError):
            await fail_file(self._pool, key, reason)

    async def _beat(self, key: FileKey, progress: Progress) -> None:
        while True:
            with contextlib.suppress(TallystickError):
                await tell_progress(self._pool, key, progress.name, progress.done, progress.total)
            await asyncio.sleep(BEAT_SECONDS)

"""The sandbox PSP as one HTTP server: API, hosted pages, controls, webhooks out and a clock of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from app.errors import ConfigurationError
from app.sandbox.api import Api, Handler, refused
from app.sandbox.books import Books
from app.sandbox.clockwork import Clockwork
from app.sandbox.control import Controls
from app.sandbox.courier import Courier
from app.sandbox.cut_off import Clearing
from app.sandbox.desk import Desk
from app.sandbox.draft import Refusal, Terms
from app.sandbox.faults import Chance, Faults
from app.sandbox.journal import FileJournal, Journal, NoJournal
from app.sandbox.page import Pages, problem_page
from app.sandbox.requests import CutOffBody

STOP_WITHIN_SECONDS: Final = 1.0
BODY_BYTES: Final = 64 * 1024
log = logging.getLogger(__name__)


class Options(Struct, frozen=True, kw_only=True):
    """What the command line says. `port` 0: the system chooses one; no `journal`: books in memory only."""

    api_key: str
    bind: str = "127.0.0.1"
    port: int = 0
    webhook_url: str = ""
    webhook_secret: str = ""
    journal: Path | None = None
    files: Path = Path(".local/sandbox")
    bank_account: str = "main"
    cut_off_seconds: float = 0.0
    """0: only when asked."""
    terms: Terms = Terms()
    faults: Faults = Faults()


class Sandbox:
    """Use as a context: it serves while the context lasts. `url` has no slash at its end."""

    def __init__(self, options: Options, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._options, self._clock = options, clock
        self._faults = [options.faults]
        self._tasks: list[asyncio.Task[None]] = []
        self.url = ""

    async def __aenter__(self) -> Sandbox:
        options, chance = self._options, Chance(self._options.terms.seed)
        books = Books()
        self._journal = _journal(options.journal, books)
        self._courier = Courier(
            options.webhook_url,
            options.webhook_secret,
            chance,
            self._now_faults,
            lambda notice_id: self._desk.delivered(notice_id),
            lambda: self._clock().timestamp(),
        )
        self._desk = Desk(books, options.terms, self._journal, self._clock, self._courier.take)
        self._clearing = Clearing(self._desk, chance, options.files, options.bank_account)
        await self._listen(chance)
        self._courier.take(books.undelivered.values())
        self._start(self._courier.run())
        self._start(Clockwork(self._desk, chance, self._now_faults).run())
        self._start(self._every(lambda: options.cut_off_seconds, self._cut_off))
        self._start(self._every(lambda: self._faults[0].resend_every_seconds, self._resend))
        return self

    async def __aexit__(self, *raised: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.cleanup()
        self._journal.close()

    async def failed(self) -> None:
        """Waits for a part of it to break, and raises why; while all is well it does not return."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    def _now_faults(self) -> Faults:
        return self._faults[0]

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _listen(self, chance: Chance) -> None:
        options = self._options
        app = web.Application(middlewares=[say_refusals], client_max_size=BODY_BYTES)
        app.add_routes(Api(self._desk, chance, self._now_faults, options.api_key).routes())
        app.add_routes(Pages(self._desk).routes())
        app.add_routes(Controls(self._desk, self._courier, self._clearing, self._faults).routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_WITHIN_SECONDS)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, options.bind, options.port).start()
        except OSError as error:
            await self._runner.cleanup()
            self._journal.close()
            place = f"{options.bind}:{options.port}"
            raise ConfigurationError(f"cannot listen on {place} ({error.strerror}): choose --port") from None
        host, port = self._runner.addresses[0][:2]
        self.url = self._desk.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def _every(self, seconds: Callable[[], float], work: Callable[[], None]) -> None:
        """`seconds` is read anew each time; 0 is never."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(min(seconds() or 0.2, 0.2))
            if seconds() and loop.time() - last >= seconds():
                last = loop.time()
                work()

    def _cut_off(self) -> None:
        made = self._clearing.cut_off(CutOffBody())
        log.info("cut-off %d: %s, %s", made.number, made.settlement, made.statement)

    def _resend(self) -> None:
        self._courier.send_now(list(self._desk.books.undelivered.values()))


def _journal(path: Path | None, books: Books) -> Journal:
    if path is None:
        return NoJournal()
    journal = FileJournal(path)
    with contextlib.ExitStack() as failed:
        failed.callback(journal.close)
        for entry in journal.read():
            books.apply(entry)
        failed.pop_all()
    return journal


@web.middleware
async def say_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return problem_page(refusal) if request.path.startswith("/pay/") else refused(refusal)

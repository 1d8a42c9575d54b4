"""Runs the web process: binds, says where, serves until SIGTERM or Ctrl-C, then leaves cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from app.checkout_links import load_checkout_links
from app.contracts.topics import WEBHOOK_RECORD_BYTES
from app.domain.streams import RECONCILIATION_MISMATCHES
from app.errors import ConfigurationError
from app.ingest.jobs import Jobs
from app.ingest.spool import own_folder
from app.kafka.publisher import RECORD_BYTES, Publisher
from app.kafka.reader import RangeReader
from app.kafka.tail import LogTail
from app.open_files import allow_many_files
from app.settings import Settings
from app.store.pool import open_pool
from web import logs
from web.application import build
from web.desk import Desk
from web.file_intake import Uploads
from web.ingress import STORED_WITHIN_SECONDS, Ingress, keys_of
from web.keys import load_hasher
from web.people import People
from web.rate_limits import DEFAULT_RATE, VARIABLE, RateLimits

KEEP_ALIVE_SECONDS: Final = 30.0
"""Also how long a connection may take to send its first request."""
LINGER_SECONDS: Final = 1.0
STOP_WITHIN_SECONDS: Final = 3.0


async def serve(settings: Settings, started: Callable[[str], None]) -> None:
    """`started` is called once with the URL, when requests are accepted."""
    logs.configure()
    allow_many_files()
    # Its lines repeat with every attempt; what matters of them is logged once by `web/ends.py`.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reader = RangeReader(settings.kafka_bootstrap_servers, client_id="tallystick-web", readers=1)
    tail = LogTail(
        settings.kafka_bootstrap_servers, RECONCILIATION_MISMATCHES, client_id="tallystick-web-mismatches"
    )
    ingress, publisher = _ingress(settings)
    requests = _publisher(settings, "tallystick-web-requests", RECORD_BYTES)
    pool = await open_pool(settings.database_url, settings.database_connections, "tallystick-web", at_start=0)
    try:
        hasher = load_hasher()
        app = build(
            pool,
            hasher,
            reader=reader,
            tail=tail,
            pages_open=settings.web_is_loopback,
            ingress=ingress,
            desk=Desk(pool, requests.publish_at, settings.partitions),
            uploads=_uploads(settings, pool),
            links=load_checkout_links(settings.public_url),
            rates=RateLimits(os.environ.get(VARIABLE, "").strip() or DEFAULT_RATE),
            people=People(settings.oidc, pool, hasher, settings.public_url) if settings.oidc else None,
        )
        runner = web.AppRunner(
            app,
            access_log=None,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=LINGER_SECONDS,
            shutdown_timeout=STOP_WITHIN_SECONDS,
        )
        await runner.setup()
        try:
            started(await _listen(runner, settings))
            await stop.wait()
        finally:
            await runner.cleanup()
    finally:
        await publisher.stop()
        await requests.stop()
        await _close(pool)


def _ingress(settings: Settings) -> tuple[Ingress, Publisher]:
    """It connects with the first webhook: the web serves everything else while Kafka is away."""
    publisher = _publisher(settings, "tallystick-web-in", WEBHOOK_RECORD_BYTES)
    keys = keys_of(settings.webhook_secrets)
    return Ingress(keys=keys, publish=publisher.publish, partitions=settings.partitions), publisher


def _uploads(settings: Settings, pool: Any) -> Uploads:
    folder = own_folder(settings.upload_dir)
    return Uploads(Jobs(pool, lambda: settings), folder, settings.upload_max_bytes)


def _publisher(settings: Settings, client_id: str, record_bytes: int) -> Publisher:
    return Publisher(
        settings.kafka_bootstrap_servers,
        client_id=client_id,
        record_bytes=record_bytes,
        timeout_seconds=STORED_WITHIN_SECONDS,
    )


async def _listen(runner: web.AppRunner, settings: Settings) -> str:
    site = web.TCPSite(runner, settings.web_bind, settings.web_port)
    try:
        await site.start()
    except OSError as error:
        address = f"{settings.web_bind}:{settings.web_port}"
        advice = "set TALLYSTICK_WEB_PORT or TALLYSTICK_WEB_BIND"
        raise ConfigurationError(f"cannot listen on {address} ({error.strerror}): {advice}") from None
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


async def _close(pool: object) -> None:
    """A query in flight may not keep the process: after a moment the connections are cut."""
    closing = pool.close()  # type: ignore[attr-defined]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP_WITHIN_SECONDS):
            await closing
            return
    pool.terminate()  # type: ignore[attr-defined]

"""Files handed in to a web process that is killed while it reads: each line once, nothing left on disk."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from app.contracts.topics import specs
from app.domain.streams import SETTLEMENTS_LINES
from app.kafka.reader import RangeReader
from app.settings import ROOT
from app.store.web_keys import add_key
from tests.support.source_files import line, written_as
from tests.support.topics import make_anew
from tests.support.waiting import eventually
from tests.web.test_files import configure, form
from tests.web.test_process import SECRET, environment
from web.keys import KeyHasher, make_key

pytestmark = [pytest.mark.stack, pytest.mark.slow]
ROWS = 60_000


@asynccontextmanager
async def web_process(
    kafka: str, database: str, folder: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    more = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "TALLYSTICK_UPLOAD_DIR": str(folder),
        "TALLYSTICK_PARTITIONS": "1",
    }
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "web", cwd=ROOT, env=environment(database) | more,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert started.stdout is not None
    told = (await asyncio.wait_for(started.stdout.readline(), 60)).decode()
    found = re.search(r"(http://127\.0\.0\.1:\d+)/", told)
    assert found, told
    yield started, found[1]
    if started.returncode is None:
        started.kill()
    await started.communicate()


async def ids_in_the_log(kafka: str) -> list[bytes]:
    reader = RangeReader(kafka, client_id="tests", readers=1)
    try:
        end = (await reader.end_offsets([(SETTLEMENTS_LINES, 0)]))[SETTLEMENTS_LINES, 0]
        records, _ = await reader.read(SETTLEMENTS_LINES, 0, 0, end, 10 * ROWS)
    finally:
        await reader.stop()
    return [found[1] for record in records if (found := re.search(rb'"line_id":"([^"]+)"', record.value))]


async def test_a_kill_while_a_file_is_read(kafka: str, database: str, pool: Any, tmp_path: Path) -> None:
    await make_anew(kafka, [spec for spec in specs(1) if spec.name == SETTLEMENTS_LINES])
    await configure(pool)
    key = make_key()
    await add_key(pool, key.id, KeyHasher([SECRET]).hash(key.token), "ingest", None)
    headers = {"Authorization": f"Bearer {key.token}", "Prefer": "respond-async"}
    body = written_as("csv", [line(n) for n in range(ROWS)])
    async with (
        web_process(kafka, database, tmp_path) as (web, url),
        ClientSession(headers=headers) as session,
    ):
        async with session.post(f"{url}/v1/files", data=form(body)) as response:
            assert response.status == 202
            where = response.headers["Location"]

        async def is_sending() -> bool:
            async with session.get(url + where) as response:
                progress = (await response.json())["items"][0]["progress"]
            return bool(progress and progress["stage"] == "sending" and progress["done"])

        await eventually(is_sending, 60, "part of the file is sent")
        web.kill()
        await web.wait()
    assert list(tmp_path.rglob("lines.csv"))
    await pool.execute("UPDATE files SET beat_at = beat_at - interval '1 minute'")
    async with web_process(kafka, database, tmp_path) as (_, url), ClientSession(headers=headers) as session:
        assert not list(tmp_path.rglob("lines.csv"))
        async with session.get(url + where) as response:
            assert (await response.json())["items"][0]["status"] == "interrupted"
        async with session.post(f"{url}/v1/files", data=form(body)) as response:
            assert response.status == 202

        async def is_done() -> Any:
            async with session.get(url + where) as response:
                found = (await response.json())["items"][0]
            return found if found["status"] == "done" else None

        found: Any = await eventually(is_done, 120, "the file is read")
        assert (found["rows"], found["sent"], found["quarantined"]) == (ROWS, ROWS, 0)
    sent = await ids_in_the_log(kafka)
    assert len(set(sent)) == ROWS
    assert len(sent) > ROWS  # what had been sent before the kill was sent again, under the same ids

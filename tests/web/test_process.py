"""`python -m app web` and `keys` as processes: the URL, signals, a busy port, keys made and revoked."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from app.errors import ConfigurationError
from app.settings import ROOT
from tests.support.waiting import eventually, free_port
from tests.web import rows
from web.keys import FILE_NAME, KeyHasher, load_hasher, make_key

SECRET = "0123456789abcdef0123456789abcdef"
NO_KAFKA = "127.0.0.1:9"


def environment(database: str, **more: str) -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("TALLYSTICK_")}
    settings = {
        "DATABASE_URL": database,
        "KAFKA_BOOTSTRAP_SERVERS": NO_KAFKA,
        "TALLYSTICK_KEY_SECRET": SECRET,
    }
    return {**known, **settings, "TALLYSTICK_WEB_PORT": "0", **more}


def run(database: str, *verb: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", *verb]
    return subprocess.run(
        command, env=environment(database, **more), cwd=ROOT, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
async def process(database: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A running web process and its URL. Kafka is not there."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "web",
        env=environment(database), cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert started.stdout is not None
    line = (await asyncio.wait_for(started.stdout.readline(), 30)).decode()
    found = re.fullmatch(r"tallystick web: (http://127\.0\.0\.1:\d+/)\n", line)
    assert found, line
    yield started, found[1]
    if started.returncode is None:
        started.kill()
    await started.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly_with_views_open(
    process: tuple[asyncio.subprocess.Process, str], number: signal.Signals
) -> None:
    web, url = process
    async with ClientSession() as session, session.get(f"{url}live") as stream:
        assert (await asyncio.wait_for(stream.content.readline(), 10)).startswith(b"retry:")
        began = asyncio.get_running_loop().time()
        web.send_signal(number)
        await asyncio.wait_for(stream.content.read(), 10)
        assert await asyncio.wait_for(web.wait(), 10) == 0
        assert asyncio.get_running_loop().time() - began < 8
    assert web.stderr is not None
    assert b"Traceback" not in await web.stderr.read()


async def test_it_serves_without_kafka(
    process: tuple[asyncio.subprocess.Process, str], pool: Any, database: str
) -> None:
    _, url = process
    await rows.positions(pool)
    made = await asyncio.to_thread(run, database, "keys", "create", "--role", "viewer")
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    async with ClientSession(headers=headers) as session:

        async def status() -> Any:
            async with session.get(f"{url}v1/status") as response:
                assert response.status == 200
                answer = await response.json()
            return answer if len(answer["partitions"]) == 6 else None

        answer: Any = await eventually(status, 10, "the look at the database after the rows came")
    assert {lane["lag"] for lane in answer["partitions"]} == {None}
    assert answer["kafka"] == {"reachable": False, "age_seconds": None}


def test_a_busy_port_is_said(database: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(database, "web", TALLYSTICK_WEB_PORT=str(port))
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "TALLYSTICK_WEB_PORT" in done.stderr
    assert "Traceback" not in done.stderr


class TestKeys:
    def test_create_list_revoke(self, database: str) -> None:
        assert "no keys yet" in run(database, "keys", "list").stdout
        made = run(database, "keys", "create", "--role", "operator")
        assert re.fullmatch(r"tally_[0-9a-f]{12}_[0-9a-f]{64}\n", made.stdout), made.stderr
        token = made.stdout.strip()
        run(database, "keys", "create", "--merchant", "m-1")
        listed = run(database, "keys", "list").stdout
        assert [line.split()[1] for line in listed.splitlines()] == ["operator", "merchant"]
        assert token not in listed
        key_id = token.split("_")[1]
        assert run(database, "keys", "revoke", key_id).returncode == 0
        assert "revoked" in run(database, "keys", "list").stdout.splitlines()[0]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["create"], "either --role or --merchant"),
            (["create", "--role", "viewer", "--merchant", "m-1"], "either --role or --merchant"),
            (["create", "--role", "king"], "'king' is not one of"),
            (["create", "--role", "merchant"], "'merchant' is not one of"),
            (["create", "--merchant", ""], "1 to 195 characters"),
            (["create", "--merchant", "x" * 196], "1 to 195 characters"),
            (["revoke", "nothing"], "there is no key 'nothing'"),
        ],
    )
    def test_wrong_use_is_said(self, database: str, arguments: list[str], words: str) -> None:
        done = run(database, "keys", *arguments)
        assert done.returncode == 2
        assert words in done.stderr

    def test_no_database(self) -> None:
        url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
        done = run(url, "keys", "list")
        assert done.returncode == 1
        assert done.stderr.startswith("tallystick: ")
        assert "Traceback" not in done.stderr

    def test_a_short_secret_is_refused(self, database: str) -> None:
        done = run(database, "keys", "create", "--role", "viewer", TALLYSTICK_KEY_SECRET="short")
        assert done.returncode == 2
        assert "TALLYSTICK_KEY_SECRET" in done.stderr


class TestSecret:
    def test_made_once_and_private(self, tmp_path: Path) -> None:
        token = make_key().token
        first = load_hasher({}, tmp_path / "new")
        assert load_hasher({}, tmp_path / "new").verify(token, first.hash(token))
        path = tmp_path / "new" / FILE_NAME
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(path.parent.iterdir()) == [path]

    def test_many_at_once_end_with_the_same(self, tmp_path: Path) -> None:
        token = make_key().token
        with ThreadPoolExecutor(8) as threads:
            hashers = list(threads.map(lambda _: load_hasher({}, tmp_path), range(16)))
        assert len({hasher.hash(token) for hasher in hashers}) == 1

    def test_the_environment_comes_first(self, tmp_path: Path) -> None:
        token = make_key().token
        named = load_hasher({"TALLYSTICK_KEY_SECRET": SECRET}, tmp_path)
        assert named.hash(token) == KeyHasher([SECRET]).hash(token)
        assert not (tmp_path / FILE_NAME).exists()

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ConfigurationError, match="TALLYSTICK_KEY_SECRET"):
            load_hasher({}, tmp_path / "file")

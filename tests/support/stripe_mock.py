"""Stripe's own mock of its API (github.com/stripe/stripe-mock): checks requests against the specification.

Built by Go into the cache below `.local/`, once; a machine without Go has none, and the tests say so.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.waiting import free_port, wait_for

MODULE = "github.com/stripe/stripe-mock@latest"
CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".local" / "go"
BUILD_SECONDS = 300


def installed() -> Path:
    """The program. Skips, with the reason, where Go is not there or cannot build it."""
    program = CACHE / "bin" / "stripe-mock"
    go = shutil.which("go")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            if go is None:
                pytest.skip("stripe-mock was not run: it is built by Go, and there is no `go` on the PATH")
            _build(go)
    return program


def _build(go: str) -> None:
    """All that Go writes goes below CACHE, the program alone stays; HOME may be empty or missing."""
    with TemporaryDirectory(dir=CACHE) as scratch:
        below = {name: f"{scratch}/{name.lower()}" for name in ("GOPATH", "GOCACHE", "HOME")}
        settings = {"GOBIN": str(CACHE / "bin"), "GOTMPDIR": scratch, "GOFLAGS": "-modcacherw"}
        done = subprocess.run(
            [go, "install", MODULE],
            env={**os.environ, **below, **settings},
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    if done.returncode:
        said = done.stderr.strip()[-300:]
        pytest.skip(f"stripe-mock was not run: `go install {MODULE}` failed: {said}")


@contextmanager
def stripe_mock() -> Iterator[str]:
    """Its address, while it runs."""
    program = installed()
    port = free_port()
    command = [str(program), "-http-addr", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: process.poll() is not None or _listens(port), 30, "stripe-mock listens")
        assert process.poll() is None, f"stripe-mock ended with {process.returncode}"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0

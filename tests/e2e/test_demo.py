"""The demo as a user starts it: servers of its own in an empty folder, a kill and a pause on the way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.demo.truth import CATEGORIES
from app.stack.local import DATABASE_VARIABLE, KAFKA_VARIABLE, LocalStack
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.stack, pytest.mark.slow]


def start_demo(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in (KAFKA_VARIABLE, DATABASE_VARIABLE, "TALLYSTICK_WEB_PORT")
    }
    command = [sys.executable, "-m", "app", "demo", "--dir", str(directory), *arguments]
    with (directory.parent / "demo.out").open("w") as output:
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True
        )


def printed(directory: Path) -> str:
    return (directory.parent / "demo.out").read_text(encoding="utf-8")


def running_in(directory: Path) -> list[str]:
    """Command lines or environments that name the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(directory) in text and int(process.name) != os.getpid():
            found.append(text[:120].decode("utf-8", "replace"))
    return found


def test_a_short_demo_agrees_with_itself_and_leaves_nothing_running(tmp_path: Path) -> None:
    directory = tmp_path / "stack"
    demo = start_demo(directory, "--seconds", "12", "--rate", "80", "--seed", "5")
    try:
        code = demo.wait(timeout=300)
        text = printed(directory)
        assert code == 0, text
        assert re.search(r"the page is at http://127\.0\.0\.1:\d+/", text)
        for words in (
            "is killed with SIGKILL",
            "is back after",
            "is paused with SIGSTOP",
            "took over its partitions",
        ):
            assert words in text
        for category in CATEGORIES:
            assert re.search(rf"{category} +([1-9]\d*) +\1 +ok", text), text
        assert re.search(r"webhooks stored +>= [1-9]\d\d+ +\d+ +ok", text), text
        assert "DIFFERS" not in text
        assert "everything agrees" in text
        assert running_in(directory) == []
    finally:
        demo.kill()
        LocalStack(directory).remove()


def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    directory = tmp_path / "stack"
    demo = start_demo(directory, "--rate", "50")
    try:
        wait_for(lambda: "merchants are open" in printed(directory), 120, "the stream")
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=60) == 130, printed(directory)
        assert running_in(directory) == []
    finally:
        demo.kill()
        LocalStack(directory).remove()

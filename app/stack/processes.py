"""Look at and end processes that an earlier run of this program started, known by pid and a mark.

A pid alone says little: after a reboot or a long pause it may belong to something else. So each of our
servers has a path of its own on its command line, and a pid counts only if that path is still there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

POLL_SECONDS = 0.02
EXEC_POLLS = 50
EXEC_POLL_SECONDS = 0.002


def command_line(pid: int) -> str:
    """The process's arguments joined by blanks; empty when there is no such process or it is a zombie."""
    if not Path("/proc/self/cmdline").exists():
        ps = ["ps", "-o", "command=", "-p", str(pid)]
        return subprocess.run(ps, capture_output=True, text=True, check=False).stdout.strip()
    # In the moment of its exec a living process shows no arguments.
    for _ in range(EXEC_POLLS):
        shown = _shown_arguments(pid)
        if shown or not _lives(pid):
            return shown
        time.sleep(EXEC_POLL_SECONDS)
    return ""


def _shown_arguments(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _lives(pid: int) -> bool:
    """Whether there is such a process and it is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    except OSError:
        return False
    return state.split()[0] not in ("Z", "X")


def is_ours(pid: int | None, mark: str) -> bool:
    """Whether the process lives and has `mark`, one or several whole arguments, on its command line."""
    return pid is not None and pid > 1 and f" {mark} " in f" {command_line(pid)} "


def children(pid: int) -> list[int]:
    """The pids of the process's direct children."""
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(child) for child in listing.read_text(encoding="ascii").split()]
    except OSError:
        found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
        return [int(child) for child in found.stdout.split()]


def wait_until(condition: Callable[[], bool], within_seconds: float) -> bool:
    """Poll the condition until it holds (True) or the time is over (False)."""
    deadline = time.monotonic() + within_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def start_detached(command: Sequence[str], folder: Path, log: Path) -> int:
    """Start a server in `folder` that outlives this process, its output in `log`. Returns its pid.

    The log of the start before is kept beside it as `…previous.log`.

    The shell in between ends at once, so the server is nobody's child here: it leaves no zombie behind.
    """
    keep_previous(log)
    shell = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'
    started = subprocess.run(
        ["/bin/sh", "-c", shell, "sh", str(log), *command],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=folder,
        start_new_session=True,
    )
    return int(started.stdout)


def keep_previous(log: Path) -> None:
    """Move a log aside, so that what a start says is not mixed up with what the start before it said."""
    if log.exists():
        log.replace(log.with_suffix(".previous.log"))


def read_pid(path: Path) -> int | None:
    """The pid in the file's first line; None when there is no such file or no number in it."""
    try:
        return int(path.read_text(encoding="utf-8").splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process that may be gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def end(pid: int, mark: str, grace_seconds: float) -> bool:
    """TERM, then KILL when the grace is over. Returns False when KILL was needed."""
    send(pid, signal.SIGTERM)
    if wait_until(lambda: not is_ours(pid, mark), grace_seconds):
        return True
    kill(pid, mark)
    return False


def kill(pid: int, mark: str) -> None:
    """KILL, and wait until the process is gone."""
    send(pid, signal.SIGKILL)
    wait_until(lambda: not is_ours(pid, mark), 10)

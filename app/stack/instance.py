"""One supervised process: its group, its log, its restarts."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

STEADY_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0
GIVE_UP_AFTER = 8
KILL_SECONDS = 10.0


class Instance:
    """A command that should run (`wanted`) or not, and the process that runs it at the moment.

    One that ends within STEADY_SECONDS of its start counts as a quick end: each further one doubles the
    pause before the next start, and after GIVE_UP_AFTER in a row the instance has `failed` for good.
    """

    def __init__(
        self, program: str, name: str, command: Sequence[str], folder: Path, log: Path, env: Mapping[str, str]
    ) -> None:
        self.program = program
        self.name = name
        self.command = list(command)
        self.log = log
        self.wanted = True
        self.failed = False
        self.starts = 0
        self._folder = folder
        self._environment = dict(env)
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._quick_ends = 0
        self._not_before = 0.0
        self._end_was_seen = True
        self._forgiven = False

    @property
    def pid(self) -> int | None:
        """None while no process runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def is_alive(self) -> bool:
        return self.pid is not None

    def start(self) -> None:
        """Start the process in a session of its own, so that a Ctrl-C at the terminal reaches only us."""
        self.starts += 1
        self.wanted, self._end_was_seen, self._started_at = True, False, time.monotonic()
        with self.log.open("ab") as output:
            output.write(f"--- {self.name}, start {self.starts}, {datetime.now(UTC):%FT%TZ}\n".encode())
            output.flush()
            self._process = subprocess.Popen(
                self.command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def forgive_next_end(self) -> None:
        """The next end is somebody's wish: it says nothing about the program, and is followed by a start."""
        self._forgiven = True

    def send(self, number: signal.Signals) -> None:
        """Signal the whole process group; nothing if it is gone."""
        if self.pid is not None:
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                return

    def ask_to_end(self) -> None:
        """TERM, and CONT for one that is paused: it could not obey otherwise."""
        self.send(signal.SIGTERM)
        self.send(signal.SIGCONT)

    def wait_or_kill(self, deadline: float) -> bool:
        """Wait for its end until the monotonic deadline, then KILL. True when it ended by itself."""
        process = self._process
        if process is None:
            return True
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            process.wait(KILL_SECONDS)
            return False
        return True

    def ended_unasked(self) -> int | None:
        """The exit code, once, when it is time to start again a process that should have kept running."""
        process = self._process
        if process is None or process.poll() is None or not self.wanted or self.failed:
            return None
        if not self._end_was_seen:
            self._end_was_seen = True
            self._plan_next_start()
        if self.failed or time.monotonic() < self._not_before:
            return None
        return process.returncode

    def _plan_next_start(self) -> None:
        quick = time.monotonic() - self._started_at < STEADY_SECONDS and not self._forgiven
        self._forgiven = False
        self._quick_ends = self._quick_ends + 1 if quick else 0
        self.failed = self._quick_ends >= GIVE_UP_AFTER
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**self._quick_ends) if quick else 0.0
        self._not_before = time.monotonic() + pause

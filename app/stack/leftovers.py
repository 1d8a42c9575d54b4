"""What a runner that was killed itself left running: ended before the next one starts.

An orphaned worker would go on taking records beside the new ones, from an old version of the program.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.stack import processes
from app.stack.errors import StackError

RUNNER = "runner"


class Leftovers:
    """A file with the pids and command lines of the runner and of the processes it started."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, running: Mapping[str, tuple[int, Sequence[str]]]) -> None:
        """Write down what runs now: instance name → pid and command.

        The command comes from who started it: a process that was started this moment may not show it yet.
        """
        rows = {name: {"pid": pid, "command": " ".join(command)} for name, (pid, command) in running.items()}
        rows[RUNNER] = {"pid": os.getpid(), "command": processes.command_line(os.getpid())}
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(rows, indent=1), encoding="utf-8")
        fresh.replace(self._path)

    def end_all(self) -> None:
        """KILL each noted process that still lives, and forget them all.

        Raises StackError when their runner lives too: then nothing was left behind.
        """
        alive = self._alive()
        runner = alive.pop(RUNNER, None)
        if runner is not None:
            raise StackError(f"process {runner} is running these programs already ({self._path.parent})")
        for pid in alive.values():
            processes.send(pid, signal.SIGKILL)
        processes.wait_until(lambda: not any(map(processes.command_line, alive.values())), 10)
        self.clear()

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)

    def _alive(self) -> dict[str, int]:
        """The noted pids that still run the noted command."""
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            noted = {str(name): (int(row["pid"]), str(row["command"])) for name, row in rows.items()}
        except (OSError, ValueError, AttributeError, KeyError, TypeError):
            return {}
        return {name: pid for name, (pid, command) in noted.items() if processes.is_ours(pid, command)}

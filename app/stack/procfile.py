"""Run the programs of a Procfile as a supervisor would: several of each, restarted when they end unasked.

Each instance (`worker.1`, `worker.2` …) is a process group of its own with its output in a file, and is
told who it is by TALLYSTICK_WORKER_ID and TALLYSTICK_DATA_DIR. All methods are plain functions that block
for a short time only, except `stop`, `terminate` and `wait_ready`; asyncio programs call those in a thread.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from app.errors import TallystickError
from app.stack import processes
from app.stack.instance import Instance
from app.stack.leftovers import Leftovers
from app.stack.reasons import last_words

SUPERVISE_SECONDS = 0.1
TERM_SECONDS = 10.0


class ProcfileError(TallystickError):
    """A Procfile that cannot be read, or a program of it that does not come up."""


def read_procfile(path: Path) -> dict[str, list[str]]:
    """Program name → command and arguments. Raises ProcfileError naming the line that is wrong."""
    programs: dict[str, list[str]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, command = line.partition(":")
        if not colon or not name.strip() or not command.strip():
            raise ProcfileError(f"{path}, line {number}: expected `name: command`, found {line!r}")
        programs[name.strip()] = shlex.split(command)
    return programs


class ProcfileRunner:
    """Starts, watches and ends the instances of a Procfile's programs.

    `root` is the folder the commands run in, `logs` the one for output and for each instance's data,
    `environment` is added to our own. `on_restart(name, exit_code)` is called when one ended unasked.
    """

    def __init__(
        self,
        procfile: Path,
        logs: Path,
        environment: Mapping[str, str] | None = None,
        on_restart: Callable[[str, int], None] = lambda name, exit_code: None,
        term_seconds: float = TERM_SECONDS,
    ) -> None:
        self._programs = read_procfile(procfile)
        self._root = procfile.absolute().parent
        self._logs = logs.absolute()
        self._environment = {**os.environ, **(environment or {})}
        self._on_restart = on_restart
        self._term_seconds = term_seconds
        self._instances: dict[str, Instance] = {}
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None
        self._leftovers = Leftovers(self._logs / "processes.json")

    def __enter__(self) -> ProcfileRunner:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def names(self) -> list[str]:
        """The instances in the order of their start."""
        return list(self._instances)

    def start(self, program: str, count: int = 1) -> list[str]:
        """Start `count` more instances of a program, and return their names. Does not wait for them."""
        if program not in self._programs:
            raise ProcfileError(f"the Procfile has no program {program!r}, only {', '.join(self._programs)}")
        with self._lock:
            self._begin()
            have = sum(1 for instance in self._instances.values() if instance.program == program)
            names = [f"{program}.{have + number}" for number in range(1, count + 1)]
            for name in names:
                self._instances[name] = self._instance(program, name)
                self._launch(self._instances[name])
        return names

    def restart(self, name: str) -> None:
        """Start an instance that was terminated or killed for good; nothing if it runs."""
        with self._lock:
            instance = self._get(name)
            if not instance.is_alive():
                self._launch(instance)

    def pid(self, name: str) -> int | None:
        """The pid of an instance's own process, None while it is down."""
        with self._lock:
            return self._get(name).pid

    def is_alive(self, name: str) -> bool:
        return self.pid(name) is not None

    def starts(self, name: str) -> int:
        """How often the instance was started, the first time included."""
        return self._get(name).starts

    def log(self, name: str) -> Path:
        """The file with all the instance's output, over its restarts."""
        return self._get(name).log

    def kill(self, name: str, come_back: bool = True) -> None:
        """SIGKILL an instance's process group; the supervisor starts it again unless `come_back` is False."""
        with self._lock:
            instance = self._get(name)
            instance.wanted = come_back
            instance.forgive_next_end()
            instance.send(signal.SIGKILL)

    def pause(self, name: str) -> None:
        """SIGSTOP: the process stands still, with its connections open."""
        with self._lock:
            self._get(name).send(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """SIGCONT: it goes on where it was stopped."""
        with self._lock:
            self._get(name).send(signal.SIGCONT)

    def terminate(self, name: str) -> bool:
        """End an instance for good: TERM, then KILL after `term_seconds`. False when KILL was needed."""
        instance = self._get(name)
        with self._lock:
            instance.wanted = False
            instance.ask_to_end()
        return instance.wait_or_kill(time.monotonic() + self._term_seconds)

    def wait_ready(self, name: str, is_ready: Callable[[], bool], within_seconds: float) -> None:
        """Return when `is_ready()` holds; ProcfileError when the instance fails for good or is too slow."""
        instance = self._get(name)
        processes.wait_until(lambda: instance.failed or is_ready(), within_seconds)
        if instance.failed:
            raise ProcfileError(
                f"{name} ended again and again: {last_words(instance.log)} (see {instance.log})"
            )
        if not is_ready():
            words = last_words(instance.log)
            raise ProcfileError(
                f"{name} was not ready after {within_seconds} s: {words} (see {instance.log})"
            )

    def stop(self) -> list[str]:
        """End all, in the reverse order of their start, and return the names of those that needed KILL.

        One program's instances end together, so that workers do not hand partitions to each other.
        """
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join()
        killed: list[str] = []
        for program in reversed(self._started_programs()):
            group = [each for each in self._instances.values() if each.program == program]
            for instance in group:
                instance.wanted = False
                instance.ask_to_end()
            deadline = time.monotonic() + self._term_seconds
            killed += [each.name for each in group if not each.wait_or_kill(deadline)]
        self._leftovers.clear()
        return killed

    def _begin(self) -> None:
        """Before the first start: end what a killed runner left behind, and begin to watch."""
        if self._watcher is None:
            self._logs.mkdir(parents=True, exist_ok=True)
            self._leftovers.end_all()
            self._watcher = threading.Thread(target=self._supervise, name="procfile", daemon=True)
            self._watcher.start()

    def _instance(self, program: str, name: str) -> Instance:
        data = self._logs / name
        data.mkdir(parents=True, exist_ok=True)
        identity = {"TALLYSTICK_WORKER_ID": name, "TALLYSTICK_DATA_DIR": str(data)}
        environment = {**self._environment, **identity}
        return Instance(
            program, name, self._programs[program], self._root, self._logs / f"{name}.log", environment
        )

    def _launch(self, instance: Instance) -> None:
        try:
            instance.start()
        except OSError as error:
            instance.failed = True
            raise ProcfileError(
                f"cannot start {instance.name}: {instance.command[0]}: {error.strerror}"
            ) from error
        alive = ((each.name, each.pid, each.command) for each in self._instances.values())
        self._leftovers.note({name: (pid, command) for name, pid, command in alive if pid is not None})

    def _supervise(self) -> None:
        while not self._stopping.wait(SUPERVISE_SECONDS):
            for name, exit_code in list(self._ended_unasked()):
                self._on_restart(name, exit_code)

    def _ended_unasked(self) -> Iterator[tuple[str, int]]:
        """Start again what should run and does not, with growing pauses for what ends at once."""
        with self._lock:
            for instance in self._instances.values():
                exit_code = instance.ended_unasked()
                if exit_code is not None:
                    with contextlib.suppress(ProcfileError):
                        self._launch(instance)
                    yield instance.name, exit_code

    def _started_programs(self) -> list[str]:
        return list(dict.fromkeys(instance.program for instance in self._instances.values()))

    def _get(self, name: str) -> Instance:
        if name not in self._instances:
            raise ProcfileError(
                f"no instance {name!r} was started, only {', '.join(self._instances) or 'none'}"
            )
        return self._instances[name]

"""CPU time and memory of other processes, from Linux's /proc."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Cpu(NamedTuple):
    """Seconds of user and system time since the processes began."""

    worker: float
    postgres: float
    broker: float

    def per_record(self, before: Cpu, records: int) -> Cpu:
        """Microseconds per record since `before`."""
        return Cpu(*((now - then) / records * 1e6 for now, then in zip(self, before, strict=True)))


def cpu_of(worker: int | None, postgres: int | None, broker: int | None) -> Cpu:
    return Cpu(seconds(worker), family_seconds(postgres), seconds(broker))


def seconds(pid: int | None) -> float:
    """User and system time of one process; 0 where it is gone."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0.0


def family_seconds(pid: int | None) -> float:
    """A process, its living children, and those it has buried."""
    fields = _stat(pid)
    if not fields:
        return 0.0
    buried = (int(fields[13]) + int(fields[14])) / TICKS
    return seconds(pid) + buried + sum(seconds(child) for child in _children(pid))


def rss_megabytes(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * PAGE / 1e6
    except OSError:
        return 0.0


def _children(pid: int | None) -> list[int]:
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [number for number in numbers if (fields := _stat(number)) and int(fields[1]) == pid]


def _stat(pid: int | None) -> list[str]:
    """Fields of /proc/PID/stat after the name: [0] is the state, [1] the parent's pid."""
    if pid is None:
        return []
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return []

"""The journal: one JSON line per operation, appended before it is answered. A restart reads it back.

A line survives the end of the process, however it comes; the machine's it survives as far as the system
wrote it. A line cut short by a kill belongs to an operation that was never answered: it is taken off.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from app.errors import ConfigurationError
from app.sandbox.objects import Entry


class Journal(Protocol):
    def write(self, entry: Entry) -> None: ...

    def close(self) -> None: ...


class NoJournal:
    """Books that end with their process."""

    def write(self, entry: Entry) -> None:
        return None

    def close(self) -> None:
        return None


class FileJournal:
    """Only one process at a time may have a file open: another gets a ConfigurationError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise ConfigurationError(f"{path} is in use by another sandbox") from None
        self._encoder = msgspec.json.Encoder()

    def read(self) -> Iterator[Entry]:
        """Everything written so far. Raises ConfigurationError for a line that is no entry."""
        decoder = msgspec.json.Decoder(Entry)
        whole = 0
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                try:
                    yield decoder.decode(line)
                except ValueError as error:
                    raise ConfigurationError(f"{self._path} line {number} is no entry: {error}") from None
        os.ftruncate(self._file, whole)

    def write(self, entry: Entry) -> None:
        line = self._encoder.encode(entry) + b"\n"
        written = os.write(self._file, line)
        if written != len(line):
            raise OSError(f"{self._path}: only {written} of {len(line)} bytes were written")

    def close(self) -> None:
        os.close(self._file)

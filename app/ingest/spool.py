"""Where files lie that were handed in over HTTP, until they are read: one folder per hash and source."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import socket
import tempfile
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from app.formats.files import Scan

WRITE_BYTES: Final = 1024 * 1024
NAME_CHARACTERS: Final = 120
UNSAFE: Final = re.compile(r"[^\w .()+=,@-]", re.ASCII)


class Spooled(NamedTuple):
    """A whole file on disk. `name`: what its sender calls it; `path` ends with it, as far as that is safe."""

    path: Path
    name: str
    scan: Scan


class TooLarge(Exception):
    """More bytes than are taken."""


class Spooling:
    """Takes the bytes of one file as they come: `add` in order, then `keep`; `drop` in any case."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most = folder, most_bytes
        self._digest, self._size = hashlib.sha256(), 0
        self._waiting = bytearray()
        self._file: BinaryIO | None = None
        self._place: Path | None = None

    async def add(self, piece: bytes) -> None:
        """Raises TooLarge, OSError."""
        self._size += len(piece)
        if self._size > self._most:
            raise TooLarge
        self._waiting += piece
        if len(self._waiting) >= WRITE_BYTES:
            await asyncio.to_thread(self._write)

    async def keep(self, name: str) -> Spooled:
        """The whole file is there. Raises OSError."""
        return await asyncio.to_thread(self._keep, name)

    def drop(self) -> None:
        """What was not kept is deleted."""
        if self._file is not None:
            self._file.close()
        if self._place is not None:
            shutil.rmtree(self._place, ignore_errors=True)
            self._place = None

    def _write(self) -> None:
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._place = Path(tempfile.mkdtemp(dir=self._folder))
            self._file = (self._place / "incoming").open("xb")
        self._digest.update(self._waiting)
        self._file.write(self._waiting)
        self._waiting.clear()

    def _keep(self, name: str) -> Spooled:
        self._write()
        assert self._file is not None
        assert self._place is not None
        self._file.close()
        path = self._place / (UNSAFE.sub("_", Path(name).name).strip(". ")[-NAME_CHARACTERS:] or "file")
        os.replace(self._place / "incoming", path)
        self._place = None
        return Spooled(path, name, Scan(self._digest.digest(), self._size))


def discard(spooled: Spooled) -> None:
    """It was read, or is not going to be."""
    shutil.rmtree(spooled.path.parent, ignore_errors=True)


def own_folder(base: Path) -> Path:
    """This process's; what processes of this host that ended have left behind is deleted.

    Whoever sent that hands it in again.
    """
    host = socket.gethostname()
    for place in base.glob(f"{host}-*"):
        if not _is_alive(place.name.removeprefix(f"{host}-")):
            shutil.rmtree(place, ignore_errors=True)
    return base / f"{host}-{os.getpid()}"


def _is_alive(pid: str) -> bool:
    """Another user's process is alive as well; what is no number belongs to nobody."""
    if not pid.isdecimal() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True

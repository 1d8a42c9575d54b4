"""The ports of a local stack, kept in DIR so that its addresses stay the same from one start to the next."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from app.stack.errors import PortBusy, StackError
from app.stack.ports import free_port, is_free


@dataclass(frozen=True)
class Kept:
    """A port, and whether somebody asked for this very number."""

    port: int
    asked_for: bool


class PortBook:
    """What `ports.json` says; a file that cannot be read counts as none, its ports are chosen anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[str, Kept] = self._load()

    def get(self, name: str) -> int | None:
        kept = self._kept.get(name)
        return kept.port if kept else None

    def settle(self, name: str, title: str, asked: int | None, option: str, running: bool) -> None:
        """Decide a server's port.

        A running server keeps its port: StackError if another was asked for. A number that was asked for, now
        or earlier, must be free: PortBusy. One that we chose ourselves is chosen again if it is taken.
        """
        kept = self._kept.get(name)
        if running and kept:
            if asked not in (None, kept.port):
                raise StackError(f"{title} runs on port {kept.port}; stop it first to move it to {asked}")
            return
        if asked is not None:
            kept = Kept(asked, asked_for=True)
        if kept is None or not (kept.asked_for or is_free(kept.port)):
            kept = Kept(self._unused_port(), asked_for=False)
        if not is_free(kept.port):
            raise PortBusy(title, kept.port, option)
        self._kept[name] = kept

    def save(self) -> None:
        fresh = self._path.with_suffix(".new")
        text = json.dumps({name: asdict(kept) for name, kept in self._kept.items()}, indent=1)
        fresh.write_text(f"{text}\n", encoding="ascii")
        fresh.replace(self._path)

    def _unused_port(self) -> int:
        taken = {kept.port for kept in self._kept.values()}
        while (port := free_port()) in taken:
            pass
        return port

    def _load(self) -> dict[str, Kept]:
        try:
            stored = json.loads(self._path.read_text(encoding="ascii"))
            return {name: Kept(int(row["port"]), bool(row["asked_for"])) for name, row in stored.items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}

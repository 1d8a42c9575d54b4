"""Where a client is in the log of mismatches, as the `id:` of server-sent events: an offset per partition."""

from __future__ import annotations

import re
from typing import Final

Positions = tuple[int, ...]
"""Per partition, the offset of the next record."""
MARK: Final = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18}){0,999}")


def write_mark(positions: Positions) -> str:
    """(12, 0, 5) -> `12.0.5`."""
    return ".".join(map(str, positions))


def read_mark(text: str) -> Positions | None:
    """None for anything that `write_mark` did not make."""
    return tuple(map(int, text.split("."))) if MARK.fullmatch(text) else None

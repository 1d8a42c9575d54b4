"""The header `Retry-After` (RFC 9110, 10.2.3) as seconds from now."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_SECONDS: Final = 24 * 60 * 60.0
"""Whatever the other side says: an effect has a schedule of its own, too."""


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """From 0 to a day; None where there is none or it cannot be read."""
    text = (header or "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), LONGEST_SECONDS)
    try:
        until = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return float(min(max(math.ceil((until - now).total_seconds()), 0), LONGEST_SECONDS))

"""The headers of a request that asks for something: `Idempotency-Key` and `Prefer: wait=`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from multidict import MultiMapping

from web.problems import invalid

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
KEY_PATTERN: Final = "^[!-~]([ -~]{0,253}[!-~])?$"
"""1 to 255 printable ASCII characters; no blank at either end, where HTTP drops it."""
KEY: Final = re.compile(KEY_PATTERN.strip("^$"))
WAIT: Final = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?([0-9]{1,6})\"?\s*(?=$|[,;])", re.IGNORECASE)
AT_ONCE: Final = re.compile(r"(?:^|[,;])\s*respond-async\s*(?=$|[,;])", re.IGNORECASE)
WAIT_SECONDS: Final = 2.0
MOST_WAIT_SECONDS: Final = 10.0


def read_key(headers: MultiMapping[str]) -> str:
    """The one `Idempotency-Key`. Raises Problem `invalid_parameter`."""
    given = headers.getall(IDEMPOTENCY_KEY, [])
    if not given:
        raise invalid(IDEMPOTENCY_KEY, "is required: the same one again makes nothing twice")
    if len(given) > 1 or not KEY.fullmatch(given[0]):
        raise invalid(IDEMPOTENCY_KEY, "must be one text of 1 to 255 printable ASCII characters")
    return given[0]


def read_wait(headers: Mapping[str, str]) -> float:
    """Seconds of `Prefer: wait=` (RFC 7240), 2 without one; what is not understood is ignored."""
    wanted = headers.get("Prefer", "")
    found = WAIT.search(wanted)
    if found:
        return min(float(found[1]), MOST_WAIT_SECONDS)
    return 0.0 if AT_ONCE.search(wanted) else WAIT_SECONDS

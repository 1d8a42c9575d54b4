"""The headers of a request that asks for something: `Idempotency-Key` and `Prefer: wait=`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

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


class Wait(NamedTuple):
    """How long the caller waits for the outcome. `applied`: the preference that said so, as understood."""

    seconds: float = WAIT_SECONDS
    applied: str | None = None


def read_wait(headers: Mapping[str, str]) -> Wait:
    """`Prefer: wait=` (RFC 7240); what is not understood is ignored."""
    wanted = headers.get("Prefer", "")
    found = WAIT.search(wanted)
    if found:
        seconds = min(float(found[1]), MOST_WAIT_SECONDS)
        return Wait(seconds, f"wait={seconds:.0f}")
    return Wait(0.0, "respond-async") if AT_ONCE.search(wanted) else Wait()

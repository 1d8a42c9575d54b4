"""What a PSP's webhooks are to the rest of the program: one `Adapter`, the same shape for all PSPs.

A file of this package that has an `ADAPTER` is a PSP. `verify` runs in the web process before anything is
stored and says only yes or no; `parse` runs behind the log, so that a mistake in it can be replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

import msgspec

from app.access import Access as Access
from app.domain.psp_calls import PspAnswer, PspCall
from app.domain.psp_facts import PspFact

TOLERANCE_SECONDS: Final = 300
"""How far a signed time stamp may lie from our clock, before or after it (Stripe, Standard Webhooks)."""

Headers = Mapping[str, str]
"""Names in lower case."""
Parsed = Sequence[tuple[str, PspFact]]
"""(event id, fact); the facts of one event share its id and keep their order."""


class Unreadable(Exception):
    """A verified body that this adapter cannot turn into facts; the text says what and where."""


class EventIgnored(Exception):
    """An event that rightly brings no fact; the text says why."""


class Reply(NamedTuple):
    """What the PSP wants to hear once its delivery is stored."""

    body: bytes = b""
    content_type: str = "text/plain"


class Caller(Protocol):
    """One PSP's API. `perform` never raises for what a PSP answers, or does not: that is an answer too."""

    async def perform(self, call: PspCall) -> PspAnswer: ...


@runtime_checkable
class LateCaller(Caller, Protocol):
    """One that can also repeat a call whose idempotency key its PSP has forgotten: it looks first."""

    async def perform_late(self, call: PspCall) -> PspAnswer: ...


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """One PSP. `name` is that of its file, its URL `/webhooks/{name}` and of its facts' `psp`."""

    name: str
    headers: tuple[str, ...]
    """The request's headers that `verify` and `parse` look at; these are stored, no others."""
    key: Callable[[str], bytes]
    """A secret as the PSP shows it -> the key. Raises ValueError, without the secret in its text."""
    verify: Callable[[Headers, bytes, Sequence[bytes], float], bool]
    """(headers, raw body, keys, now in epoch seconds) -> whether one of the live keys signed this.

    Never raises, whatever the bytes; secrets are compared in constant time.
    """
    parse: Callable[[Headers, bytes], Parsed]
    """At least one fact. Raises Unreadable or EventIgnored."""
    reply: Reply = Reply()
    ignored: Mapping[str, str]
    """Event type, or a family `payout.*`, -> why it brings no fact."""
    connect: Callable[[Access, Any], Caller] | None = None
    """(access, aiohttp's ClientSession, which the caller neither makes nor closes) -> its API.

    None: this PSP only speaks to us.
    """
    keys_kept: timedelta | None = None
    """How long the PSP surely knows an idempotency key again; None: for ever."""


def why_ignored(ignored: Mapping[str, str], event_type: str) -> str | None:
    """The reason why events of this type bring no fact; None where the type is not listed."""
    if event_type in ignored:
        return ignored[event_type]
    parts = event_type.split(".")
    families = (".".join([*parts[:length], "*"]) for length in range(len(parts) - 1, 0, -1))
    return next((ignored[family] for family in families if family in ignored), None)

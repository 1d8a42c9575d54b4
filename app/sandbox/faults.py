"""What goes wrong, how often, and with which request: settable, and the same for the same seed.

A draw is a hash of the seed and of what it is drawn for (the idempotency key and the number of the attempt, a
webhook's id), not the next number of a sequence: so it does not depend on the order in which requests arrive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from app.errors import ConfigurationError
from app.sandbox.tokens import TOKENS

Rate = Annotated[float, Meta(ge=0, le=1)]
"""Of all: 0.05 is one in twenty."""
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Before = Literal["throttle", "timeout", "error"]
After = Literal["timeout", "error"]


class Faults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rates are 0 unless set. Faults of requests exclude each other: their rates sum to 1 at most."""

    timeouts_before: Rate = 0.0
    """No answer, and nothing happened."""
    timeouts_after: Rate = 0.0
    """No answer, though it happened."""
    errors_before: Rate = 0.0
    errors_after: Rate = 0.0
    """500 though it happened."""
    throttled: Rate = 0.0
    """429 with Retry-After."""
    retry_after_seconds: Annotated[int, Meta(ge=0, le=3600)] = 1
    hang_seconds: Seconds = 30.0
    """How long a request that times out is held before its connection is cut."""
    latency_ms: Annotated[float, Meta(ge=0, le=600_000)] = 0.0
    latency_spread_ms: Annotated[float, Meta(ge=0, le=600_000)] = 0.0
    """On top, evenly spread from 0."""
    slow_seconds: Seconds = 5.0
    """Of the token for slow answers."""
    webhooks_late: Rate = 0.0
    late_seconds: Seconds = 10.0
    """At most so late."""
    webhooks_twice: Rate = 0.0
    webhooks_reordered: Rate = 0.0
    reorder_seconds: Seconds = 1.0
    """Held back at most so long, so that later ones overtake it."""
    webhooks_never: Rate = 0.0
    """Not sent until they are asked for (`POST /_control/resend`), or `resend_every_seconds`."""
    resend_every_seconds: Seconds = 0.0
    """0: only when asked."""
    payout_delay_seconds: Seconds = 1.0
    payouts_failing: Rate = 0.0
    payouts_returned: Rate = 0.0
    return_delay_seconds: Seconds = 1.0
    refunds_failing: Rate = 0.0
    """Sent back by the payer's bank after they had succeeded."""
    refund_delay_seconds: Seconds = 1.0
    """Until they are sent back."""


class Trouble(NamedTuple):
    """What goes wrong with one request: nothing, or one thing before or after it takes effect."""

    latency_seconds: float = 0.0
    before: Before | None = None
    after: After | None = None


class Chance:
    def __init__(self, seed: int) -> None:
        self._seed = seed

    def draw(self, what: str, key: str) -> float:
        """From 0 to 1 (exclusive)."""
        name = f"{self._seed}/{what}/{key}".encode("utf-8", "surrogateescape")
        return int.from_bytes(hashlib.blake2b(name, digest_size=7).digest()) / 2**56

    def happens(self, rate: float, what: str, key: str) -> bool:
        return rate > 0 and self.draw(what, key) < rate

    def pick(self, count: int, what: str, key: str) -> int:
        """One of 0 … count - 1."""
        return int(self.draw(what, key) * count)


def trouble(faults: Faults, chance: Chance, key: str, attempt: int, token: str | None = None) -> Trouble:
    """Of the `attempt`-th request (from 1 on) with this key."""
    drawn = f"{key}#{attempt}"
    spread = chance.draw("latency", drawn) * faults.latency_spread_ms
    latency = (faults.latency_ms + spread) / 1000
    hitch = TOKENS[token].hitch if token in TOKENS and attempt == 1 else None
    if hitch == "slow":
        return Trouble(latency + faults.slow_seconds)
    if hitch is not None:
        return _HITCHES[hitch]._replace(latency_seconds=latency)
    return _drawn(faults, chance.draw("request", drawn))._replace(latency_seconds=latency)


_HITCHES: Mapping[str, Trouble] = {
    "timeout_after": Trouble(after="timeout"),
    "error_after": Trouble(after="error"),
    "error_before": Trouble(before="error"),
}


def _drawn(faults: Faults, drawn: float) -> Trouble:
    for rate, found in (
        (faults.throttled, Trouble(before="throttle")),
        (faults.timeouts_before, Trouble(before="timeout")),
        (faults.errors_before, Trouble(before="error")),
        (faults.timeouts_after, Trouble(after="timeout")),
        (faults.errors_after, Trouble(after="error")),
    ):
        if drawn < rate:
            return found
        drawn -= rate
    return Trouble()


def deliveries(faults: Faults, chance: Chance, notice_id: str) -> list[float]:
    """After how many seconds a webhook is delivered; twice where it is repeated, none where it never is."""
    if chance.happens(faults.webhooks_never, "never", notice_id):
        return []
    delay = 0.0
    if chance.happens(faults.webhooks_late, "late", notice_id):
        delay = faults.late_seconds * (1 - chance.draw("how late", notice_id))
    elif chance.happens(faults.webhooks_reordered, "reordered", notice_id):
        delay = faults.reorder_seconds * (1 - chance.draw("how late", notice_id))
    if chance.happens(faults.webhooks_twice, "twice", notice_id):
        return [delay, delay + chance.draw("again", notice_id)]
    return [delay]


def parse_faults(texts: tuple[str, ...]) -> Faults:
    """`NAME=VALUE,NAME=VALUE` as on the command line. Raises ConfigurationError that names what is wrong."""
    values: dict[str, Any] = {}
    for pair in filter(None, (part.strip() for text in texts for part in text.split(","))):
        name, _, value = pair.partition("=")
        try:
            values[name] = msgspec.json.decode(value)
        except ValueError:
            raise ConfigurationError(f"--faults: {pair!r} is not NAME=NUMBER") from None
    return checked(values)


def checked(values: Mapping[str, Any]) -> Faults:
    """Raises ConfigurationError."""
    try:
        faults = msgspec.convert(dict(values), Faults)
    except msgspec.ValidationError as wrong:
        raise ConfigurationError(
            f"faults: {wrong}; known are {', '.join(Faults.__struct_fields__)}"
        ) from None
    of_requests = ("throttled", "timeouts_before", "timeouts_after", "errors_before", "errors_after")
    if sum(getattr(faults, name) for name in of_requests) > 1:
        raise ConfigurationError(f"faults: {', '.join(of_requests)} must sum to 1 at most")
    return faults

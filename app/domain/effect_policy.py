"""How hard an effect is tried: pauses between attempts, deadlines, limits of one target. Data, with defaults.

`platform.configure`'s `effects` may set any of it: for a kind (`psp.call`, `webhook.delivery`), and for all
targets that begin with a name (`psp:sandbox`, `webhook:m-1`), which wins over its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final
from zlib import crc32

import msgspec
from msgspec import Meta

Seconds = Annotated[float, Meta(gt=0, le=10_000_000)]
JITTER: Final = 0.2
"""A pause is up to so much shorter or longer, so that what failed together does not come back together."""


class EffectLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one entry of `platform.configure.effects` may set; None leaves the kind's own value."""

    concurrency: Annotated[int, Meta(ge=1, le=1000)] | None = None
    """Attempts under way at one target."""
    per_second: Annotated[float, Meta(gt=0, le=100_000)] | None = None
    """Attempts begun per second at one target."""
    pauses_seconds: Annotated[tuple[Seconds, ...], Meta(min_length=1, max_length=50)] | None = None
    """After the first attempt, the second, and so on."""
    repeat_last_pause: bool | None = None
    """Whether attempts go on with the last pause until the deadline; else the effect is given up then."""
    deadline_seconds: Seconds | None = None
    """From the request: no attempt begins later."""
    timeout_seconds: Seconds | None = None
    """Of one attempt, where its kind has no time-out of its own."""
    breaker_failures: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    """So many failures in a row, and nothing is tried at the target for a while."""
    breaker_seconds: Seconds | None = None
    """How long, the first time; it doubles up to ten times this."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """All of `EffectLimits`, decided. `per_second` None: no limit."""

    concurrency: int
    per_second: float | None = None
    pauses_seconds: tuple[float, ...]
    repeat_last_pause: bool
    deadline_seconds: float
    timeout_seconds: float
    breaker_failures: int = 5
    breaker_seconds: float = 5.0

    @property
    def retry_after_at_most_seconds(self) -> float:
        """What the other side may ask for; a day's Retry-After must not outlast the deadline by mistake."""
        return max(3600.0, self.pauses_seconds[-1])


FIRST_PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
ALERT_PAUSES: Final = (*FIRST_PAUSES, 30.0, 60.0, 120.0)
DEFAULTS: Final[Mapping[str, Policy]] = {
    # What is unknown is asked again until it is known. PSPs keep idempotency keys for a day.
    "psp.call": Policy(
        concurrency=32,
        pauses_seconds=(*FIRST_PAUSES, 30.0),
        repeat_last_pause=True,
        deadline_seconds=23 * 3600.0,
        timeout_seconds=30.0,
    ),
    # Given up within half an hour: another channel is then tried, and what is late is no alert.
    "alert.slack": Policy(
        concurrency=2,
        per_second=1.0,  # Slack's own limit of an incoming webhook
        pauses_seconds=ALERT_PAUSES,
        repeat_last_pause=False,
        deadline_seconds=1800.0,
        timeout_seconds=15.0,
    ),
    "alert.email": Policy(
        concurrency=4,
        pauses_seconds=ALERT_PAUSES,
        repeat_last_pause=False,
        deadline_seconds=1800.0,
        timeout_seconds=30.0,
    ),
    "alert.webhook": Policy(
        concurrency=8,
        pauses_seconds=ALERT_PAUSES,
        repeat_last_pause=False,
        deadline_seconds=1800.0,
        timeout_seconds=15.0,
    ),
    "alert.digest": Policy(
        concurrency=1,
        pauses_seconds=(*FIRST_PAUSES, 60.0, 300.0),
        repeat_last_pause=True,
        deadline_seconds=12 * 3600.0,
        timeout_seconds=60.0,
    ),
    "webhook.delivery": Policy(
        concurrency=8,
        pauses_seconds=(*FIRST_PAUSES, 60.0, 300.0, 1800.0, 7200.0, 28_800.0, 28_800.0, 28_800.0),
        repeat_last_pause=False,
        deadline_seconds=4 * 86_400.0,
        timeout_seconds=15.0,
    ),
    # A look at the whole database: few at once, and long.
    "reconciliation.report": Policy(
        concurrency=2,
        pauses_seconds=(1.0, 5.0, 30.0, 120.0),
        repeat_last_pause=True,
        deadline_seconds=6 * 3600.0,
        timeout_seconds=900.0,
    ),
}


def policy_for(kind: str, target: str, configured: Mapping[str, EffectLimits]) -> Policy:
    """The kind's defaults, then what is configured for the kind, then for the target's name."""
    policy = DEFAULTS[kind]
    for name in (kind, target.partition("/")[0]):
        if (limits := configured.get(name)) is not None:
            policy = msgspec.structs.replace(policy, **_decided(limits))
    return policy


def _decided(limits: EffectLimits) -> dict[str, object]:
    return {name: value for name, value in msgspec.structs.asdict(limits).items() if value is not None}


def pause_after(policy: Policy, failures: int, effect_id: str, retry_after: float | None) -> timedelta | None:
    """How long to wait after the `failures`-th failure of a round (from 1); None: give up.

    The same for the same effect and failure, whoever asks and however often.
    """
    pauses = policy.pauses_seconds
    if failures > len(pauses) and not policy.repeat_last_pause:
        return None
    pause = pauses[min(failures, len(pauses)) - 1] * _jitter(f"{effect_id}/{failures}")
    asked = min(max(retry_after or 0.0, 0.0), policy.retry_after_at_most_seconds)
    return timedelta(seconds=max(pause, asked))


def _jitter(seed: str) -> float:
    return 1 - JITTER + 2 * JITTER * crc32(seed.encode()) / 2**32

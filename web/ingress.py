"""What `POST /webhooks/{psp}` needs from outside: the live keys of each PSP, and the log to store in."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from app.contracts.codec import encode
from app.domain.streams import PSP_WEBHOOKS
from app.domain.webhooks import WebhookReceived, received_body
from app.errors import ConfigurationError, TallystickError
from app.kafka.outgoing import Outgoing
from app.kafka.partitioner import partition_for
from app.psp.adapter import Adapter
from app.psp.registry import adapters
from app.settings import webhook_secrets_variable
from web.problems import Problem

STORED_WITHIN_SECONDS: Final = 7.0
"""Leaves time to read the body inside of the ten seconds that every answer has."""

log: Final = logging.getLogger(__name__)
Publish = Callable[[Sequence[Outgoing]], Awaitable[None]]


async def _nowhere(records: Sequence[Outgoing]) -> None:
    raise TallystickError("no log is configured")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """`keys`: PSP -> live keys; a PSP without any is not configured. `now`: epoch seconds."""

    keys: Mapping[str, Sequence[bytes]] = field(default_factory=dict, repr=False)
    publish: Publish = _nowhere
    partitions: int = 1
    now: Callable[[], float] = time.time

    async def store(self, adapter: Adapter, headers: Mapping[str, str], body: bytes) -> None:
        """Returns when the broker has acknowledged; raises Problem `kafka_unavailable` when it has not."""
        received = WebhookReceived(
            psp=adapter.name,
            headers={name: _storable(value) for name, value in headers.items()},
            received_at=datetime.fromtimestamp(self.now(), UTC),
            **received_body(body),
        )
        key = sha256(body).hexdigest().encode()
        record = Outgoing(PSP_WEBHOOKS, partition_for(key, self.partitions), key, encode(received))
        try:
            async with asyncio.timeout(STORED_WITHIN_SECONDS):
                await self.publish([record])
        except (TallystickError, TimeoutError) as error:
            log.warning("a webhook of %s was not stored: %r", adapter.name, error)
            raise Problem("kafka_unavailable", "send it again", {"Retry-After": "5"}) from None


def _storable(value: str) -> str:
    """Bytes that are no UTF-8 come as surrogates, which JSON cannot hold."""
    return value.encode("utf-8", "replace").decode()


def keys_of(secrets: Mapping[str, Sequence[str]]) -> dict[str, tuple[bytes, ...]]:
    """PSP -> keys. Raises ConfigurationError that names the variable, never the secret."""
    return {name: _keys(name, texts) for name, texts in secrets.items()}


def _keys(name: str, texts: Sequence[str]) -> tuple[bytes, ...]:
    variable, adapter = webhook_secrets_variable(name), adapters().get(name)
    if adapter is None:
        raise ConfigurationError(f"{variable}: there is no PSP {name!r}, only {', '.join(adapters())}")
    try:
        return tuple(adapter.key(text) for text in texts)
    except ValueError as error:
        raise ConfigurationError(f"{variable}: {error}") from None

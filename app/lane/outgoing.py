"""What a batch leaves to publish, in the form of its outbox row: one msgpack payload per batch."""

from collections.abc import Sequence
from typing import Final

import msgspec

from app.kafka.publisher import Outgoing

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[Outgoing])


def pack(records: Sequence[Outgoing]) -> bytes:
    """Empty bytes for no records: then no outbox row is written."""
    return _encoder.encode(records) if records else b""


def unpack(payload: bytes) -> list[Outgoing]:
    return _decoder.decode(payload)

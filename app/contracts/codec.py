"""Bytes on a topic <-> records: built once from the table of topics, nothing per record but the call itself.

Amounts are minor units, text is UTF-8, unknown fields are dropped. Encoding is deterministic: fields in the
order of the struct, keys of maps sorted, defaults left out. So "same content" is "same bytes once decoded
and encoded again", and `content_hash` stands for it.

Why bytes do not decode is one of `REASONS`; the text after it names the field:

    empty          no value at all, or blanks only
    not_utf8       text that is not UTF-8
    not_json       not one JSON document
    not_an_object  JSON, but not an object
    no_type        the object has no `type`, or it is no text
    unknown_type   no record of this topic has this `type`
    missing_field  a required field is not there
    wrong_field    a field of the wrong kind or outside its limits
    wrong_record   fields that are right one by one and contradict each other
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

import msgspec

from app.contracts.topics import TOPICS
from app.errors import TallystickError

REASONS: Final = (
    "empty",
    "not_utf8",
    "not_json",
    "not_an_object",
    "no_type",
    "unknown_type",
    "missing_field",
    "wrong_field",
    "wrong_record",
)
MAX_REASON_CHARACTERS: Final = 500
HASH_BYTES: Final = 16

_LOCATED: Final = re.compile(r"(?P<what>.*) - at `\$\.?(?P<path>.*)`", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<field>[^`]*)`")


class Undecodable(TallystickError):
    """These bytes are no record of this topic; `code` is one of `REASONS`, the text begins with it."""

    def __init__(self, code: str, detail: str) -> None:
        # PostgreSQL takes no NUL in text, and a reason may quote what was sent.
        reason = f"{code}: {detail}".replace("\x00", "\\x00")
        super().__init__(reason[:MAX_REASON_CHARACTERS])
        self.code = code


def decoder(topic: str) -> Callable[[bytes | None], Any]:
    """The decode function of one topic, for the hot path. It raises Undecodable."""
    decode_json = _DECODERS[topic].decode

    def decode(value: bytes | None) -> Any:
        try:
            return decode_json(value or b"")
        except ValueError as error:  # msgspec's errors and UnicodeDecodeError
            raise _undecodable(value, error) from None

    return decode


def decode(topic: str, value: bytes | None) -> Any:
    """The record that `value` is on `topic`. Raises Undecodable, KeyError for a topic without records."""
    return _DECODE[topic](value)


def encode(record: msgspec.Struct) -> bytes:
    """Deterministic JSON: equal records give equal bytes, on every machine and replay."""
    return _encode(record)


def content_hash(record: msgspec.Struct) -> bytes:
    """16 bytes that are equal for equal content; what a repeated id is compared by."""
    return blake2b(_encode(record), digest_size=HASH_BYTES).digest()


def _undecodable(value: bytes | None, error: ValueError) -> Undecodable:
    if value is None or not value.strip():
        return Undecodable("empty", "the record has no value")
    if isinstance(error, msgspec.ValidationError):
        return _invalid(str(error))
    try:
        value.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return Undecodable("not_utf8", f"byte {wrong.start} (0x{value[wrong.start]:02x})")
    return Undecodable("not_json", str(error))


def _invalid(message: str) -> Undecodable:
    located = _LOCATED.fullmatch(message)
    what, path = (located["what"], located["path"]) if located else (message, "")
    missing = _MISSING.fullmatch(what)
    if missing:
        field = ".".join(filter(None, (path, missing["field"])))
        return Undecodable("no_type", "no field") if field == "type" else Undecodable("missing_field", field)
    if path == "type":
        code = "unknown_type" if what.startswith("Invalid value") else "no_type"
        return Undecodable(code, what.removeprefix("Invalid value "))
    if path:
        return Undecodable("wrong_field", f"{path}: {what}")
    if what.startswith("Expected `object`"):
        return Undecodable("not_an_object", what)
    return Undecodable("wrong_record", what)


_encode = msgspec.json.Encoder(order="deterministic").encode
_DECODERS: Final = {topic.name: msgspec.json.Decoder(topic.records) for topic in TOPICS if topic.records}
_DECODE: Final = {name: decoder(name) for name in _DECODERS}

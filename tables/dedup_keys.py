"""How `dedup_keys` keeps an id that was committed: key hash(record key, id), value version + content hash.

A bounded window per partition: presence proves a duplicate, absence is answered by PostgreSQL.
"""

import struct
from hashlib import blake2b
from typing import Final

_VERSION: Final = struct.Struct(">q")
KEY_BYTES: Final = 16


def key_of(record_key: str, record_id: str) -> bytes:
    return blake2b(f"{record_key}\0{record_id}".encode(), digest_size=KEY_BYTES).digest()


def encode(content_hash: bytes, offset: int) -> bytes:
    return _VERSION.pack(offset) + content_hash


def content_hash_of(value: bytes, before: int) -> bytes | None:
    """None where the id stands at offset `before` or later, and for bytes this code did not write."""
    if len(value) <= _VERSION.size or _VERSION.unpack_from(value)[0] >= before:
        return None
    return value[_VERSION.size :]

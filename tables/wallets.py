"""How `wallets` keeps a merchant account's balance: key `account|currency`, value version + balance."""

import struct
from typing import Final

from app.domain.accounts import MERCHANT_ACCOUNTS, prefix
from app.domain.state import Ref
from app.store.api import Versioned

_VALUE: Final = struct.Struct(">qq")


def caches(ref: Ref) -> bool:
    return ref.kind == "account" and prefix(ref.key[0]) in MERCHANT_ACCOUNTS


def key_of(ref: Ref) -> bytes:
    return "|".join(ref.key).encode()


def encode(row: Versioned) -> bytes:
    """16 bytes: version (source offset) and balance in minor units, both signed and big-endian."""
    return _VALUE.pack(row.version, row.value)


def decode(value: bytes) -> Versioned | None:
    """None for bytes this code did not write: a table may hold anything, it is only a cache."""
    if len(value) != _VALUE.size:
        return None
    version, balance = _VALUE.unpack(value)
    return Versioned(balance, version)

"""HMACs and time stamps as webhook schemes use them; comparisons take the same time whatever differs."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Sequence
from typing import Final

from app.psp.adapter import TOLERANCE_SECONDS

_EPOCH_SECONDS: Final = re.compile(r"[0-9]{1,12}")


def sha256_hex(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, signed, "sha256").hexdigest().encode()


def sha256_base64(key: bytes, signed: bytes) -> bytes:
    return base64.b64encode(hmac.digest(key, signed, "sha256"))


def any_equal(claimed: Iterable[str], right: Sequence[bytes]) -> bool:
    """Whether one of the claimed signatures is right; all pairs are compared, in constant time each."""
    found = False
    for claim in claimed:
        for signature in right:
            found |= hmac.compare_digest(claim.encode("utf-8", "surrogateescape"), signature)
    return found


def is_fresh(timestamp: str, now: float) -> bool:
    """Whether epoch seconds, as sent, are within the tolerance of `now`, past or future."""
    return bool(_EPOCH_SECONDS.fullmatch(timestamp)) and abs(now - int(timestamp)) <= TOLERANCE_SECONDS

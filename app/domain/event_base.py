"""What every event has: an id that a replay repeats, and a number per subject."""

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False):
    """`seq` counts the events about one subject (payment, payout, merchant, mismatch) from 1 upwards.

    A consumer that keeps the last `seq` per subject drops what it has seen and notices a gap.
    """

    id: str
    seq: int

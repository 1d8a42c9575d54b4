"""Facts that came before their parent: kept in the lane's state, with a timer, decided when it comes."""

import msgspec


class Parked(msgspec.Struct, frozen=True):
    """Facts that wait for one subject, as (offset, encoded record), in order of arrival."""

    records: tuple[tuple[int, str], ...] = ()

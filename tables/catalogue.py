"""Every table: stream, key, value, bound. The only callers of `app.Table`.

| table | stream | key | value | bound per partition |
|---|---|---|---|---|
| `wallets` | payments.commands | account, currency | version, balance (minor units) | none |
| `dedup_keys` | payments.commands | hash of key and id | version, content hash | settings.dedup_max_keys |
"""

from collections.abc import Iterable, Mapping
from typing import Final

from app.domain.state import Ref
from app.domain.streams import PAYMENTS_COMMANDS
from app.handover.table import LaneTable
from app.store.api import LaneId, Versioned
from app.worker import app, settings
from tables import dedup_keys, wallets

WALLETS: Final[LaneTable] = app.Table("wallets", partitions=settings.partitions)
DEDUP_KEYS: Final[LaneTable] = app.Table(
    "dedup_keys", partitions=settings.partitions, max_keys=settings.dedup_max_keys
)
TABLES: Final = (WALLETS, DEDUP_KEYS)


class FaustTables:
    """The tables as the lanes use them (`app.lane.ports.Tables`): caches of the merchant lane's rows."""

    def __init__(self, *, dedup: bool = True) -> None:
        self._dedup = dedup

    def caches(self, ref: Ref) -> bool:
        return wallets.caches(ref)

    def read(self, lane: LaneId, ref: Ref) -> Versioned | None:
        if lane.topic != PAYMENTS_COMMANDS:
            return None
        value = WALLETS.get(wallets.key_of(ref), partition=lane.partition)
        return None if value is None else wallets.decode(value)

    def known_id(self, lane: LaneId, key: str, record_id: str, before: int) -> bytes | None:
        if lane.topic != PAYMENTS_COMMANDS or not self._dedup:
            return None
        value = DEDUP_KEYS.get(dedup_keys.key_of(key, record_id), partition=lane.partition)
        return None if value is None else dedup_keys.content_hash_of(value, before)

    async def write(
        self, lane: LaneId, rows: Mapping[Ref, Versioned], ids: Iterable[tuple[str, str, bytes, int]]
    ) -> None:
        if lane.topic != PAYMENTS_COMMANDS:
            return
        balances = {wallets.key_of(ref): wallets.encode(row) for ref, row in rows.items()}
        changelogs = list(WALLETS.stage(lane.partition, balances) or ())
        if self._dedup:
            seen = {
                dedup_keys.key_of(key, record_id): dedup_keys.encode(content_hash, offset)
                for key, record_id, content_hash, offset in ids
            }
            changelogs += DEDUP_KEYS.stage(lane.partition, seen) or ()
        await app.publisher.publish(changelogs)

"""The one table of topics: what is on each, by which key, who writes and reads it, how long it stays.

Creation and checking (`python -m app topics`), the codecs (`codec.py`) and `docs/asyncapi.json` come from
here. Topics carry JSON in UTF-8; every topic's time stamp is the broker's append time, because that is the
`now` of all rules and a replay must see the same one.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from app.domain import streams
from app.domain.alert_records import AlertsLaneRecord
from app.domain.banking import BankingLaneRecord, BankLine
from app.domain.effects import EffectsLaneRecord
from app.domain.events import PaymentsEvent
from app.domain.ledger_events import LedgerTransaction
from app.domain.matching_records import MatchingLaneRecord
from app.domain.merchant_records import MerchantLaneRecord
from app.domain.mismatch_events import MismatchRecord
from app.domain.runs import ReconciliationLaneRecord, RunsEvent
from app.domain.settlement import DoorRecord
from app.domain.webhooks import WebhookReceived

APP_ID: Final = "tallystick"
"""Consumer group and Faust app id; begins the names of changelog topics, so it is a data format."""
PRODUCTION_PARTITIONS: Final = 24
"""Fixed for the life of a topic: another number would send keys to other partitions."""
PRODUCTION_REPLICATION: Final = 3
WEBHOOK_RECORD_BYTES: Final = 8 * 1024 * 1024
"""A body of 1 MiB as text in JSON is six times that at worst."""
DAY_MS: Final = 24 * 60 * 60 * 1000


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """One topic. `records` is the union of its record types, None for a table's changelog."""

    name: str
    purpose: str
    key: str
    """What the Kafka key of a record is; partition = murmur2(key) unless it says otherwise."""
    records: Any = None
    retention_days: int | None
    """None keeps everything."""
    cleanup: Literal["delete", "compact"] = "delete"
    max_record_bytes: int | None = None
    """None: the broker's default, 1 MiB with a batch's header."""
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    personal_data: bool

    @property
    def config(self) -> dict[str, str]:
        """Kafka's own names and values, those that this table decides."""
        config = {"cleanup.policy": self.cleanup, "message.timestamp.type": "LogAppendTime"}
        if self.cleanup == "delete":
            config["retention.ms"] = str(-1 if self.retention_days is None else self.retention_days * DAY_MS)
            config["retention.bytes"] = "-1"
        if self.max_record_bytes is not None:
            config["max.message.bytes"] = str(self.max_record_bytes)
        return config


_LANES: Final = (
    "merchant lane",
    "matching lane",
    "banking lane",
    "effects lane",
    "alerts lane",
    "reconciliation lane",
)
_DOORS: Final = ("settlements door", "bank door", "webhook door")
OURS: Final = frozenset({*_LANES, *_DOORS, "workers", "web"})
"""Parts of this program among producers and consumers; a lane's timers count as the lane."""


class TopicSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A topic as one environment has it."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]


def changelog_topic(table: str) -> str:
    """Faust's name of a table's changelog."""
    return f"{APP_ID}-{table}-changelog"


TOPICS: Final = (
    Topic(
        name=streams.PAYMENTS_COMMANDS,
        purpose="Facts and requests about merchants' money, and the merchant lane's own timers",
        key="merchant_id",
        records=MerchantLaneRecord,
        retention_days=None,
        producers=("upstream", "ingest", "web", "webhook door", "merchant lane", "effects lane", "workers"),
        consumers=("merchant lane",),
        personal_data=True,
    ),
    Topic(
        name=streams.MATCHING_COMMANDS,
        purpose="What a PSP should settle, what it says it settled, and the matching lane's own timers",
        key="{psp}:{identity}",
        records=MatchingLaneRecord,
        retention_days=None,
        producers=("merchant lane", "settlements door", "webhook door", "matching lane"),
        consumers=("matching lane",),
        personal_data=False,
    ),
    Topic(
        name=streams.SETTLEMENTS_LINES,
        purpose="Lines and trailers of settlement files, as sources write them",
        key="free; {source}/{batch_id} keeps a batch in order",
        records=DoorRecord,
        retention_days=30,
        producers=("upstream", "ingest"),
        consumers=("settlements door",),
        personal_data=False,
    ),
    Topic(
        name=streams.BANKING_COMMANDS,
        purpose="What banks say came in and went out, what it pays for, and the banking lane's own timers",
        key="account",
        records=BankingLaneRecord,
        retention_days=None,
        producers=("bank door", "merchant lane", "matching lane", "banking lane"),
        consumers=("banking lane",),
        personal_data=True,
    ),
    Topic(
        name=streams.BANK_LINES,
        purpose="Lines of bank statements, as sources write them",
        key="free; account keeps a statement in order",
        records=BankLine,
        retention_days=30,
        producers=("upstream", "ingest"),
        consumers=("bank door",),
        personal_data=True,
    ),
    Topic(
        name=streams.PSP_WEBHOOKS,
        purpose="PSPs' webhooks as they came, their signatures verified",
        key="SHA-256 of the body, in hex",
        records=WebhookReceived,
        retention_days=400,
        max_record_bytes=WEBHOOK_RECORD_BYTES,
        producers=("web",),
        consumers=("webhook door",),
        personal_data=True,
    ),
    Topic(
        name=streams.EFFECTS_REQUESTS,
        purpose="What leaves the program: calls to PSPs, merchants' webhooks; their attempts and timers",
        key="target: psp:{name}/{shard}, webhook:{merchant}/{endpoint}, alert:{channel}, reconciliation:runs",
        records=EffectsLaneRecord,
        retention_days=None,
        producers=("merchant lane", "alerts lane", "reconciliation lane", "effects lane", "workers", "web"),
        consumers=("effects lane",),
        personal_data=True,
    ),
    Topic(
        name=streams.RECONCILIATION_COMMANDS,
        purpose="Schedules of reconciliation runs, runs that are asked for, and what they found",
        key="run_id, schedule_id, or the account of an opening balance",
        records=ReconciliationLaneRecord,
        retention_days=None,
        producers=("web", "workers", "effects lane", "reconciliation lane"),
        consumers=("reconciliation lane",),
        personal_data=False,
    ),
    Topic(
        name=streams.ALERTS_COMMANDS,
        purpose="What people may have to hear of: mismatches, the program's own state, failed deliveries",
        key="psp; `platform` where there is none",
        records=AlertsLaneRecord,
        retention_days=None,
        producers=(
            "merchant lane",
            "matching lane",
            "banking lane",
            "effects lane",
            "alerts lane",
            "workers",
            "web",
        ),
        consumers=("alerts lane",),
        personal_data=False,
    ),
    Topic(
        name=streams.PAYMENTS_EVENTS,
        purpose="What happened to payments, refunds and payouts, numbered per subject",
        key="{merchant_id}/{payment_id}, for payouts {merchant_id}/{payout_id}",
        records=PaymentsEvent,
        retention_days=30,
        producers=("merchant lane",),
        consumers=("workers", "other services"),
        personal_data=False,
    ),
    Topic(
        name=streams.LEDGER_TRANSACTIONS,
        purpose="Every posted transaction with all its entries",
        key="{topic}:{partition} of the lane that posted; repeats are known by (source_offset, id)",
        records=LedgerTransaction,
        retention_days=30,
        producers=("merchant lane", "matching lane", "banking lane", "reconciliation lane"),
        consumers=("other services",),
        personal_data=False,
    ),
    Topic(
        name=streams.RECONCILIATION_MISMATCHES,
        purpose="Mismatches as they open, change and resolve, numbered per mismatch",
        key="mismatch_id",
        records=MismatchRecord,
        retention_days=30,
        producers=("merchant lane", "matching lane", "banking lane"),
        consumers=("web", "other services"),
        personal_data=False,
    ),
    Topic(
        name=streams.RECONCILIATION_RUNS,
        purpose="Reconciliation runs as they are asked for and end, numbered per run",
        key="run_id",
        records=RunsEvent,
        retention_days=30,
        producers=("reconciliation lane",),
        consumers=("other services",),
        personal_data=False,
    ),
    Topic(
        name=changelog_topic("wallets"),
        purpose="Changelog of the table `wallets`, an optimistic cache of state rows",
        key="table key; the partition is the stream's",
        cleanup="compact",
        retention_days=None,
        producers=("merchant lane",),
        consumers=("workers",),
        personal_data=False,
    ),
    Topic(
        name=changelog_topic("dedup_keys"),
        purpose="Changelog of the table `dedup_keys`: ids seen lately, bounded by the table itself",
        key="table key; the partition is the stream's",
        cleanup="compact",
        retention_days=None,
        producers=("merchant lane",),
        consumers=("workers",),
        personal_data=False,
    ),
)

BY_NAME: Final = {topic.name: topic for topic in TOPICS}


def specs(partitions: int, replication: int = 1) -> list[TopicSpec]:
    """All topics of an environment; lanes share their partition count, so that a key's lanes line up."""
    # acks=all means two copies only where the broker refuses to write with one.
    safety = {"min.insync.replicas": "2"} if replication > 2 else {}
    return [
        TopicSpec(
            name=topic.name,
            partitions=partitions,
            replication=replication,
            config={**topic.config, **safety},
        )
        for topic in TOPICS
    ]

"""The table of topics: names and settings that others depend on."""

from __future__ import annotations

from app.contracts.topics import APP_ID, BY_NAME, OURS, TOPICS, changelog_topic, specs
from app.domain import streams
from app.settings import Settings

FOR_EVER = (
    "payments.commands",
    "matching.commands",
    "banking.commands",
    "effects.requests",
    "reconciliation.commands",
)


def test_names_are_a_data_format() -> None:
    assert [topic.name for topic in TOPICS] == [
        "payments.commands",
        "matching.commands",
        "settlements.lines",
        "banking.commands",
        "bank.lines",
        "psp.webhooks",
        "effects.requests",
        "reconciliation.commands",
        "alerts.commands",
        "payments.events",
        "ledger.transactions",
        "reconciliation.mismatches",
        "reconciliation.runs",
        "tallystick-wallets-changelog",
        "tallystick-dedup_keys-changelog",
    ]
    assert changelog_topic("wallets") == "tallystick-wallets-changelog"
    assert Settings.__dataclass_fields__["group_id"].default == APP_ID


def test_every_stream_of_the_rules_is_a_topic() -> None:
    named = {value for name, value in vars(streams).items() if name.isupper() and isinstance(value, str)}
    assert named <= set(BY_NAME)


def test_all_topics_carry_the_brokers_append_time() -> None:
    for spec in specs(8):
        assert spec.config["message.timestamp.type"] == "LogAppendTime"


def test_lane_topics_keep_everything_and_doors_thirty_days() -> None:
    for name in FOR_EVER:
        assert BY_NAME[name].config["retention.ms"] == "-1"
        assert BY_NAME[name].config["cleanup.policy"] == "delete"
    for name in ("settlements.lines", "bank.lines"):
        assert BY_NAME[name].config["retention.ms"] == str(30 * 24 * 60 * 60 * 1000)


def test_webhooks_stay_as_long_as_ids_are_known_and_may_be_large() -> None:
    config = BY_NAME["psp.webhooks"].config
    assert config["retention.ms"] == str(400 * 24 * 60 * 60 * 1000)
    assert config["max.message.bytes"] == str(8 * 1024 * 1024)


def test_changelogs_are_compacted() -> None:
    for topic in TOPICS:
        assert (topic.cleanup == "compact") == topic.name.endswith("-changelog")


def test_production_does_not_acknowledge_a_single_copy() -> None:
    for spec in specs(24, 3):
        assert (spec.partitions, spec.replication, spec.config["min.insync.replicas"]) == (24, 3, "2")
    assert all("min.insync.replicas" not in spec.config for spec in specs(8))


def test_every_topic_is_used_and_personal_data_is_marked() -> None:
    for topic in TOPICS:
        assert topic.producers
        assert topic.consumers
        assert OURS.intersection((*topic.producers, *topic.consumers))
    personal = ["payments.commands", "banking.commands", "bank.lines", "psp.webhooks", "effects.requests"]
    assert [topic.name for topic in TOPICS if topic.personal_data] == personal

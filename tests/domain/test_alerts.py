"""Who is told of what, once, again, together and at the end: the rules of the alerts lane."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from app.domain.alert import AlertMember
from app.domain.alert_delivery import EmailAlert
from app.domain.alert_digests import next_time
from app.domain.alert_records import AlertTest, AlertUndelivered, DigestCounted, DigestLine
from app.domain.alert_rules import AlertConfiguration, AlertDigest
from tests.support.alerts_world import CHANNELS, NOON, AlertsWorld, condition, noticed

HOUR = 3600.0
DAY = 24 * HOUR


def test_the_first_of_a_key_is_told_to_every_channel_and_names_what_it_is_about() -> None:
    world = AlertsWorld()
    world.send(noticed("mm_1"))
    assert sorted(work.channel for work in world.deliveries) == ["mail", "slack"]
    mail = next(work for work in world.deliveries if isinstance(work, EmailAlert))
    assert mail.to == ("finance@example.org",)
    assert mail.message.title == "CRITICAL: AMOUNT_UNDER at stripe of m-1 (2026-11-20), 1 open"
    assert "expected 200000.00 EUR, found 50000.00 EUR" in mail.message.text
    assert {message.message_id for message in world.messages("slack") + world.messages("mail")} == {
        mail.message.message_id
    }


def test_severities_that_no_rule_names_are_told_by_nobody() -> None:
    world = AlertsWorld()
    world.send(noticed("mm_1", severity="MEDIUM"))
    world.send(noticed("mm_2", severity="LOW"))
    assert world.deliveries == []


def test_people_are_told_again_only_when_the_count_is_tenfold() -> None:
    world = AlertsWorld({"channels": CHANNELS, "group_above": None})
    for number in range(250):
        world.send(noticed(f"mm_{number}"))
    assert [(message.what, message.opened) for message in world.messages()] == [
        ("opened", 1),
        ("grown", 10),
        ("grown", 100),
    ]


def test_people_are_told_once_a_day_of_what_is_still_open() -> None:
    world = AlertsWorld()
    world.send(noticed("mm_1"))
    world.pass_time(3 * DAY + HOUR)
    assert world.whats() == ["opened", "reminder", "reminder", "reminder"]
    assert [message.number for message in world.messages()] == [1, 2, 3, 4]


def test_one_closing_message_when_all_of_a_key_are_resolved() -> None:
    world = AlertsWorld()
    for name in ("mm_1", "mm_2", "mm_3"):
        world.send(noticed(name))
    for name in ("mm_1", "mm_3"):
        world.send(noticed(name, is_open=False))
    world.pass_time(HOUR)
    assert world.whats() == ["opened"]
    world.send(noticed("mm_2", is_open=False))
    world.pass_time(2 * DAY)
    assert world.whats() == ["opened", "closed"]
    assert world.messages()[-1].title == "Resolved: AMOUNT_UNDER at stripe of m-1 (2026-11-20)"
    assert world.timers() == []
    assert not [row for row in world.rows.values() if isinstance(row, AlertMember)]


def test_what_comes_back_at_once_is_neither_closed_nor_opened_anew() -> None:
    world = AlertsWorld()
    world.send(noticed("mm_1"))
    for _ in range(3):
        world.send(noticed("mm_1", is_open=False))
        world.pass_time(30)
        world.send(noticed("mm_1"))
    world.pass_time(HOUR)
    assert world.whats() == ["opened"]


def test_what_comes_back_after_the_closing_message_is_told_under_the_same_alert() -> None:
    world = AlertsWorld()
    world.send(noticed("mm_1"))
    world.send(noticed("mm_1", is_open=False))
    world.pass_time(HOUR)
    world.send(noticed("mm_1"))
    assert world.whats() == ["opened", "closed", "opened"]
    assert len({message.alert_id for message in world.messages()}) == 1
    assert [message.number for message in world.messages()] == [1, 2, 3]
    assert world.messages()[-1].opened == 1


@pytest.mark.parametrize(
    "other",
    [
        {"merchant_id": "m-2"},
        {"category": "AMOUNT_OVER"},
        {"severity": "HIGH"},
        {"batch_id": "B1"},
        {"detected_at": NOON + timedelta(days=1)},
        {"psp": "adyen", "lane": "adyen"},
    ],
)
def test_each_part_of_the_key_makes_another_alert(other: dict[str, Any]) -> None:
    world = AlertsWorld()
    world.send(noticed("mm_1"))
    world.send(noticed("mm_2", **other))
    assert len({message.alert_id for message in world.messages()}) == 2


def test_more_than_fifty_new_ones_of_any_severity_become_one_critical_group() -> None:
    world = AlertsWorld()
    for number in range(50):
        world.send(noticed(f"mm_{number}", severity="LOW", merchant_id=f"m-{number}"))
    assert world.deliveries == []
    for number in range(50, 600):
        world.send(noticed(f"mm_{number}", severity="CRITICAL", merchant_id=f"m-{number}"))
    assert [(message.kind, message.what, message.opened) for message in world.messages()] == [
        ("group", "opened", 51),
        ("group", "grown", 510),
    ]
    assert {message.severity for message in world.messages()} == {"CRITICAL"}
    for number in range(600):
        world.send(noticed(f"mm_{number}", severity="LOW", merchant_id=f"m-{number}", is_open=False))
    world.pass_time(2 * DAY)
    assert world.whats() == ["opened", "grown", "closed"]


def test_slow_ones_never_become_a_group() -> None:
    world = AlertsWorld()
    for number in range(200):
        world.send(noticed(f"mm_{number}", merchant_id=f"m-{number}"))
        world.pass_time(15 * 60 / 49)
    assert {message.kind for message in world.messages() if message.what == "opened"} == {"mismatches"}
    assert world.whats().count("opened") == 200


def test_after_the_burst_each_stands_alone_again() -> None:
    world = AlertsWorld()
    for number in range(60):
        world.send(noticed(f"mm_{number}", merchant_id="m-1"))
    world.pass_time(16 * 60)
    world.send(noticed("mm_new", merchant_id="m-9"))
    last = world.messages()[-1]
    assert (last.kind, last.what, last.merchant_id) == ("mismatches", "opened", "m-9")


def test_nobody_misses_one_because_a_group_is_told_to_others_only() -> None:
    """The group has no merchant: who hears of one merchant alone would not hear of it."""
    rules = [
        {"channels": ["slack"], "categories": ["AMOUNT_UNDER"]},
        {"channels": ["mail"], "merchants": ["m-7"]},
    ]
    world = AlertsWorld({"channels": CHANNELS, "rules": rules})
    for number in range(60):
        world.send(noticed(f"mm_{number}", severity="LOW"))
    world.send(noticed("mm_last", merchant_id="m-7"))
    assert [message.kind for message in world.messages("slack")] == ["group", "mismatches"]
    assert [message.merchant_id for message in world.messages("mail")] == ["m-7"]


def test_rules_say_who_gets_what() -> None:
    rules = [
        {"channels": ["slack"], "severities": ["CRITICAL"]},
        {"channels": ["mail"], "severities": ["LOW"], "categories": ["LATE"], "psps": ["stripe"]},
    ]
    world = AlertsWorld({"channels": CHANNELS, "rules": rules})
    world.send(noticed("mm_1"))
    world.send(noticed("mm_2", severity="LOW", category="LATE"))
    world.send(noticed("mm_3", severity="LOW", category="LATE", psp="adyen", lane="adyen"))
    assert [(work.channel, work.message.category) for work in world.deliveries] == [
        ("slack", "AMOUNT_UNDER"),
        ("mail", "LATE"),
    ]


def test_one_that_becomes_worse_is_another_alert_and_leaves_the_one_it_was_in() -> None:
    world = AlertsWorld()
    world.send(noticed("mm_1", severity="HIGH"))
    world.send(noticed("mm_1", severity="CRITICAL", is_new=False))
    world.pass_time(HOUR)
    assert [(message.what, message.severity) for message in world.messages()] == [
        ("opened", "HIGH"),
        ("opened", "CRITICAL"),
        ("closed", "HIGH"),
    ]


def undelivered(world: AlertsWorld, place: int, channel: str, tried: tuple[str, ...] = ()) -> str:
    message = world.deliveries[place].message
    return world.send(
        AlertUndelivered(
            id="-", lane=message.lane, channel=channel, message=message, tried=tried, reason="HTTP 500"
        )
    )


def test_what_a_channel_does_not_take_goes_to_another_and_never_round() -> None:
    channels = {**CHANNELS, "pager": {"kind": "webhook", "fallback": "slack"}}
    world = AlertsWorld({"channels": channels, "rules": [{"channels": ["pager"]}]})
    world.send(noticed("mm_1"))
    assert undelivered(world, 0, "pager") == "applied"
    assert world.deliveries[-1].channel == "slack"
    assert (world.deliveries[-1].tried, world.deliveries[-1].because) == (("pager",), "HTTP 500")
    assert undelivered(world, 1, "slack", ("pager",)) == "applied"
    assert world.deliveries[-1].channel == "mail"
    assert undelivered(world, 2, "mail", ("pager", "slack")) == "ignored"
    assert len(world.deliveries) == 3
    assert len({request.id for request in world.requests}) == 3
    assert len({work.message.message_id for work in world.deliveries}) == 1


def test_what_another_channel_had_already_is_not_sent_there_again() -> None:
    world = AlertsWorld()
    world.send(noticed("mm_1"))
    assert undelivered(world, 0, "mail") == "ignored"


def test_a_condition_is_told_when_it_begins_grows_and_ends() -> None:
    world = AlertsWorld()
    world.send(condition("dead_letters", value=3, detail="payments.commands: 3"))
    world.send(condition("dead_letters", value=12))
    world.send(condition("dead_letters", value=30))
    world.send(condition("dead_letters", failing=False))
    assert world.send(condition("dead_letters", failing=False)) == "ignored"
    world.pass_time(HOUR)
    assert [(message.what, message.opened) for message in world.messages()] == [
        ("opened", 3),
        ("grown", 30),
        ("closed", 30),
    ]
    assert "payments.commands: 3" in world.messages()[0].text


def test_what_is_wrong_with_a_channel_is_told_by_the_others() -> None:
    world = AlertsWorld()
    world.send(condition("attempts_exhausted", subject="alert:slack"))
    assert [work.channel for work in world.deliveries] == ["mail"]


def test_digests_come_at_their_local_time_and_say_what_was_counted_first() -> None:
    digests = {"europe": {"channels": ["mail"], "at": "07:00:00", "time_zone": "Europe/Berlin"}}
    world = AlertsWorld({"channels": CHANNELS, "digests": digests})
    world.pass_time(2 * DAY)
    asked = [request for request in world.requests if request.target == "alert:digests"]
    assert [request.id for request in asked] == ["digest/europe/2026-11-21", "digest/europe/2026-11-22"]
    works: list[Any] = [request.work for request in asked]
    assert works[0].until == datetime(2026, 11, 21, 6, tzinfo=UTC)
    assert works[1].since == works[0].until
    line = DigestLine(severity="LOW", category="LATE", opened=4, resolved=1, open=7)
    counted = DigestCounted(
        id="d1",
        lane="platform",
        digest="europe",
        day=works[0].day,
        since=works[0].since,
        until=works[0].until,
        lines=(line,),
    )
    assert world.send(counted) == "applied"
    assert "LOW LATE: 4 opened, 1 resolved, 7 open" in world.messages("mail")[-1].text
    other = DigestCounted(id="d2", lane="platform", digest="europe", day=works[0].day, since=NOON, until=NOON)
    assert world.send(other) == "duplicate"
    assert len(world.messages("mail")) == 1


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-28T05:59:00+00:00", "2026-03-28T06:00:00+00:00"),  # 07:00 CET
        ("2026-03-28T06:00:00+00:00", "2026-03-29T05:00:00+00:00"),  # the clocks go forward that night
        ("2026-10-24T05:00:00+00:00", "2026-10-25T06:00:00+00:00"),  # and back
    ],
)
def test_a_digest_keeps_its_local_time_when_clocks_change(now: str, expected: str) -> None:
    digest = AlertDigest(channels=("mail",), time_zone="Europe/Berlin")
    assert next_time(datetime.fromisoformat(now), digest) == datetime.fromisoformat(expected)


def test_a_time_that_does_not_exist_that_day_still_comes_once() -> None:
    digest = AlertDigest(channels=("mail",), at=time(2, 30), time_zone="Europe/Berlin")
    moment, times = datetime(2026, 3, 28, tzinfo=UTC), []
    for _ in range(3):
        moment = next_time(moment, digest)
        times.append(moment)
    assert [f"{one:%d %H:%M}" for one in times] == ["28 01:30", "29 01:30", "30 00:30"]


def test_an_operator_tries_a_channel() -> None:
    world = AlertsWorld()
    assert world.send(AlertTest(id="t1", lane="platform", channel="slack", by="ops")) == "applied"
    assert world.whats() == ["test"]
    assert world.send(AlertTest(id="t2", lane="platform", channel="fax", by="ops")) == "refused"


def test_the_configuration_must_name_channels_that_are_there() -> None:
    with pytest.raises(ValueError, match=r"rules\[0\].channels: 'fax' is not one of channels"):
        AlertsWorld({"channels": CHANNELS, "rules": [{"channels": ["fax"]}]})


def test_without_channels_nobody_is_told() -> None:
    world = AlertsWorld({})
    assert world.send(noticed("mm_1")) == "applied"
    assert world.deliveries == []
    assert AlertConfiguration().for_operators() == ()


def test_alerts_of_one_key_share_a_target_per_channel_and_keep_their_order() -> None:
    world = AlertsWorld()
    world.send(noticed("mm_1"))
    world.send(noticed("mm_1", is_open=False))
    world.pass_time(HOUR)
    counts = Counter((request.target, request.object) for request in world.requests)
    assert len(counts) == 2
    assert [request.seq for request in world.requests if request.target == "alert:slack"] == [1, 2]

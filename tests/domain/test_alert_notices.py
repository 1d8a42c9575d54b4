"""What owners of mismatches tell the alerts lane: each opening and end that a rule may want, no more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from app.domain.alert_records import AlertUndelivered, MismatchNoticed
from app.domain.alert_rules import AlertConfiguration
from app.domain.configuration import FeePlan, Platform
from app.domain.decision import Draft, Source
from app.domain.effects import EffectRequested
from app.domain.mismatches import open_mismatch, resolve_mismatch
from app.domain.state import PLATFORM
from app.domain.streams import ALERTS_COMMANDS, MATCHING_COMMANDS
from tests.contracts.alert_samples import WORKS
from tests.support.alerts_world import CHANNELS
from tests.support.domain import START
from tests.support.effects_world import EffectsWorld, attempted

MILLION = 100_000_000
LITTLE = 100


class Owner:
    """A lane's rows; what each decision tells the alerts lane is kept in `told`."""

    def __init__(self, alerts: dict[str, Any] | None) -> None:
        self.rows: dict[Any, Any] = {}
        self.offset = 0
        self.told: list[MismatchNoticed] = []
        self.configure(alerts)

    def configure(self, alerts: dict[str, Any] | None) -> None:
        configured = None if alerts is None else msgspec.convert(alerts, AlertConfiguration)
        self.rows[PLATFORM] = Platform(
            version=1,
            default_plan=FeePlan(),
            default_release_delay_days=2,
            release_delay_seconds=None,
            psps={},
            sources={},
            alerts=configured,
        )

    def open(self, actual: int, **fields: Any) -> str:
        draft = self._draft()
        key = open_mismatch(
            draft,
            leg="A",
            category="AMOUNT_UNDER",
            currency="EUR",
            expected_amount=0,
            actual_amount=actual,
            explanation={"rule": "r"},
            subject_ids=["a"],
            **{"psp": "stripe", "merchant_id": "m-1", **fields},
        )
        self._keep(draft)
        return key

    def resolve(self, key: str) -> None:
        draft = self._draft()
        resolve_mismatch(draft, key, "settled")
        self._keep(draft)

    def _draft(self) -> Draft:
        self.offset += 1
        now = START + timedelta(minutes=self.offset)
        return Draft(self.rows, Source(MATCHING_COMMANDS, 0, self.offset, "stripe:pi_1", now))

    def _keep(self, draft: Draft) -> None:
        self.rows.update(draft.state)
        for send in draft.sends:
            if send.topic == ALERTS_COMMANDS:
                assert isinstance(send.record, MismatchNoticed)
                assert send.key == send.record.lane
                self.told.append(send.record)

    @property
    def said(self) -> list[tuple[str, bool, bool, str]]:
        return [(one.lane, one.is_open, one.is_new, one.severity) for one in self.told]


def test_without_alerts_nothing_is_said() -> None:
    owner = Owner(None)
    owner.resolve(owner.open(MILLION))
    assert owner.told == []


def test_an_opening_and_its_end_are_said_once_each() -> None:
    owner = Owner({"channels": CHANNELS})
    key = owner.open(MILLION)
    owner.open(MILLION)
    owner.open(MILLION + 1)
    owner.resolve(key)
    owner.resolve(key)
    assert owner.said == [("stripe", True, True, "CRITICAL"), ("stripe", False, False, "CRITICAL")]
    assert {one.mismatch_id for one in owner.told} == {key}


def test_what_opens_again_is_new_again() -> None:
    owner = Owner({"channels": CHANNELS})
    owner.resolve(owner.open(MILLION))
    owner.open(MILLION)
    assert owner.said[-1] == ("stripe", True, True, "CRITICAL")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"actual": LITTLE}, [("stripe", True, False, "LOW")]),
        ({"actual": MILLION, "merchant_id": "m-2"}, [("stripe", True, False, "CRITICAL")]),
        ({"actual": MILLION, "batch_id": "B1"}, [("stripe", True, False, "CRITICAL")]),
        (
            {"actual": MILLION, "psp": "adyen"},
            [("stripe", False, False, "CRITICAL"), ("adyen", True, False, "CRITICAL")],
        ),
        (
            {"actual": MILLION, "psp": None},
            [("stripe", False, False, "CRITICAL"), ("platform", True, False, "CRITICAL")],
        ),
        ({"actual": MILLION + 5}, []),
    ],
    ids=["less bad", "merchant", "batch", "psp", "no psp", "figures only"],
)
def test_one_that_belongs_to_another_alert_now_is_said(
    change: dict[str, Any], said: list[tuple[str, bool, bool, str]]
) -> None:
    owner = Owner({"channels": CHANNELS})
    owner.open(MILLION)
    owner.open(**change)
    assert owner.said[1:] == said


def test_what_no_rule_and_no_group_may_want_is_not_said() -> None:
    owner = Owner({"channels": CHANNELS, "group_above": None})
    key = owner.open(LITTLE)
    assert owner.told == []
    owner.open(MILLION)
    owner.open(LITTLE)
    owner.resolve(key)
    assert owner.said == [("stripe", True, False, "CRITICAL"), ("stripe", False, False, "CRITICAL")]
    other = Owner({"channels": CHANNELS, "rules": [{"channels": ["slack"], "psps": ["adyen"]}]})
    other.open(MILLION)
    assert other.told == []


@pytest.mark.parametrize("work", WORKS[:3], ids=["slack", "email", "webhook"])
@pytest.mark.parametrize("outcome", ["failed", "retry"])
def test_an_alert_that_was_given_up_is_said_with_its_message(work: Any, outcome: str) -> None:
    world, target = EffectsWorld(), f"alert:{work.channel}"
    world.send(EffectRequested(id="ef-1", target=target, work=work))
    number = 1
    while world.effect("ef-1", target).is_open:
        world.send(attempted(number, outcome, target=target, reason="it answered 500"))
        number += 1
        world.fire()
    (said,) = [send for send in world.sends if send.topic == ALERTS_COMMANDS]
    assert isinstance(said.record, AlertUndelivered)
    assert (said.key, said.record.channel, said.record.tried) == ("stripe", work.channel, work.tried)
    assert said.record.message == work.message
    assert "it answered 500" in said.record.reason

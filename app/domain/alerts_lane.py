"""The alerts lane, keyed by PSP: who is told of what, once, again, and when it is over.

It hears of mismatches from the lanes that own them, of the program's own state from a worker, and of what
could not be delivered from the effects lane. Delivering is the effects engine's (`app/effects/`).
"""

from collections.abc import Iterable
from typing import assert_never

from app.domain import alert_digests, alerting
from app.domain import platform as platforms
from app.domain.alert import PLATFORM_LANE, alert_ref, member_ref, window_ref
from app.domain.alert_records import (
    AlertDue,
    AlertsLaneRecord,
    AlertTest,
    AlertUndelivered,
    ConditionNoticed,
    DigestCounted,
    DigestDue,
    DigestPlanned,
    MismatchNoticed,
)
from app.domain.alert_rules import AlertConfiguration
from app.domain.alert_telling import redirect
from app.domain.commands import PlatformConfigure
from app.domain.configuration import Platform
from app.domain.decision import Draft, Ignored
from app.domain.state import PLATFORM, Ref
from app.domain.streams import ALERTS_COMMANDS
from app.domain.timers import timer_ref


def decide(draft: Draft, command: AlertsLaneRecord) -> None:
    """What one record of `alerts.commands` does; see `app/domain/decision.py` for how it ends."""
    match command:
        case PlatformConfigure():
            _configure(draft, command)
        case MismatchNoticed():
            alerting.notice(draft, _needed(draft), command)
        case ConditionNoticed():
            alerting.notice_condition(draft, _needed(draft), command)
        case AlertUndelivered():
            redirect(draft, _needed(draft), command)
        case AlertDue():
            alerting.due(draft, _configured(draft), command)
        case DigestPlanned():
            alert_digests.plan(draft, _configured(draft))
        case DigestDue():
            alert_digests.due(draft, _configured(draft), command)
        case DigestCounted():
            alert_digests.counted(draft, _configured(draft), command)
        case AlertTest():
            alert_digests.try_channel(draft, _configured(draft), command)
        case _:
            assert_never(command)


def record_key(command: AlertsLaneRecord) -> str | None:
    """The Kafka key a record must have; None: goes to every partition."""
    return None if isinstance(command, PlatformConfigure) else command.lane


def prefetch(command: AlertsLaneRecord) -> Iterable[Ref]:
    """Rows the decision will surely want."""
    if isinstance(command, PlatformConfigure):
        return (PLATFORM,)
    lane = command.lane
    if isinstance(command, MismatchNoticed):
        keys = (alerting.own_key(command), alerting.group_key(command))
        return (
            PLATFORM,
            member_ref(lane, command.mismatch_id),
            window_ref(lane, command.category),
            *(alert_ref(lane, key.alert_id()) for key in keys),
        )
    if isinstance(command, AlertUndelivered):
        return (PLATFORM, alert_ref(lane, command.message.alert_id))
    if isinstance(command, AlertDue):
        return (PLATFORM, alert_ref(lane, command.alert_id), timer_ref(lane, *alerting.fired_alert(command)))
    if isinstance(command, DigestDue):
        return (PLATFORM, timer_ref(lane, alert_digests.TIMER, command.digest))
    return (PLATFORM,)


def _configure(draft: Draft, command: PlatformConfigure) -> None:
    """Digests have one home, which is told by each partition: whichever it hears after its own
    configuration plans by it.
    """
    platforms.configure(draft, command)
    planned = DigestPlanned(id=draft.next_id(), lane=PLATFORM_LANE)
    draft.send(ALERTS_COMMANDS, PLATFORM_LANE, planned)


def _configured(draft: Draft) -> AlertConfiguration | None:
    platform: Platform | None = draft.get(PLATFORM)
    return None if platform is None else platform.alerts


def _needed(draft: Draft) -> AlertConfiguration:
    configured = _configured(draft)
    if configured is None:
        raise Ignored("no alerts are configured")
    return configured

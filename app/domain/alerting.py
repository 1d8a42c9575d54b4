"""Which alert counts a mismatch, and when people are told of it: alone, or as part of a group.

The alert's key is (merchant, psp, category, severity, batch or day). More than `group_above` new ones of one
(psp, category) within the window become one CRITICAL group, which then counts what opens; a mismatch is in a
group instead of its own alert only where the group's channels are told, too, so that nobody misses it.
"""

from datetime import timedelta

from msgspec.structs import replace

from app.domain.alert import (
    MOST_SAMPLES,
    Alert,
    AlertKey,
    AlertMember,
    AlertWindow,
    alert_ref,
    member_ref,
    window_ref,
)
from app.domain.alert_records import AlertDue, ConditionNoticed, MismatchNoticed
from app.domain.alert_rules import AlertConfiguration
from app.domain.alert_telling import AGAIN, CLOSE, channels_of, set_due, stop_timers, tell, tell_if_due
from app.domain.decision import Draft, Ignored
from app.domain.mismatch import Severity
from app.domain.timers import clear_timer, epoch_ms, parse_timer_id, take_fired

CONDITION_SEVERITIES: dict[str, Severity] = {"lag": "HIGH", "silent_worker": "HIGH"}
"""The others are CRITICAL."""


def own_key(noticed: MismatchNoticed) -> AlertKey:
    return AlertKey(
        kind="mismatches",
        severity=noticed.severity,
        category=noticed.category,
        psp=noticed.psp,
        merchant_id=noticed.merchant_id,
        scope=noticed.batch_id or noticed.detected_at.date().isoformat(),
    )


def group_key(noticed: MismatchNoticed) -> AlertKey:
    return AlertKey(kind="group", severity="CRITICAL", category=noticed.category, psp=noticed.psp)


def notice(draft: Draft, configured: AlertConfiguration, noticed: MismatchNoticed) -> None:
    """Count a mismatch that is open, or no longer, and tell people where that is due."""
    ref = member_ref(draft.source.key, noticed.mismatch_id)
    member: AlertMember | None = draft.get(ref)
    before = member.alerts if member else ()
    if noticed.is_open:
        after = _count(draft, configured, noticed, before)
    else:
        after = ()
        forgotten = _forget(draft, noticed)
        if not before and not forgotten:
            raise Ignored("nobody was told of it")
    for alert_id in before:
        if alert_id not in after:
            _leave(draft, configured, alert_id)
    if after != before:
        draft.put(ref, AlertMember(alerts=after) if after else None)


def _count(
    draft: Draft, configured: AlertConfiguration, noticed: MismatchNoticed, before: tuple[str, ...]
) -> tuple[str, ...]:
    """Joins what it does not count to yet; returns ids of all alerts that count it."""
    key, group = own_key(noticed), group_key(noticed)
    own, many = key.alert_id(), group.alert_id()
    crowd = _crowd(draft, configured, noticed) if noticed.is_new and not before else ()
    after: list[str] = []
    if many in before or crowd:
        after.append(many)
        if crowd:
            _join_group(draft, configured, group, noticed, crowd)
    channels = channels_of(configured, key)
    if channels and not (after and set(channels) <= set(channels_of(configured, group))):
        after.append(own)
        if own not in before:
            _join(draft, configured, key, (noticed.mismatch_id,), noticed)
    return tuple(after)


def _crowd(draft: Draft, configured: AlertConfiguration, noticed: MismatchNoticed) -> tuple[str, ...]:
    """Ids of the openings that are too many to stand alone, this one last; () where they are not."""
    above = configured.group_above
    if above is None or not channels_of(configured, group_key(noticed)):
        return ()
    ref = window_ref(draft.source.key, noticed.category)
    window: AlertWindow = draft.get(ref) or AlertWindow()
    oldest = epoch_ms(draft.now - timedelta(seconds=configured.group_seconds))
    recent = [opening for opening in window.openings if opening[0] >= oldest][-above:]
    recent.append((epoch_ms(draft.now), noticed.mismatch_id))
    draft.put(ref, AlertWindow(openings=tuple(recent)))
    return tuple(name for _, name in recent) if len(recent) > above else ()


def _forget(draft: Draft, noticed: MismatchNoticed) -> bool:
    """It is resolved: its opening still counts as one, but it joins no group any more."""
    ref = window_ref(draft.source.key, noticed.category)
    window: AlertWindow | None = draft.get(ref)
    if window is None or all(name != noticed.mismatch_id for _, name in window.openings):
        return False
    openings = [(at, "" if name == noticed.mismatch_id else name) for at, name in window.openings]
    draft.put(ref, AlertWindow(openings=tuple(openings)))
    return True


def _join_group(
    draft: Draft,
    configured: AlertConfiguration,
    key: AlertKey,
    noticed: MismatchNoticed,
    crowd: tuple[str, ...],
) -> None:
    """A group that begins counts all of the window; one that is there counts the new one."""
    group: Alert | None = draft.get(alert_ref(draft.source.key, key.alert_id()))
    if group is not None and group.open:
        _join(draft, configured, key, (noticed.mismatch_id,), noticed)
        return
    others = tuple(name for name in crowd if name and name != noticed.mismatch_id)
    for name in others:
        ref = member_ref(draft.source.key, name)
        member: AlertMember | None = draft.get(ref)
        alerts = (key.alert_id(), *(member.alerts if member else ()))
        draft.put(ref, AlertMember(alerts=tuple(dict.fromkeys(alerts))))
    _join(draft, configured, key, (*others, noticed.mismatch_id), noticed)


def _join(
    draft: Draft,
    configured: AlertConfiguration,
    key: AlertKey,
    mismatch_ids: tuple[str, ...],
    noticed: MismatchNoticed,
) -> None:
    alert = _begun(draft, key)
    if alert.told and not alert.open:
        clear_timer(draft, CLOSE, alert.id)
    count = len(mismatch_ids)
    samples = (*alert.samples, *mismatch_ids)[:MOST_SAMPLES]
    alert = replace(alert, open=alert.open + count, opened=alert.opened + count, samples=samples)
    tell_if_due(draft, configured, alert, noticed)


def _begun(draft: Draft, key: AlertKey) -> Alert:
    """The alert of a key, in a new round where there is none under way."""
    found: Alert | None = draft.get(alert_ref(draft.source.key, key.alert_id()))
    if found is None:
        return Alert(id=key.alert_id(), key=key, began_at=draft.now)
    if not found.closed:
        return replace(found, key=key)
    begun = Alert(id=found.id, key=key, number=found.number, began_at=draft.now)
    return replace(begun, told_at=found.told_at, messages=found.messages)


def _leave(draft: Draft, configured: AlertConfiguration, alert_id: str) -> None:
    ref = alert_ref(draft.source.key, alert_id)
    alert: Alert | None = draft.get(ref)
    if alert is None or not alert.open:
        return
    alert = replace(alert, open=alert.open - 1)
    draft.put(ref, alert)
    if not alert.open:
        set_due(draft, CLOSE, alert_id, configured.close_after_seconds)


def notice_condition(draft: Draft, configured: AlertConfiguration, noticed: ConditionNoticed) -> None:
    """A condition is an alert of one: open while it fails, and its figure is the count."""
    key = AlertKey(
        kind="condition",
        severity=CONDITION_SEVERITIES.get(noticed.name, "CRITICAL"),
        category=noticed.name,
        scope=noticed.subject or None,
    )
    alert = _begun(draft, key)
    if noticed.failing:
        clear_timer(draft, CLOSE, alert.id)
        alert = replace(alert, open=1, opened=max(noticed.value, 1), detail=noticed.detail)
        tell_if_due(draft, configured, alert, None)
    elif alert.open:
        draft.put(alert_ref(draft.source.key, alert.id), replace(alert, open=0))
        set_due(draft, CLOSE, alert.id, configured.close_after_seconds)
    else:
        raise Ignored("it was well before")


def due(draft: Draft, configured: AlertConfiguration | None, command: AlertDue) -> None:
    """Tell again of what is open for long, or that all is resolved."""
    fired = take_fired(draft, command.id)
    alert: Alert | None = draft.get(alert_ref(draft.source.key, command.alert_id))
    if configured is None or alert is None:
        return
    if fired.kind == AGAIN and alert.open:
        tell(draft, configured, alert, "reminder", channels_of(configured, alert.key))
    elif fired.kind == CLOSE and not alert.open and not alert.closed:
        _close(draft, configured, alert)


def _close(draft: Draft, configured: AlertConfiguration, alert: Alert) -> None:
    stop_timers(draft, alert.id)
    had = {name for told in alert.messages for name in told.channels}
    channels = [name for name in channels_of(configured, alert.key) if name in had]
    tell(draft, configured, replace(alert, closed=True), "closed", channels)


def fired_alert(command: AlertDue) -> tuple[str, str]:
    """Kind and subject of the timer that this record claims to be."""
    fired = parse_timer_id(command.id)
    return (fired.kind, command.alert_id) if fired else (AGAIN, command.alert_id)

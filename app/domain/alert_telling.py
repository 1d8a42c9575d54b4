"""Telling people: one numbered message to each channel, and the timers of what follows it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from app.domain.alert import MOST_TOLD, Alert, AlertKey, Told, alert_ref
from app.domain.alert_delivery import (
    AlertMessage,
    AnyAlert,
    EmailAlert,
    SlackAlert,
    WebhookAlert,
    What,
    alert_target,
    delivery_id,
)
from app.domain.alert_records import AlertDue, AlertUndelivered, MismatchNoticed
from app.domain.alert_rules import AlertChannel, AlertConfiguration
from app.domain.alert_words import text, title
from app.domain.decision import Draft, Ignored
from app.domain.effects import EffectRequested
from app.domain.streams import EFFECTS_REQUESTS
from app.domain.timers import clear_timer, set_timer

AGAIN: Final = "alert.again"
CLOSE: Final = "alert.close"
OF_CHANNEL: Final = "alert:"


def channels_of(configured: AlertConfiguration, key: AlertKey) -> tuple[str, ...]:
    """Who is told of this key now. What is wrong with a channel is told by others, if there are any."""
    if key.kind != "condition":
        return configured.channels_for(key.severity, key.category, key.merchant_id, key.psp)
    about = (key.scope or "").removeprefix(OF_CHANNEL) if (key.scope or "").startswith(OF_CHANNEL) else None
    names = configured.for_operators()
    others = tuple(name for name in names if name != about)
    return others or tuple(name for name in sorted(configured.channels) if name != about) or names


def tell_if_due(
    draft: Draft, configured: AlertConfiguration, alert: Alert, latest: MismatchNoticed | None
) -> None:
    """Keep the alert, and tell people where they have not been told or it has grown tenfold since."""
    if not alert.told:
        what: What = "opened"
    elif alert.opened >= alert.told * configured.growth:
        what = "grown"
    else:
        draft.put(alert_ref(draft.source.key, alert.id), alert)
        return
    tell(draft, configured, alert, what, channels_of(configured, alert.key), latest)


def tell(
    draft: Draft,
    configured: AlertConfiguration,
    alert: Alert,
    what: What,
    channels: Sequence[str],
    latest: MismatchNoticed | None = None,
) -> None:
    """One more message; keeps the alert, also where nobody is to be told (any more)."""
    if not channels:
        draft.put(alert_ref(draft.source.key, alert.id), alert)
        return
    number = alert.number + 1
    told = Told(
        number=number,
        what=what,
        at=draft.now,
        opened=alert.opened,
        open=alert.open,
        channels=tuple(channels),
    )
    alert = replace(alert, number=number, told=alert.opened, told_at=draft.now)
    alert = replace(alert, messages=(*alert.messages, told)[-MOST_TOLD:])
    message = _message(draft, alert, what, latest)
    for channel in channels:
        send(draft, configured, channel, message)
    if alert.open:
        set_due(draft, AGAIN, alert.id, configured.repeat_seconds)
    draft.put(alert_ref(draft.source.key, alert.id), alert)


def send(
    draft: Draft,
    configured: AlertConfiguration,
    channel: str,
    message: AlertMessage,
    tried: tuple[str, ...] = (),
    because: str | None = None,
) -> None:
    """Ask for the delivery of a message to one channel."""
    work = work_for(channel, configured.channels[channel], message, tried, because)
    target = alert_target(channel)
    request = EffectRequested(
        id=delivery_id(message, channel),
        target=target,
        work=work,
        object=message.alert_id,
        seq=message.number,
    )
    draft.send(EFFECTS_REQUESTS, target, request)


def set_due(draft: Draft, timer: str, alert_id: str, seconds: int) -> None:
    due = AlertDue(id="-", lane=draft.source.key, alert_id=alert_id)
    set_timer(draft, timer, alert_id, draft.now + timedelta(seconds=seconds), due)


def redirect(draft: Draft, configured: AlertConfiguration, command: AlertUndelivered) -> None:
    """To another channel that has not had it. Each hop leaves one channel out, so it ends."""
    alert: Alert | None = draft.get(alert_ref(draft.source.key, command.message.alert_id))
    had = (
        next((told.channels for told in alert.messages if told.number == command.message.number), ())
        if alert
        else ()
    )
    channel = configured.instead_of(command.channel, (*command.tried, *had))
    if channel is None:
        raise Ignored("no other channel is left; operators are told that deliveries were given up")
    tried = (*command.tried, command.channel)
    send(draft, configured, channel, command.message, tried, command.reason[:200])
    if alert is not None:
        draft.put(
            alert_ref(draft.source.key, alert.id), _with_channel(alert, command.message.number, channel)
        )


def _with_channel(alert: Alert, number: int, channel: str) -> Alert:
    messages = [
        replace(told, channels=(*told.channels, channel)) if told.number == number else told
        for told in alert.messages
    ]
    return replace(alert, messages=tuple(messages))


def stop_timers(draft: Draft, alert_id: str) -> None:
    clear_timer(draft, AGAIN, alert_id)
    clear_timer(draft, CLOSE, alert_id)


def _message(draft: Draft, alert: Alert, what: What, latest: MismatchNoticed | None) -> AlertMessage:
    key = alert.key
    return AlertMessage(
        alert_id=alert.id,
        number=alert.number,
        what=what,
        kind=key.kind,
        severity=key.severity,
        lane=draft.source.key,
        title=title(alert, what),
        text=text(alert, what, latest),
        category=key.category,
        merchant_id=key.merchant_id,
        psp=key.psp,
        scope=key.scope,
        opened=alert.opened,
        open=alert.open,
        mismatch_ids=alert.samples,
        at=draft.now,
    )


def work_for(
    name: str,
    channel: AlertChannel,
    message: AlertMessage,
    tried: tuple[str, ...] = (),
    because: str | None = None,
) -> AnyAlert:
    """What delivers a message to this channel."""
    if channel.kind == "email":
        return EmailAlert(channel=name, message=message, tried=tried, because=because, to=channel.to)
    kind = SlackAlert if channel.kind == "slack" else WebhookAlert
    return kind(channel=name, message=message, tried=tried, because=because)

"""Daily digests: at a local time of day, by a timer; counted from the database by a kind of effect.

What is counted first is what is sent: a repeat of the count changes nothing.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from app.domain.alert import Alert, AlertKey, Told, alert_ref
from app.domain.alert_delivery import AlertMessage, CountDigest
from app.domain.alert_records import AlertTest, DigestCounted, DigestDue
from app.domain.alert_rules import AlertConfiguration, AlertDigest
from app.domain.alert_telling import send
from app.domain.alert_words import digest_text, digest_title, trial_text, trial_title
from app.domain.calendar import check_time_zone
from app.domain.decision import Draft, Duplicate, Refused
from app.domain.effects import EffectRequested
from app.domain.streams import EFFECTS_REQUESTS
from app.domain.timers import set_timer, take_fired

TIMER: Final = "digest.due"
TARGET: Final = "alert:digests"
_DAY: Final = timedelta(days=1)


def plan(draft: Draft, configured: AlertConfiguration | None) -> None:
    """Set every digest's timer for its next time; one that is no longer configured does nothing when due."""
    for name, digest in (configured.digests if configured else {}).items():
        _set(draft, name, digest, draft.now - _DAY)


def due(draft: Draft, configured: AlertConfiguration | None, command: DigestDue) -> None:
    """Ask for the count, and set the timer of the next one."""
    take_fired(draft, command.id)
    digest = configured.digests.get(command.digest) if configured else None
    if digest is None:
        return
    day = command.until.astimezone(check_time_zone(digest.time_zone)).date().isoformat()
    work = CountDigest(digest=command.digest, day=day, since=command.since, until=command.until)
    name = f"digest/{command.digest}/{day}"
    draft.send(EFFECTS_REQUESTS, TARGET, EffectRequested(id=name, target=TARGET, work=work))
    _set(draft, command.digest, digest, command.until)


def _set(draft: Draft, name: str, digest: AlertDigest, since: datetime) -> None:
    until = next_time(draft.now, digest)
    record = DigestDue(id="-", lane=draft.source.key, digest=name, since=since, until=until)
    set_timer(draft, TIMER, name, until, record)


def next_time(now: datetime, digest: AlertDigest) -> datetime:
    """The first moment after `now` at which it is that time of day there, as UTC.

    A local time that a change of clocks leaves out is taken as the hour before had it; one that comes twice
    counts the first time.
    """
    zone = check_time_zone(digest.time_zone)
    day = now.astimezone(zone).date()
    while True:
        moment = datetime.combine(day, digest.at, zone).astimezone(UTC)
        if moment > now:
            return moment
        day += _DAY


def counted(draft: Draft, configured: AlertConfiguration | None, command: DigestCounted) -> None:
    digest = configured.digests.get(command.digest) if configured else None
    key = AlertKey(kind="digest", severity="LOW", category="digest", scope=f"{command.digest}/{command.day}")
    if draft.get(alert_ref(draft.source.key, key.alert_id())) is not None:
        raise Duplicate
    if configured is None or digest is None:
        return
    message = _message(draft, key, digest_title(command), digest_text(command))
    _tell_once(draft, configured, key, message, digest.channels)


def try_channel(draft: Draft, configured: AlertConfiguration | None, command: AlertTest) -> None:
    if configured is None or command.channel not in configured.channels:
        raise Refused("channel_unknown", f"{command.channel} is no channel of the configuration")
    key = AlertKey(kind="test", severity="LOW", category="test", scope=command.id)
    if draft.get(alert_ref(draft.source.key, key.alert_id())) is not None:
        raise Duplicate
    message = _message(draft, key, trial_title(command), trial_text(command))
    _tell_once(draft, configured, key, message, (command.channel,))


def _message(draft: Draft, key: AlertKey, title: str, text: str) -> AlertMessage:
    return AlertMessage(
        alert_id=key.alert_id(),
        number=1,
        what="test" if key.kind == "test" else "digest",
        kind=key.kind,
        severity=key.severity,
        lane=draft.source.key,
        title=title,
        text=text,
        category=key.category,
        scope=key.scope,
        at=draft.now,
    )


def _tell_once(
    draft: Draft,
    configured: AlertConfiguration,
    key: AlertKey,
    message: AlertMessage,
    channels: tuple[str, ...],
) -> None:
    told = Told(number=1, what=message.what, at=draft.now, channels=channels)
    alert = Alert(id=message.alert_id, key=key, number=1, closed=True, began_at=draft.now)
    alert = replace(alert, told_at=draft.now, messages=(told,))
    draft.put(alert_ref(draft.source.key, alert.id), alert)
    for channel in channels:
        send(draft, configured, channel, message)

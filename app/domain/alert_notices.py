"""What the owner of a mismatch tells the alerts lane: that it opens, is another's now, or is resolved.

Only where alerts are configured, and only of what a rule (or a group) may want; else it costs one look at the
configuration, which the decision has in hand.
"""

from app.domain.alert import PLATFORM_LANE
from app.domain.alert_records import MismatchNoticed
from app.domain.alert_rules import AlertConfiguration
from app.domain.configuration import Platform
from app.domain.decision import Draft
from app.domain.mismatch import OPEN_STATUSES, Mismatch
from app.domain.state import PLATFORM
from app.domain.streams import ALERTS_COMMANDS


def notify(draft: Draft, before: Mismatch | None, after: Mismatch) -> None:
    """To be called with every change of a mismatch: `before` as it was, `after` as it is kept."""
    platform: Platform | None = draft.get(PLATFORM)
    configured = None if platform is None else platform.alerts
    if configured is None:
        return
    was = before if before is not None and _wanted(configured, before) else None
    now = after if _wanted(configured, after) else None
    if was is not None and (now is None or _lane(was) != _lane(now)):
        _send(draft, was, is_open=False, is_new=False)
        was = None
    if now is not None and (was is None or _facts(was) != _facts(now)):
        _send(draft, now, is_open=True, is_new=before is None or before.status not in OPEN_STATUSES)


def _wanted(configured: AlertConfiguration, mismatch: Mismatch) -> bool:
    return mismatch.status in OPEN_STATUSES and configured.may_want(
        mismatch.severity, mismatch.category, mismatch.psp
    )


def _lane(mismatch: Mismatch) -> str:
    return mismatch.psp or PLATFORM_LANE


def _facts(mismatch: Mismatch) -> tuple[object, ...]:
    """What its alert's key is made of."""
    return (mismatch.severity, mismatch.merchant_id, mismatch.batch_id, mismatch.detected_at.date())


def _send(draft: Draft, mismatch: Mismatch, *, is_open: bool, is_new: bool) -> None:
    noticed = MismatchNoticed(
        id=draft.next_id(),
        lane=_lane(mismatch),
        mismatch_id=mismatch.id,
        is_open=is_open,
        is_new=is_new,
        category=mismatch.category,
        severity=mismatch.severity,
        psp=mismatch.psp,
        merchant_id=mismatch.merchant_id,
        batch_id=mismatch.batch_id,
        payment_id=mismatch.payment_id,
        currency=mismatch.currency,
        expected_amount=mismatch.expected_amount,
        actual_amount=mismatch.actual_amount,
        detected_at=mismatch.detected_at,
    )
    draft.send(ALERTS_COMMANDS, _lane(mismatch), noticed)

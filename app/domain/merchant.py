"""A merchant's configuration as the merchant lane holds it."""

from datetime import timedelta

import msgspec

from app.domain.configuration import FeePlan, PayoutSchedule, Platform
from app.domain.decision import Draft, Refused
from app.domain.state import PLATFORM, Ref
from app.domain.webhook_endpoint import WebhookEndpoint


class Merchant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`configured` is False for a merchant that was only seen on a fact: it gets the platform's defaults."""

    merchant_id: str
    configured: bool = True
    name: str = ""
    settlement_currency: str | None = None
    fee_plan: FeePlan | None = None
    release_delay_days: int | None = None
    release_delay_seconds: int | None = None
    negative_limit: int = 0
    """How far available + pending may fall below zero by a request, minor units of each currency."""
    negative: tuple[str, ...] = ()
    """Currencies in which NEGATIVE_BALANCE is open; a sorted set."""
    currencies: tuple[str, ...] = ()
    """Currencies in which there ever was a balance; a sorted set. A new limit is held against each."""
    version: int = -1
    """Offset of the record that configured it; stored with every decision that used it."""
    seq: int = 0
    endpoints: tuple[WebhookEndpoint, ...] = ()
    """Where its events are sent, in the order of their creation."""
    payout_approval_above: int | None = None
    payout_schedule: PayoutSchedule | None = None
    flows: dict[str, dict[str, int]] = {}
    """Currency -> kind of transaction -> minor units it moved of the available since the last payout."""


DEFAULT_PLATFORM = Platform(
    version=-1,
    default_plan=FeePlan(),
    default_release_delay_days=2,
    release_delay_seconds=None,
    psps={},
    sources={},
)
"""Until `platform.configure` has come; a fact is never refused for want of it."""


def merchant_ref(merchant_id: str) -> Ref:
    return Ref("merchant", (merchant_id,))


def platform_in(draft: Draft) -> Platform:
    platform: Platform | None = draft.get(PLATFORM)
    return platform if platform is not None else DEFAULT_PLATFORM


def known_merchant(draft: Draft, merchant_id: str) -> Merchant:
    """The merchant; one that was never configured is kept as such, with the platform's defaults."""
    ref = merchant_ref(merchant_id)
    merchant: Merchant | None = draft.get(ref)
    if merchant is None:
        merchant = Merchant(merchant_id=merchant_id, configured=False)
        draft.put(ref, merchant)
    return merchant


def require_merchant(draft: Draft, merchant_id: str) -> Merchant:
    """Refuses with unknown_merchant one that is not configured: requests need that, facts do not."""
    merchant: Merchant | None = draft.get(merchant_ref(merchant_id))
    if merchant is None or not merchant.configured:
        raise Refused("unknown_merchant", f"{merchant_id} is not configured")
    return merchant


def release_delay(merchant: Merchant, platform: Platform) -> timedelta:
    """The merchant's own delay, else the platform's; at each of them seconds win over days."""
    if merchant.release_delay_seconds is not None:
        return timedelta(seconds=merchant.release_delay_seconds)
    if merchant.release_delay_days is not None:
        return timedelta(days=merchant.release_delay_days)
    if platform.release_delay_seconds is not None:
        return timedelta(seconds=platform.release_delay_seconds)
    return timedelta(days=platform.default_release_delay_days)

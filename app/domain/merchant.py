"""A merchant's configuration as the merchant lane holds it."""

import msgspec

from app.domain.configuration import FeePlan


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
    version: int = 0
    """Offset of the record that configured it; stored with every decision that used it."""

"""What a capture costs the merchant and the platform, by the plans in force. Rounded half-up once per fee."""

from typing import NamedTuple

from app.domain.configuration import FeePlan, Platform
from app.domain.merchant import Merchant
from app.domain.money import percentage


class Fees(NamedTuple):
    """Minor units of the capture's currency. `psp` is None where the PSP has no plan: nothing is accrued."""

    platform: int
    psp: int | None
    merchant_psp: int


def plan_fee(plan: FeePlan, amount: int, currency: str) -> int:
    """The proportional part rounded half-up once, plus the fixed part for this currency (none: 0)."""
    return percentage(amount, plan.bps) + plan.fixed.get(currency, 0)


def fees_of(platform: Platform, merchant: Merchant, psp: str, amount: int, currency: str) -> Fees:
    """The platform's fee never exceeds the amount; what a merchant bears never exceeds what is left."""
    own_plan = merchant.fee_plan if merchant.fee_plan is not None else platform.default_plan
    platform_fee = min(amount, plan_fee(own_plan, amount, currency))
    configured = platform.psps.get(psp)
    if configured is None or configured.fee_plan is None:
        return Fees(platform_fee, None, 0)
    psp_fee = plan_fee(configured.fee_plan, amount, currency)
    if configured.fee_payer != "merchant":
        return Fees(platform_fee, psp_fee, 0)
    return Fees(platform_fee, psp_fee, min(psp_fee, amount - platform_fee))

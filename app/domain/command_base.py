"""What the records of lane topics are made of: an id, a merchant, an amount. Minor units of `currency`."""

from typing import ClassVar

import msgspec

from app.domain.fields import Amount, Currency, Id
from app.domain.money import check_currency


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False):
    """What every record of a lane topic has. `is_timer`: only a timer's firing gives it effect."""

    is_timer: ClassVar[bool] = False

    id: Id


class MerchantCommand(Command, frozen=True, kw_only=True, gc=False):
    merchant_id: Id

    def __post_init__(self) -> None:
        if "/" in self.merchant_id:
            raise ValueError("merchant_id must not contain '/'")


class MoneyCommand(MerchantCommand, frozen=True, kw_only=True, gc=False):
    amount: Amount
    currency: Currency

    def __post_init__(self) -> None:
        check_currency(self.currency)
        if "/" in self.merchant_id:
            raise ValueError("merchant_id must not contain '/'")


class Payer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who paid, as far as upstream knows. Personal data."""

    id: str | None = None
    tax_id: str | None = None
    email: str | None = None
    ip: str | None = None
    device: str | None = None
    card_fingerprint: str | None = None
    location: tuple[float, float] | None = None

"""The chart of accounts: prefix, type and normal side.

A balance is kept on the account's normal side: assets and expenses grow by debits, liabilities and
revenue by credits, so a merchant's available money is a positive number.
"""

from typing import Final, Literal

Direction = Literal["debit", "credit"]
DEBIT: Final = "debit"
CREDIT: Final = "credit"

NORMAL_SIDE: Final[dict[str, Direction]] = {
    "m_pend": CREDIT,
    "m_avail": CREDIT,
    "m_hold": CREDIT,
    "psp_recv": DEBIT,
    "transit": DEBIT,
    "bank": DEBIT,
    "reserve": DEBIT,
    "disp_recv": DEBIT,
    "fxpos": DEBIT,
    "suspense": DEBIT,
    "split_transit": CREDIT,
    "payout_transit": CREDIT,
    "unapplied": CREDIT,
    "plat_fee": CREDIT,
    "fee_recovery": CREDIT,
    "psp_fee": DEBIT,
    "psp_tax": DEBIT,
    "disp_fee": DEBIT,
    "payout_fee": DEBIT,
    "disp_loss": DEBIT,
    "write_off": DEBIT,
    "fee_variance": DEBIT,
    "fx_gl": DEBIT,
    "opening": CREDIT,
}
"""Account prefix (before the first colon) -> the side on which it grows."""

MERCHANT_ACCOUNTS: Final = ("m_pend", "m_avail", "m_hold")


def prefix(account: str) -> str:
    return account.partition(":")[0]


def signed(account: str, direction: str, amount: int) -> int:
    """Change of the account's balance (normal side) by an entry of `amount` minor units."""
    return amount if NORMAL_SIDE[prefix(account)] == direction else -amount

"""`GET /v1/merchants/{id}/balance`: money is answered from PostgreSQL, never from a table of a worker."""

from __future__ import annotations

import msgspec

from app.domain.accounts import MERCHANT_ACCOUNTS
from app.store.web_reads import balances_of, merchant_exists
from web.call import Call, Principal
from web.params import PositionText
from web.problems import Problem
from web.schemas import CurrencyBalance, MerchantBalance


class BalanceQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`min_position`: what a write answered as `Tallystick-Position`; the balance contains that write."""

    min_position: PositionText | None = None


async def get_balance(call: Call[BalanceQuery]) -> MerchantBalance:
    merchant_id = call.path["id"]
    if not call.principal.may_see(merchant_id):
        raise unknown(merchant_id)
    await call.deps.positions.wait_for(call.query.min_position)
    balances = await balances_of(call.deps.pool, accounts_of(merchant_id))
    if not balances and not await merchant_exists(call.deps.pool, merchant_id):
        raise unknown(merchant_id)
    by_currency: dict[str, dict[str, int]] = {}
    for currency, kind, amount in balances:
        by_currency.setdefault(currency, {})[kind] = amount
    return MerchantBalance(
        merchant_id=merchant_id,
        balances=[
            CurrencyBalance(
                currency=currency,
                pending=kinds.get("m_pend", 0),
                available=kinds.get("m_avail", 0),
                held=kinds.get("m_hold", 0),
            )
            for currency, kinds in sorted(by_currency.items())
        ],
    )


def accounts_of(merchant_id: str) -> list[str]:
    """Names of the accounts that are the merchant's own."""
    return [f"{kind}:{merchant_id}" for kind in MERCHANT_ACCOUNTS]


def unknown(merchant_id: str) -> Problem:
    """The same for a merchant that is not there and for another one than the key's."""
    return Problem("not_found", f"no merchant {merchant_id!r}")


def own_merchant(principal: Principal, wanted: str | None) -> str | None:
    """The merchant a list is about: staff's wish, or a merchant key's own, whatever it asks for."""
    own = principal.merchant_id
    if own is not None and wanted not in (None, own):
        raise Problem("forbidden", "a merchant's key sees its own merchant only")
    return own or wanted

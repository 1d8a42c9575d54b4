"""Small worlds of leg B: payments, settlement lines, trailers and bank lines through all lanes, in memory."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from typing import Any, Final

from app.domain.bank_documents import Batch, HeldBankLine
from app.domain.banking import BankLine
from app.domain.commands import PaymentRecord, PlatformConfigure
from app.domain.configuration import OtherRule, PspConfiguration, SourceConfiguration
from app.domain.settlement import SettlementLine, SettlementTrailer
from tests.support.all_lanes import AllLanes

ACCOUNT: Final = "DE89370400440532013000"
BOOKED: Final = date(2026, 11, 23)  # a Monday
AT: Final = datetime(2026, 11, 20, 9, tzinfo=UTC)


def platform(**changes: Any) -> PlatformConfigure:
    """One acquirer that settles to one account; a bank's source that knows bank fees."""
    source = {"psp": "stripe", "settles_to": ACCOUNT, "bank_quiet_seconds": 5, **changes}
    return PlatformConfigure(
        id="cfg",
        psps={"stripe": PspConfiguration()},
        sources={
            "acq": SourceConfiguration(**source),
            "bank": SourceConfiguration(
                other=(OtherRule(pattern="bank*fee", sign="debit", label="the bank's own fee"),)
            ),
        },
    )


def payment(number: int, amount: int = 1000, **changes: Any) -> PaymentRecord:
    fields: dict[str, Any] = {
        "id": f"c{number}",
        "merchant_id": "m-1",
        "payment_id": f"pay-{number}",
        "amount": amount,
        "currency": "EUR",
        "psp": "stripe",
        "psp_payment_id": f"pi_{number}",
        "occurred_at": AT,
        **changes,
    }
    return PaymentRecord(**fields)


def line(number: int, gross: int = 1000, batch: str = "B1", **changes: Any) -> SettlementLine:
    fields: dict[str, Any] = {
        "source": "acq",
        "psp": "stripe",
        "batch_id": batch,
        "line_id": f"L{number}",
        "kind": "capture" if gross >= 0 else "refund",
        "psp_payment_id": f"pi_{number}",
        "currency": "EUR",
        "gross": gross,
        "settle_currency": "EUR",
        "net": gross - changes.get("fee", 0),
        "booked_on": BOOKED,
        **changes,
    }
    return SettlementLine(**fields)


def trailer(count: int, net: int, batch: str = "B1", **changes: Any) -> SettlementTrailer:
    fields: dict[str, Any] = {
        "source": "acq",
        "psp": "stripe",
        "batch_id": batch,
        "count": count,
        "gross": net,
        "fee": 0,
        "net": net,
        "settle_currency": "EUR",
        **changes,
    }
    return SettlementTrailer(**fields)


def bank(number: int, amount: int, text: str | None = "PAYOUT B1", **changes: Any) -> BankLine:
    fields: dict[str, Any] = {
        "account": ACCOUNT,
        "line_id": f"K{number}",
        "amount": amount,
        "currency": "EUR",
        "value_date": date(2026, 11, 24),
        "remittance": text,
        **changes,
    }
    return BankLine(**fields)


def run(facts: list[Any], seed: int = 0, partitions: int = 1, **changes: Any) -> AllLanes:
    """All facts in this order, then every timer."""
    world = AllLanes(partitions, random.Random(seed))
    world.say(platform(**changes))
    world.run()
    world.settle_down(facts)
    assert not [record for outcome, record, _ in world.unhappy if outcome == "dead_letter"]
    return world


def documents(world: AllLanes, collection: str) -> dict[str, Any]:
    """Id -> document."""
    return {ref.key[2]: value for ref, value in world.rows("document") if ref.key[0] == collection}


def batch(world: AllLanes, name: str = "acq/B1") -> Batch:
    found = documents(world, "batch")[name]
    assert isinstance(found, Batch)
    return found


def bank_line(world: AllLanes, line_id: str = "K1") -> HeldBankLine:
    found = documents(world, "bank_line")[line_id]
    assert isinstance(found, HeldBankLine)
    return found


def found(world: AllLanes, leg: str = "B") -> list[tuple[str, int | None, int | None]]:
    """(category, expected, actual) of what is open."""
    opened = [(m.category, m.expected_amount, m.actual_amount) for m in world.open() if m.leg == leg]
    return sorted(opened, key=str)


def clearing(world: AllLanes) -> dict[str, int]:
    """Balances of transit, unapplied and the bank, without zeros."""
    return {
        account: amount
        for (account, _), amount in world.balances().items()
        if account.split(":")[0] in ("transit", "unapplied", "bank", "suspense")
    }

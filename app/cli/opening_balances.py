"""Take over balances from other books, as the first entries of these."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from app.contracts.codec import encode
from app.domain.money import EXPONENTS
from app.domain.opening import PLATFORM_ACCOUNTS, MerchantBalanceOpened, PlatformBalanceOpened
from app.domain.streams import PAYMENTS_COMMANDS, RECONCILIATION_COMMANDS
from app.errors import ConfigurationError
from app.kafka.outgoing import Outgoing
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Publisher
from app.settings import Settings, load_settings

COLUMNS: Final = ("account", "currency", "amount", "on")
MERCHANTS: Final = "m_avail:"
BY: Final = "command line"
Opened = PlatformBalanceOpened | MerchantBalanceOpened


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--check", is_flag=True, help="Read and check the file only; write nothing.")
def command(file: Path, check: bool) -> None:
    """Post the balances of FILE: CSV with the columns account, currency, amount, on.

    Accounts are bank:…, psp_recv:…, reserve:…, suspense, and m_avail:{merchant}; amounts are in units of
    their currency, on the side on which the account grows. What is left stands on the account `opening`. An
    account is opened once: the same file again changes nothing, another amount becomes a dead letter.
    """
    opened = list(read_balances(file))
    if not check:
        asyncio.run(_write(load_settings(), opened))
    click.echo(f"{len(opened)} balances {'are right' if check else 'are written to the lanes that own them'}")


def read_balances(file: Path) -> Iterator[Opened]:
    """Raises ConfigurationError with the line at fault."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = csv.DictReader(text)
        if set(rows.fieldnames or ()) != set(COLUMNS):
            raise ConfigurationError(f"{file}: the columns must be {', '.join(COLUMNS)}")
        seen: set[tuple[str, str]] = set()
        for row in rows:
            try:
                record = _record(row)
            except (ValueError, InvalidOperation) as error:
                raise ConfigurationError(f"{file}, line {rows.line_num}: {error}") from None
            if (row["account"], row["currency"]) in seen:
                raise ConfigurationError(f"{file}, line {rows.line_num}: {row['account']} is listed twice")
            seen.add((row["account"], row["currency"]))
            yield record


def _record(row: dict[str, str]) -> Opened:
    account, currency = row["account"].strip(), row["currency"].strip()
    fields: dict[str, Any] = {
        "id": f"opening/{account}/{currency}",
        "currency": currency,
        "amount": _minor(row["amount"].strip(), currency),
        "on": date.fromisoformat(row["on"].strip()),
        "by": BY,
    }
    if account.startswith(MERCHANTS):
        return msgspec.convert(
            {"type": "merchant_balance.opened", "merchant_id": account.removeprefix(MERCHANTS), **fields},
            MerchantBalanceOpened,
        )
    if account.partition(":")[0] not in PLATFORM_ACCOUNTS:
        raise ValueError(f"{account!r} cannot be opened, only {', '.join(PLATFORM_ACCOUNTS)} and m_avail")
    return msgspec.convert(
        {"type": "platform_balance.opened", "account": account, **fields}, PlatformBalanceOpened
    )


def _minor(text: str, currency: str) -> int:
    """Raises ValueError for more digits than the currency has."""
    scaled = Decimal(text).scaleb(EXPONENTS.get(currency, 0))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{text} has more digits than {currency}")
    return int(scaled)


async def _write(settings: Settings, opened: Sequence[Opened]) -> None:
    publisher = Publisher(settings.kafka_bootstrap_servers, client_id="tallystick-opening")
    try:
        await publisher.publish([_outgoing(record, settings.partitions) for record in opened])
    finally:
        await publisher.stop()


def _outgoing(record: Opened, partitions: int) -> Outgoing:
    of_merchant = isinstance(record, MerchantBalanceOpened)
    key = (record.merchant_id if isinstance(record, MerchantBalanceOpened) else record.account).encode()
    topic = PAYMENTS_COMMANDS if of_merchant else RECONCILIATION_COMMANDS
    return Outgoing(topic, partition_for(key, partitions), key, encode(record))

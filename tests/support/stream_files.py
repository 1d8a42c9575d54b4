"""Real and simulated transaction files as streams of `payment.record`s, amounts exact in minor units.

The files lie in `../shared/fixtures/streams`:
* `fraud_handbook/*.csv`: card payments of three days, simulated. They name no currency and no time zone:
  EUR and UTC are taken. The terminal is the merchant, the customer the payer.
* `berka/trans_even_accounts.csv`: movements on accounts of a Czech bank, 1993-94, in CZK. Only credits
  (`PRIJEM`) are payments; debits (`VYDAJ`, `VYBER`) are money that leaves. The account is the merchant.

Some amounts of the handbook went through binary floating point (85.65 is written 85.64999999999999). The
rule, in `exact_cents`: such a text stands for the cent amount that lies within two units in the last place
of the float it writes (one product of an amount that was itself rounded errs by less). Anything else with
more than two decimals is an error, never rounded silently.

`handbook_totals` and `berka_totals` add up the files by another way, to compare with: floats summed exactly
by `fsum`, whose error over a file is far below half a cent.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

HANDBOOK = ("streams", "fraud_handbook")
BERKA = ("streams", "berka", "trans_even_accounts.csv")
HANDBOOK_CURRENCY = "EUR"
BERKA_CURRENCY = "CZK"
FLOAT_ERROR_ULPS = 2

Record = dict[str, Any]


class Totals(NamedTuple):
    """Number of payments and their sum in minor units."""

    number: int
    amount: int


class AmountError(ValueError):
    """An amount that stands for no exact number of cents; the message says where and why."""


def handbook_files(folder: Path) -> list[Path]:
    """The handbook's days in order."""
    return sorted(folder.glob("*.csv"))


def handbook_payments(file: Path) -> Iterator[Record]:
    """One `payment.record` per row, in time order. Amounts in cents of EUR."""
    for number, row in _rows(file, ","):
        occurred_at = datetime.fromisoformat(row["TX_DATETIME"]).replace(tzinfo=UTC)
        yield {
            "type": "payment.record",
            "id": f"fh-{row['TRANSACTION_ID']}",
            "merchant_id": f"terminal-{row['TERMINAL_ID']}",
            "payment_id": f"fh-{row['TRANSACTION_ID']}",
            "amount": exact_cents(row["TX_AMOUNT"], f"{file.name}:{number}"),
            "currency": HANDBOOK_CURRENCY,
            "psp": "handbook",
            "psp_payment_id": f"fh-{row['TRANSACTION_ID']}",
            "method": "card",
            "occurred_at": _utc(occurred_at),
            "payer": {"id": f"customer-{row['CUSTOMER_ID']}"},
        }


def berka_payments(file: Path) -> Iterator[Record]:
    """One `payment.record` per credit, in the file's order (by date). Amounts in haler, cents of CZK."""
    for number, row in _rows(file, ";"):
        if row["type"] != "PRIJEM":
            continue
        occurred_at = datetime.strptime(f"19{row['date']}", "%Y%m%d").replace(tzinfo=UTC)
        yield {
            "type": "payment.record",
            "id": f"berka-{row['trans_id']}",
            "merchant_id": f"account-{row['account_id']}",
            "payment_id": f"berka-{row['trans_id']}",
            "amount": exact_cents(row["amount"], f"{file.name}:{number}"),
            "currency": BERKA_CURRENCY,
            "psp": "berka",
            "psp_payment_id": f"berka-{row['trans_id']}",
            "method": row["operation"] or row["k_symbol"] or None,
            "occurred_at": _utc(occurred_at),
        }


def exact_cents(text: str, where: str) -> int:
    """Minor units (two digits) of a positive decimal text; see the module's rule for binary artefacts."""
    amount = Decimal(text)
    cents = amount.scaleb(2).to_integral_value()
    error = abs(amount - cents.scaleb(-2))
    allowed = FLOAT_ERROR_ULPS * Decimal(math.ulp(float(text)))
    if error > allowed:
        raise AmountError(
            f"{where}: {text} is {error} away from a whole cent, float error explains {allowed}"
        )
    if cents <= 0:
        raise AmountError(f"{where}: {text} is not a positive amount")
    return int(cents)


def handbook_totals(file: Path) -> Totals:
    """Count and sum of the file, read again and added up as floats."""
    lines = file.read_text(encoding="ascii").splitlines()[1:]
    return _totals([float(line.split(",")[4]) for line in lines])


def berka_totals(file: Path) -> Totals:
    """Count and sum of the credits, read again and added up as floats."""
    lines = file.read_text(encoding="ascii").splitlines()[1:]
    return _totals([float(line.split(";")[5]) for line in lines if line.split(";")[3] == '"PRIJEM"'])


def _totals(amounts: list[float]) -> Totals:
    return Totals(len(amounts), round(math.fsum(amounts) * 100))


def _rows(file: Path, delimiter: str) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, row) of a CSV file with a header."""
    with file.open(encoding="ascii", newline="") as text:
        reader = csv.DictReader(text, delimiter=delimiter)
        for row in reader:
            yield reader.line_num, row


def _utc(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")

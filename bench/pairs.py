"""Payments and the settlement lines they get, each a function of its number, so that nothing has to be kept.

What must come of them is known without any rule of the program: which pairs differ and how, and what the
transit accounts hold in the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from app.domain.streams import SETTLEMENTS_LINES
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing
from bench.load import CURRENCY, MERCHANTS, PARTITIONS, PSP, PSP_BPS, PSP_FIXED, payment

BATCHES: Final = 40
"""Of each source, whatever the number of lines."""
OTHER_CURRENCY: Final = "USD"
WRONG: Final = ("AMOUNT_OVER", "PARTIAL_SETTLEMENT", "FEE_VARIANCE", "CURRENCY_MISMATCH")
TOO_MUCH: Final = 100
"""Minor units by which a wrong line differs; no amount here is smaller than four times that."""
NEVER_COMPLETE: Final = frozenset({"PARTIAL_SETTLEMENT", "CURRENCY_MISMATCH", "MISSING_PAYMENT"})
COLUMNS: Final = "batch,line,charge,order,currency,gross,fee,net,booked\n"


class Mix(NamedTuple):
    """One of so many pairs; 0: none."""

    wrong: int = 50
    repeated: int = 100
    """Settled by two lines."""
    unknown: int = 0
    """A line without any payment."""
    by_reference: int = 10
    """The line names our order only."""


class Line(NamedTuple):
    """Amounts in minor units; `net` = gross - fee."""

    line_id: str
    batch_id: str
    psp_payment_id: str
    """Empty: it names only the order."""
    merchant_ref: str
    currency: str
    gross: int
    fee: int
    booked_on: str

    @property
    def net(self) -> int:
        return self.gross - self.fee

    @property
    def home(self) -> str:
        return self.psp_payment_id or self.merchant_ref


class Pairs(NamedTuple):
    """One source's payments, numbered from anywhere, and their lines."""

    source: str
    mix: Mix

    def defect(self, number: int) -> str | None:
        """Category of the mismatch that this pair must open."""
        if _is_one_of(number, self.mix.unknown, 13):
            return "MISSING_PAYMENT"
        if _is_one_of(number, self.mix.wrong, 7):
            return WRONG[number // self.mix.wrong % len(WRONG)]
        return "DUPLICATE_SETTLEMENT" if _is_one_of(number, self.mix.repeated, 33) else None

    def payment(self, number: int) -> Outgoing | None:
        """None where only a line is there."""
        if self.defect(number) == "MISSING_PAYMENT":
            return None
        return payment(number, number % MERCHANTS, amount_of(number), _now())

    def lines(self, number: int) -> tuple[Line, ...]:
        defect, gross = self.defect(number), amount_of(number)
        fee = (gross * PSP_BPS + 5_000) // 10_000 + PSP_FIXED
        if defect in ("AMOUNT_OVER", "PARTIAL_SETTLEMENT"):
            gross += TOO_MUCH if defect == "AMOUNT_OVER" else -TOO_MUCH
        line = Line(
            line_id=f"L{number}",
            batch_id=f"{self.source}-{number % BATCHES}",
            psp_payment_id="" if _is_one_of(number // 3, self.mix.by_reference, 3) else f"pi_{number}",
            merchant_ref=f"o-{number}",
            currency=OTHER_CURRENCY if defect == "CURRENCY_MISMATCH" else CURRENCY,
            gross=gross,
            fee=fee + TOO_MUCH if defect == "FEE_VARIANCE" else fee,
            booked_on=_today(),
        )
        return (
            (line, line._replace(line_id=f"L{number}-again")) if defect == "DUPLICATE_SETTLEMENT" else (line,)
        )

    def outgoing(self, line: Line) -> Outgoing:
        """The line as upstream writes it to `settlements.lines`."""
        charge = f'"psp_payment_id":"{line.psp_payment_id}",' if line.psp_payment_id else ""
        text = (
            f'{{"type":"settlement.line","source":"{self.source}","psp":"{PSP}","batch_id":"{line.batch_id}",'
            f'"line_id":"{line.line_id}","kind":"capture",{charge}"merchant_ref":"{line.merchant_ref}",'
            f'"currency":"{line.currency}","gross":{line.gross},"fee":{line.fee},'
            f'"settle_currency":"{line.currency}","net":{line.net},"booked_on":"{line.booked_on}"}}'
        )
        key = f"{self.source}/{line.batch_id}".encode()
        return Outgoing(SETTLEMENTS_LINES, partition_for(key, PARTITIONS), key, text.encode())

    def rows(self, numbers: Iterable[int]) -> Iterator[str]:
        """The lines as a CSV file, header first; amounts in major units."""
        yield COLUMNS
        for number in numbers:
            for line in self.lines(number):
                amounts = ",".join(
                    f"{cents // 100}.{cents % 100:02}" for cents in (line.gross, line.fee, line.net)
                )
                yield (
                    f"{line.batch_id},{line.line_id},{line.psp_payment_id},{line.merchant_ref},{line.currency},"
                    f"{amounts},{line.booked_on}\n"
                )


class Truth:
    """What must come of the pairs sent. `planted`: (category, owner key) -> line that completes it."""

    def __init__(self) -> None:
        self.payments = self.complete = self.lines = 0
        self.net: Counter[str] = Counter()
        self.planted: dict[tuple[str, str], str] = {}

    def add(self, pairs: Pairs, number: int) -> None:
        defect, lines = pairs.defect(number), pairs.lines(number)
        self.payments += defect != "MISSING_PAYMENT"
        self.complete += defect not in NEVER_COMPLETE
        self.lines += len(lines)
        for line in lines:
            self.net[line.currency] += line.net
        if defect is not None:
            home = lines[0].home if defect == "MISSING_PAYMENT" else f"pi_{number}"
            self.planted[defect, f"{PSP}:{home}"] = lines[-1].line_id


def source(payment_window_seconds: int) -> dict[str, Any]:
    """The configuration of a source whose files are `Pairs.rows`."""
    fields = {
        "batch_id": "batch",
        "line_id": "line",
        "psp_payment_id": "charge",
        "merchant_ref": "order",
        "currency": "currency",
        "gross": "gross",
        "fee": "fee",
        "net": "net",
        "booked_on": "booked",
    }
    described = {"holds": "settlement", "format": "csv", "fields": fields}
    return {"psp": PSP, "payment_window_seconds": payment_window_seconds, "file": described}


def amount_of(number: int) -> int:
    """From 5.00 to 500.00, spread evenly."""
    return 500 + number * 7_919 % 49_500


def _major(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _is_one_of(number: int, every: int, which: int) -> bool:
    return bool(every) and number % every == which % every


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _today() -> str:
    return datetime.now(UTC).date().isoformat()

"""What acquirers settle of payments, refunds and disputes, and which of it is wrong."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from app.demo.lines import Line, Lines
from app.demo.market import CURRENCIES, DISPUTE_FEES, Psp
from app.demo.payment import Payment
from app.demo.stream import Stream

DELAYS: Final = (0.3, 2.0)
"""Seconds from what is settled to its line."""


class Settlements:
    """Plans lines. Fees are computed with the PSP's plan, which the platform is configured with as well."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._lines = Lines(stream)

    def capture(self, at: float, payment: Payment, defect: str | None = None) -> None:
        """The line of a capture made at `at`, or what the planted `defect` makes of it."""
        stream = self._stream
        if defect == "MISSING_SETTLEMENT":
            stream.truth.plant(defect, payment.name)
            return
        line = self._sound(payment)
        due = at + stream.soon(*DELAYS)
        if defect is not None:
            line = self._spoilt(line, payment, defect)
        elif stream.chance(stream.mix.in_parts):
            line = self._in_parts(due, line)
        elif stream.chance(stream.mix.converted):
            line = self._converted(line)
        self._lines.schedule(due, line)
        if defect == "DUPLICATE_SETTLEMENT":
            again = line._replace(names=self._names(payment), plants=(defect, payment.name))
            self._lines.schedule(due + stream.soon(0.2, 1.5), again)

    def by_order_only(self, at: float, payment: Payment, plants: tuple[str, str] | None = None) -> None:
        """A line that names nothing but our order."""
        line = self._sound(payment)._replace(names={"merchant_ref": payment.order_ref}, plants=plants)
        self._lines.schedule(at + self._stream.soon(*DELAYS), line)

    def refund(self, at: float, payment: Payment, psp_refund_id: str, amount: int) -> None:
        """The line of a refund: negative, and PSPs keep no fee on it here."""
        names = self._lines.names(psp_refund_id, payment.order_ref)
        line = Line(payment.psp, "refund", names, -amount, 0, payment.currency)
        self._lines.schedule(at + self._stream.soon(*DELAYS), line)

    def chargeback(self, at: float, payment: Payment, object_id: str) -> None:
        """`object_id`: the PSP's id that it names, of the dispute or of the payment."""
        names = self._lines.names(object_id, payment.order_ref)
        fee = DISPUTE_FEES[payment.currency]
        line = Line(payment.psp, "chargeback", names, -payment.amount, fee, payment.currency)
        self._lines.schedule(at + self._stream.soon(*DELAYS), line)

    def reversal(self, at: float, payment: Payment, dispute_id: str, fee_returned: int) -> None:
        """A dispute that was won gives the money back."""
        names = self._lines.names(dispute_id, payment.order_ref)
        gross, fee = payment.amount, -fee_returned
        line = Line(payment.psp, "chargeback_reversal", names, gross, fee, payment.currency)
        self._lines.schedule(at + self._stream.soon(*DELAYS), line)

    def stray(self, at: float, psp: Psp, kind: str, amount: int, currency: str, category: str) -> None:
        """A line for a payment that nobody has told us of."""
        object_id, order_ref = self._stream.new_id(psp.payment_prefix), self._stream.new_id("o-")
        names = self._lines.names(object_id, order_ref)
        home = names.get("psp_payment_id", order_ref)
        capture = kind == "capture"
        gross, fee = (amount, psp.plan.fee(amount, currency)) if capture else (-amount, 0)
        plants = (category, f"{psp.name}:{home}")
        self._lines.schedule(at, Line(psp, kind, names, gross, fee, currency, plants))

    def _sound(self, payment: Payment) -> Line:
        fee = payment.psp.plan.fee(payment.amount, payment.currency)
        names = self._names(payment)
        return Line(payment.psp, "capture", names, payment.amount, fee, payment.currency)

    def _names(self, payment: Payment) -> dict[str, str]:
        return self._lines.names(payment.psp_id, payment.order_ref)

    def _in_parts(self, due: float, line: Line) -> Line:
        """Two lines for one capture: the first is scheduled, the second returned."""
        share = self._stream.random.randint(20, 80)
        first = line._replace(gross=line.gross * share // 100, fee=line.fee * share // 100)
        self._lines.schedule(due - self._stream.soon(0.0, DELAYS[0]), first)
        return line._replace(gross=line.gross - first.gross, fee=line.fee - first.fee)

    def _spoilt(self, line: Line, payment: Payment, defect: str) -> Line:
        percent = self._stream.random.randint(2, 30)
        off = max(3, line.gross * percent // 100)
        plants = (defect, payment.name)
        match defect:
            case "AMOUNT_UNDER":
                return line._replace(gross=line.gross - off, plants=plants)
            case "PARTIAL_SETTLEMENT":
                fee = line.fee * (100 - percent) // 100
                return line._replace(gross=line.gross - off, fee=fee, plants=plants)
            case "AMOUNT_OVER":
                return line._replace(gross=line.gross + off, plants=plants)
            case "FEE_VARIANCE":
                return line._replace(fee=line.fee + max(3, line.fee * percent // 50), plants=plants)
            case "DIRECTION_MISMATCH":
                return line._replace(gross=-line.gross, plants=plants)
            case "CURRENCY_MISMATCH":
                return line._replace(currency=self._other_currency(line), plants=plants)
            case "FX_VARIANCE":
                sound = self._converted(line)
                short = max(3, sound.converted * percent // 200)
                return sound._replace(converted=sound.converted - short, plants=plants)
        if defect == "LATE":
            return line._replace(plants=plants)
        return line

    def _other_currency(self, line: Line) -> str:
        others = [code for code in line.psp.plan.fixed if code != line.currency]
        return self._stream.random.choice(others)

    def _converted(self, line: Line) -> Line:
        """Paid out in another currency, at the rate that the line names."""
        other = self._other_currency(line)
        here, there = CURRENCIES[line.currency], CURRENCIES[other]
        rate = Decimal(here.book_rate).scaleb(-here.scale) / Decimal(there.book_rate).scaleb(-there.scale)
        rate = rate.quantize(Decimal("0.000001"), ROUND_HALF_UP)
        exact = (line.gross * rate).scaleb(there.minor_digits - here.minor_digits)
        converted = int(exact.quantize(Decimal(1), ROUND_HALF_UP))
        fee = max(1, converted * 2 // 100)
        return line._replace(settle_currency=other, rate=str(rate), converted=converted, fee=fee)

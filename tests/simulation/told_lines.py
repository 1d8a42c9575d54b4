"""Stories of settlement lines: of a known object by its PSP's id, by our reference or by both; of nobody's.

Mostly right; else short, too much, in parts, twice, late, backwards, in another currency, converted wrongly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from app.domain.streams import SETTLEMENTS_LINES

if TYPE_CHECKING:
    from tests.simulation.generator import Generator

SOURCES: Final = {"adyen": "acquirer-b", "sandbox": "acquirer-s"}
TRAILER: Final = ("source", "psp", "batch_id", "settle_currency")
TOTALS: Final = {"type": "settlement.trailer", "count": 1, "gross": 100, "fee": 2, "net": 98}
ON_TIME: Final = "2026-11-21"
BOOKED: Final = ("2026-11-24", "2026-11-24", "2026-12-04")
"""The last day for one date of capture, late for another; late for all."""
KINDS: Final = ("capture", "capture", "refund", "chargeback", "chargeback", "chargeback_reversal")


class Thing(NamedTuple):
    """What a line settles; `gross` signed, minor units of `currency`."""

    psp: str
    object_id: str | None
    reference: str | None
    kind: str
    gross: int
    currency: str


def tell_lines(told: Generator, place: float, thing: Thing) -> None:
    """The settlement of one object, in one line, in parts, or twice."""
    line = _line(told, thing)
    chance = told.rng.random()
    if chance < 0.06 and abs(thing.gross) > 1 and not _is_reported(told, thing):
        half = thing.gross // 2
        rest = thing.gross - half if told.chance(0.6) else half
        _say_line(told, place, _with_gross(line, half))
        _say_line(told, place + 0.03, _with_gross({**line, "line_id": told.new_id("L")}, rest))
    else:
        _say_line(told, place, line)
    if told.chance(0.05):
        _say_line(told, place + 0.02, {**{name: line[name] for name in TRAILER}, **TOTALS})
    if told.chance(0.08):
        _say_line(told, place + 0.05, {**line, "line_id": told.new_id("L"), "batch_id": "B9"})
    if told.contradicts(0.08):
        _say_line(told, place + 0.05, _corrected(told, line))


def _is_reported(told: Generator, thing: Thing) -> bool:
    """Whether the line may make a dispute of itself when its window closes before one was announced.

    Such a dispute has the line's amount, so orders only agree where all reports of a dispute do.
    """
    return told.orderly and thing.kind == "chargeback"


def tell_strangers(told: Generator, place: float) -> None:
    """A line that nobody announced anything for; its amount may fit something all the same."""
    rng = told.rng
    kind, psp = rng.choice(KINDS), rng.choice(("stripe", "adyen", "sandbox"))
    sign = 1 if kind in ("capture", "chargeback_reversal") else -1
    gross = sign * rng.choice((1_000, 2_500, 4_000, 100 + int(rng.random() * 9_000)))
    name = told.new_id("x")
    object_id = f"pi_{name}" if told.chance(0.6) else None
    reference = f"o-{name}" if object_id is None or told.chance(0.4) else None
    tell_lines(told, place, Thing(psp, object_id, reference, kind, gross, rng.choice(("EUR", "USD"))))


def _line(told: Generator, thing: Thing) -> dict[str, Any]:
    rng = told.rng
    gross, currency = thing.gross, thing.currency
    chance = rng.random()
    if _is_reported(told, thing):
        chance = max(chance, 0.15)
    if chance < 0.1:
        gross += (-1 if told.chance(0.5) else 1) * (1 + int(rng.random() * 50))
    elif chance < 0.13:
        currency = "USD" if currency != "USD" else "EUR"
    elif chance < 0.15:
        gross = -gross
    line: dict[str, Any] = {
        "type": "settlement.line",
        "source": SOURCES.get(thing.psp, "acquirer-a"),
        "psp": thing.psp,
        "batch_id": f"B{int(rng.random() * 4)}",
        "line_id": told.new_id("L"),
        "kind": thing.kind,
        **_identity(told, thing),
        "currency": currency,
        "settle_currency": currency,
        "fee": int(abs(gross) * rng.choice((0.0, 0.015, 0.02, 0.05))),
        "booked_on": rng.choice(BOOKED) if told.chance(0.1) else ON_TIME,
    }
    if chance > 0.95:
        line |= {"tax": 3, "reserve": 10}
    line = _with_gross(line, gross)
    if chance > 0.9 and currency == "EUR":
        _convert(told, line)
    return line


def _with_gross(line: dict[str, Any], gross: int) -> dict[str, Any]:
    taken = line["fee"] + line.get("tax", 0) + line.get("reserve", 0)
    changed = {**line, "gross": gross, "net": gross - taken}
    if line["settle_currency"] != line["currency"]:
        changed["net"] = round(gross * 1.085) - taken
    return changed


def _convert(told: Generator, line: dict[str, Any]) -> None:
    """Paid out in another currency, at the stated rate or at a worse one."""
    line |= {"settle_currency": "USD", "rate": "1.0850", "net": round(line["gross"] * 1.085)}
    line["net"] -= line["fee"] + line.get("tax", 0) + line.get("reserve", 0)
    if told.chance(0.4):
        line["net"] -= 40


def _identity(told: Generator, thing: Thing) -> dict[str, str]:
    """By the PSP's id, our reference, both; or our reference beside another id of the PSP's."""
    by_id = {} if thing.object_id is None else {"psp_payment_id": thing.object_id}
    by_reference = {} if thing.reference is None else {"merchant_ref": thing.reference}
    chance = told.rng.random()
    if not by_reference:
        return by_id or {"merchant_ref": told.new_id("o-lost-")}
    if chance < 0.3 or not by_id:
        other = {"psp_payment_id": told.new_id("pi_other-")} if chance < 0.12 else {}
        return {**by_reference, **other}
    return by_id if chance < 0.5 else {**by_id, **by_reference}


def _corrected(told: Generator, line: dict[str, Any]) -> dict[str, Any]:
    """The same line id with other content: another sum, kind or reference."""
    corrected = _with_gross(line, line["gross"] + 1)
    chance = told.rng.random()
    if chance < 0.2:
        corrected["kind"] = "adjustment"
    elif chance < 0.4 and "psp_payment_id" in line:
        corrected["merchant_ref"] = f"o-{1 + int(told.rng.random() * told.last_id)}"
    elif chance < 0.5 and {"psp_payment_id", "merchant_ref"} <= line.keys():
        del corrected["merchant_ref"]
    return corrected


def _say_line(told: Generator, place: float, line: dict[str, Any]) -> None:
    told.say(place, SETTLEMENTS_LINES, f"{line['source']}/{line['batch_id']}", line)

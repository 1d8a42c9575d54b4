"""The records of a comparison as lists of fields, in one order, so that both sides can stand side by side."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import orjson
from msgspec.structs import replace

from app.store.web_figures import MismatchRow
from web.mismatch_schemas import Difference, Side, SideField

Role = Literal["expected", "actual"]

SAME: Final[Mapping[str, str]] = {
    "expected_fee": "fee", "amount": "gross", "booking_date": "booked_on", "order_ref": "merchant_ref",
    "expected_settle_on": "booked_on",
}  # fmt: skip
"""A record's own name of a field -> the name under which both sides have it."""
ORDER: Final = (
    "kind", "gross", "currency", "fee", "tax", "reserve", "net", "converted", "settle_currency", "rate",
    "occurred_at", "booked_on", "value_date", "merchant_id", "payment_id", "object_id", "psp",
    "psp_payment_id", "merchant_ref", "identities", "source", "batch_id", "line_id",
)  # fmt: skip
AMOUNTS: Final = frozenset({"gross", "fee", "tax", "reserve", "net", "converted"})
IN_SETTLE_CURRENCY: Final = frozenset({"fee", "tax", "reserve", "net"})
SKIPPED: Final = frozenset({"type", "id", "home", "identity"})
EXPECTED_INPUTS: Final = frozenset({"expectation", "batch", "batches", "payout", "payment"})
TITLES: Final[Mapping[str, str]] = {
    "expectation": "Expected", "batch": "Settlement batch", "batches": "Settlement batch",
    "payout": "Payout", "lines": "Settlement line", "line": "Settlement line",
    "facts": "Fact", "bank_lines": "Bank line", "bank_line": "Bank line",
}  # fmt: skip
NOTHING_YET: Final = {"expected": "Nothing was expected", "actual": "Nothing came"}


def sides_of(
    row: MismatchRow, explanation: Mapping[str, Any], differences: Sequence[Difference]
) -> list[Side]:
    """Expected first. A side without a record is there all the same, empty: that is the finding then."""
    differing = frozenset(SAME.get(difference.field, difference.field) for difference in differences)
    found = [*_inputs(explanation), *_own_books(explanation), *_waiting(explanation)]
    sides = [side(role, title, record, row.currency, differing) for role, title, record in found]
    if not sides:
        sides = [amount_side("expected", "Expected", row.expected_amount, row.currency)]
        sides.append(amount_side("actual", "Actual", row.actual_amount, row.currency))
    sides = [_completed(one, differences) for one in sides]
    for role in ("expected", "actual"):
        if all(one.role != role for one in sides):
            sides.append(Side(role=role, title=NOTHING_YET[role], fields=[]))
    return sorted(sides, key=lambda one: one.role == "actual")


def _completed(one: Side, differences: Iterable[Difference]) -> Side:
    """With what was expected of a field that no record has, such as the day on which it was due."""
    there = {field.name for field in one.fields}
    added = [
        SideField(name=name, value=difference.expected, currency=difference.currency, differs=True)
        for difference in differences
        if one.role == "expected"
        and difference.expected is not None
        and (name := SAME.get(difference.field, difference.field)) not in there
    ]
    return replace(one, fields=sorted([*one.fields, *added], key=lambda field: _rank(field.name)))


def side(
    role: Role, title: str, record: Mapping[str, Any], currency: str | None, differing: Collection[str]
) -> Side:
    own, settled = record.get("currency"), record.get("settle_currency")
    named = {SAME.get(name, name): value for name, value in record.items() if _is_shown(name, value)}
    return Side(
        role=role,
        title=title,
        fields=[
            _field(
                name,
                named[name],
                (settled if name in IN_SETTLE_CURRENCY else None) or own or currency,
                differing,
            )
            for name in sorted(named, key=_rank)
        ],
    )


def as_side(record: Mapping[str, Any], currency: str | None) -> Side:
    """A record on its own."""
    return side("actual", "", record, currency, ())


def amount_side(role: Role, title: str, amount: int | None, currency: str | None) -> Side:
    """For explanations that hold no record of this side."""
    if amount is None:
        return Side(role=role, title=NOTHING_YET[role], fields=[])
    field = SideField(name="gross", value=amount, currency=currency, differs=True)
    return Side(role=role, title=title, fields=[field])


def _field(name: str, value: Any, currency: Any, differing: Collection[str]) -> SideField:
    is_amount = name in AMOUNTS and type(value) is int
    return SideField(
        name=name,
        value=value,
        currency=str(currency) if is_amount and currency else None,
        differs=name in differing,
    )


def _is_shown(name: str, value: Any) -> bool:
    return name not in SKIPPED and value not in (None, "", [], {})


def _rank(name: str) -> tuple[int, str]:
    return (ORDER.index(name), "") if name in ORDER else (len(ORDER), name)


Found = tuple[Role, str, Mapping[str, Any]]


def _inputs(explanation: Mapping[str, Any]) -> Iterator[Found]:
    """`inputs` of the matching and banking lanes: records, or lists of them, under the name of their side."""
    inputs = explanation.get("inputs")
    duplicates = set(_list(inputs.get("duplicates"))) if isinstance(inputs, Mapping) else set()
    for name, value in inputs.items() if isinstance(inputs, Mapping) else ():
        role: Role = "expected" if name in EXPECTED_INPUTS else "actual"
        records = [record for record in _list(value) if isinstance(record, Mapping)]
        for number, record in enumerate(records, 1):
            title = TITLES.get(name, name.replace("_", " ").capitalize())
            suffix = f" {record.get('line_id') or number}" if len(records) > 1 else ""
            again = ", again" if record.get("id") in duplicates else ""
            yield role, f"{title}{suffix}{again}", record


def _own_books(explanation: Mapping[str, Any]) -> Iterator[Found]:
    """The merchant lane's: our record beside the PSP's, or a sum per currency."""
    ours, psps, totals = (explanation.get(name) for name in ("ours", "psps", "totals"))
    if isinstance(ours, Mapping):
        yield "expected", "Our record", ours
    if isinstance(psps, Mapping):
        yield "actual", "The PSP’s record", psps
    if isinstance(totals, Mapping):
        yield "expected", "The payment", {"currency": explanation.get("payment")}
        for currency, amount in totals.items():
            yield "actual", f"Facts in {currency}", {"gross": amount, "currency": currency}


def _waiting(explanation: Mapping[str, Any]) -> Iterator[Found]:
    """Facts that waited in vain, kept as the text they came as."""
    for number, held in enumerate(_list(explanation.get("records")), 1):
        text = held.get("record") if isinstance(held, Mapping) else None
        try:
            record = orjson.loads(text) if isinstance(text, str) else text
        except orjson.JSONDecodeError:
            record = {"record": text}
        if isinstance(record, Mapping):
            yield "actual", str(record.get("type", f"Record {number}")), record


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]

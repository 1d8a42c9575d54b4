"""Why two sides do not match, for people: sides, differences, words and a time line from an explanation.

Rules of every lane write explanations, and new ones will: what is known here is shown in its best form,
whatever else there is, is shown as it is. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.store.web_mismatches import MismatchDetails
from web.mismatch_schemas import Difference, Evidence, Rejected
from web.mismatch_words import rule_of, summary_of
from web.sides import sides_of
from web.timeline import timeline_of

SHOWN: Final = frozenset(
    {"rule", "rule_version", "configuration_version", "identity", "inputs", "differences", "reasons"}
    | {"rejected", "severity_reasons", "subject_ids", "resolution", "ours", "psps", "records", "record"}
)
"""Keys of an explanation that have a place of their own; the rest is listed."""


async def evidence_of(pool: Any, found: MismatchDetails) -> Evidence:
    """Reads the ledger and the batch of the last change; the rest lies in the row."""
    explanation, row = found.explanation, found.row
    differences = differences_of(found)
    sides = sides_of(row, explanation, differences)
    return Evidence(
        summary=summary_of(row),
        rule=rule_of(explanation),
        reasons=[*_texts(explanation.get("reasons")), *_texts(explanation.get("reason"))],
        severity_reasons=_texts(explanation.get("severity_reasons")),
        resolution=_text(explanation.get("resolution")),
        sides=sides,
        differences=differences,
        rejected=list(_rejected(explanation.get("rejected"))),
        timeline=await timeline_of(pool, found, sides),
    )


def differences_of(found: MismatchDetails) -> list[Difference]:
    """Field by field as the rule stored them; where it stored none, of the two amounts."""
    stored = found.explanation.get("differences")
    if isinstance(stored, Mapping) and stored:
        return [_difference(str(name), value, found.row.currency) for name, value in stored.items()]
    expected, actual = found.row.expected_amount, found.row.actual_amount
    if expected is None or actual is None or expected == actual:
        return []
    return [_compared("amount", expected, actual, None, found.row.currency)]


def _difference(name: str, value: Any, currency: str | None) -> Difference:
    if not isinstance(value, Mapping):
        return Difference(
            field=name, expected=None, actual=value, difference=None, tolerance=None, currency=None
        )
    own = value.get("currency")
    return _compared(
        name,
        value.get("expected"),
        value.get("actual"),
        value.get("tolerance"),
        own if isinstance(own, str) else currency,
        value.get("difference"),
    )


def _compared(
    name: str, expected: Any, actual: Any, tolerance: Any, currency: str | None, difference: Any = None
) -> Difference:
    amounts = [value for value in (expected, actual) if value is not None]
    is_amount = bool(amounts) and all(type(value) is int for value in amounts)
    if type(difference) is not int:
        difference = actual - expected if is_amount and len(amounts) == 2 else None
    return Difference(
        field=name,
        expected=expected,
        actual=actual,
        difference=difference,
        tolerance=tolerance,
        currency=currency if is_amount else None,
    )


def _rejected(value: Any) -> Iterable[Rejected]:
    for entry in value if isinstance(value, list) else []:
        if isinstance(entry, Mapping):
            fields = {str(name): part for name, part in entry.items() if name not in ("reason", "reasons")}
            yield Rejected(
                record=fields, reasons=[*_texts(entry.get("reasons")), *_texts(entry.get("reason"))]
            )
        else:
            yield Rejected(record={"record": entry}, reasons=[])


def remaining(explanation: Mapping[str, Any]) -> dict[str, Any]:
    """What no other part of the page shows."""
    return {name: value for name, value in explanation.items() if name not in SHOWN and name != "reason"}


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(text) for text in value] if isinstance(value, list | tuple) else []


def _text(value: Any) -> str | None:
    return None if value is None else str(value)

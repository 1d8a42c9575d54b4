"""What a judgement is made of: the finding, the tolerances it was made with, and its explanation."""

from typing import Any, Final, NamedTuple

import msgspec

from app.domain.configuration import Platform
from app.domain.matching import Item
from app.domain.mismatch import Category
from app.domain.pairing import Roles
from app.domain.settlement import LineRecorded

RULE_VERSION: Final = 2
MOST_LINES: Final = 50
"""Lines that an explanation shows in full, or one reference on many lines would outgrow a record."""


class Tolerances(NamedTuple):
    """Minor units; `fee` None: max(1, 0.5 % of the expected fee). `version`: of the configuration."""

    gross: int = 0
    fee: int | None = None
    version: int | None = None


class Finding(NamedTuple):
    """One mismatch that the facts support. `line_id`: the line it is about, None for the item as a whole."""

    category: Category
    line_id: str | None
    currency: str
    expected_amount: int | None
    actual_amount: int | None
    batch_id: str | None
    differences: dict[str, Any]
    reasons: tuple[str, ...]

    @property
    def key(self) -> str:
        """Name of the finding inside its item; the figures of one key may move."""
        return f"{self.category}/{self.line_id}" if self.line_id else self.category


def tolerances(platform: Platform | None, item: Item) -> Tolerances:
    """Those of the source of the item's first line, where it has its own, else its PSP's."""
    if platform is None:
        return Tolerances()
    psp = platform.psps.get(item.psp)
    gross, fee = (psp.gross_tolerance, psp.fee_tolerance) if psp is not None else (0, None)
    source = platform.sources.get(item.lines[0].record.source) if item.lines else None
    if source is not None:
        gross = gross if source.gross_tolerance is None else source.gross_tolerance
        fee = fee if source.fee_tolerance is None else source.fee_tolerance
    return Tolerances(gross, fee, platform.version)


def difference_of(expected: int, actual: int, tolerance: int) -> dict[str, int]:
    difference = actual - expected
    return {"expected": expected, "actual": actual, "difference": difference, "tolerance": tolerance}


def batch_of(lines: tuple[LineRecorded, ...]) -> str | None:
    """The batch that all lines share, None where they lie in several."""
    batches = {line.batch_id for line in lines}
    return batches.pop() if len(batches) == 1 else None


def explanation(item: Item, roles: Roles, finding: Finding, allowed: Tolerances) -> dict[str, Any]:
    """Why, for people and for `mismatches.explanation`: rule, inputs, differences per field, reasons."""
    expectation = item.expectation
    inputs: dict[str, Any] = {
        "expectation": None if expectation is None else msgspec.to_builtins(expectation),
        "lines": [msgspec.to_builtins(line) for line in _shown(item, finding)],
        "parts": [line.id for line in roles.parts],
        "duplicates": [line.id for line in roles.duplicates],
    }
    if item.facts:
        inputs["facts"] = [msgspec.to_builtins(waiting.fact) for waiting in item.facts]
    explained = {
        "rule": _rule(item, finding),
        "rule_version": RULE_VERSION,
        "configuration_version": allowed.version,
        "identity": {"psp": item.psp, "identity": item.identity, "kind": item.kind},
        "inputs": inputs,
        "differences": finding.differences,
        "reasons": [*finding.reasons, *_about_lines(item)],
    }
    return explained | _looked_at(item, finding)


def _about_lines(item: Item) -> list[str]:
    corrected = [held.record.id for held in item.lines if held.earlier]
    reasons = [f"line {line_id} was corrected" for line_id in corrected[:MOST_LINES]]
    if len(item.lines) > MOST_LINES:
        reasons.append(f"{MOST_LINES} of its {len(item.lines)} lines are shown")
    return reasons


def _shown(item: Item, finding: Finding) -> list[LineRecorded]:
    """The line that it is about first, where there are too many."""
    lines = [held.record for held in item.lines]
    if len(lines) <= MOST_LINES:
        return lines
    return sorted(lines, key=lambda line: line.id != finding.line_id)[:MOST_LINES]


def _rule(item: Item, finding: Finding) -> str:
    if finding.category == "AMBIGUOUS":
        return "A3"
    return "A2" if any(held.rule == "A2" for held in item.lines) else "A1"


def _looked_at(item: Item, finding: Finding) -> dict[str, Any]:
    """Candidates and what was rejected, as the open partition saw it."""
    verdicts = [item.verdict, *(held.verdict for held in item.lines if _is_about(finding, held.record.id))]
    found = [verdict for verdict in verdicts if verdict is not None]
    candidates = sorted({name for v in found for name in (*[c.subject for c in v.candidates], *v.lines)})
    rejected = [msgspec.to_builtins(other) for verdict in found for other in verdict.rejected]
    return {key: value for key, value in (("candidates", candidates), ("rejected", rejected)) if value}


def _is_about(finding: Finding, line_id: str) -> bool:
    return finding.line_id is None or finding.line_id == line_id

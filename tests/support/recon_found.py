"""What the program found in `recon_context_01`'s files, in the shape of the independent script's answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from tests.support import recon_context_01 as recon


class Found(Protocol):
    """One open mismatch, from the rules' state or from a row of `mismatches`."""

    @property
    def category(self) -> str: ...
    @property
    def owner_key(self) -> str: ...
    @property
    def expected_amount(self) -> int | None: ...
    @property
    def actual_amount(self) -> int | None: ...
    @property
    def explanation(self) -> dict[str, Any]: ...


def as_comparison(mismatches: Iterable[Found], pairs: int) -> recon.Comparison:
    """Raises AssertionError for a category that the files cannot give."""
    found = recon.Comparison(pairs, {}, {}, set(), set(), set(), set(), set())
    for mismatch in mismatches:
        order = mismatch.owner_key.removeprefix(f"{recon.PSP}:")
        difference = (mismatch.actual_amount or 0) - (mismatch.expected_amount or 0)
        match mismatch.category:
            case "AMOUNT_UNDER" | "AMOUNT_OVER":
                found.gross[order] = difference
            case "FEE_VARIANCE":
                found.fee[order] = difference
            case "DUPLICATE_SETTLEMENT":
                found.duplicates.add(_line_of(mismatch))
            case "MISSING_SETTLEMENT":
                found.missing_settlement.add(order)
            case "MISSING_PAYMENT":
                found.missing_payment.add(order)
            case "LATE":
                found.late.add(order)
            case "CURRENCY_MISMATCH":
                found.currencies.add(order)
            case other:
                raise AssertionError(f"unexpected {other} for {order}")
    return found


def _line_of(mismatch: Found) -> str:
    line_id: str = next(s for s in mismatch.explanation["subject_ids"] if s.startswith(f"{recon.SOURCE}/ACQ"))
    return line_id.removeprefix(f"{recon.SOURCE}/")

"""The transaction details of a camt entry: text and references for the one line that the entry becomes.

A batch may have a hundred thousand of them, so only what a line can carry is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from app.formats.camt_xml import Element, children, find, text
from app.formats.statements import NO_REFERENCE

MOST_TEXTS: Final = 200
LONGEST_REMITTANCE: Final = 4_000
"""Characters; batch ids are looked for in them."""


class Details:
    """Adds up the `TxDtls` of one entry."""

    def __init__(self) -> None:
        self._count = 0
        self._texts: dict[str, None] = {}
        self._references: set[str] = set()
        self._end_to_end: set[str] = set()
        self._names: dict[str, str] = {}

    def add(self, element: Element) -> None:
        self._count += 1
        if len(self._texts) >= MOST_TEXTS:
            return
        for remittance in children(element, "RmtInf"):
            self._add_texts(child.text for child in children(remittance, "Ustrd"))
            for structured in children(remittance, "Strd"):
                self._add_texts([text(structured, "CdtrRefInf/Ref", "CdtrRefInf/CdtrRef")])
                self._add_texts(child.text for child in children(structured, "AddtlRmtInf"))
        self._add_texts([text(element, "AddtlTxInf")])
        self._end_to_end.add(text(element, "Refs/EndToEndId"))
        self._references.add(text(element, "Refs/AcctSvcrRef"))
        for side in ("Dbtr", "Cdtr"):
            if found := text(find(element, "RltdPties"), f"{side}/Nm", f"{side}/Pty/Nm"):
                self._names.setdefault(side, found)

    @property
    def only_reference(self) -> str:
        """The bank's reference where there is one transaction alone."""
        return next(iter(self._references)) if self._count == 1 else ""

    @property
    def end_to_end_id(self) -> str:
        """Where all of them have the same, as a rule because there is one."""
        only = next(iter(self._end_to_end)) if len(self._end_to_end) == 1 else ""
        return "" if only.upper() in NO_REFERENCE else only

    def counterparty(self, *, debit: bool) -> str:
        """Who was paid, of a debit; else who pays. Empty for a batch of several."""
        return self._names.get("Cdtr" if debit else "Dbtr", "") if self._count == 1 else ""

    def remittance(self, entry: Element) -> str:
        """All texts, one per line, and the batch's references behind them."""
        for batch in (find(entry, "Btch"), find(entry, "NtryDtls/Btch")):
            self._add_texts([text(batch, "PmtInfId"), text(batch, "MsgId")])
        self._add_texts([text(entry, "AddtlNtryInf")])
        return "\n".join(self._texts)[:LONGEST_REMITTANCE]

    def _add_texts(self, texts: Iterable[str | None]) -> None:
        for one in texts:
            if one and (clean := " ".join(one.split())):
                self._texts.setdefault(clean)

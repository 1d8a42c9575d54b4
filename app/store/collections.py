"""What is kept in documents: collection -> the struct of its rows.

A collection belongs to one lane. Its key is `Ref("document", (collection, owner key, id))`; its table is a
partition of `documents`, made by the migration that brings it.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from app.domain import bank_documents, bank_payouts
from app.domain.alert import Alert, AlertMember, AlertWindow
from app.domain.audit import AuditEntry
from app.domain.periods import PeriodClosed
from app.domain.runs import Run, Schedule

COLLECTIONS: Final[dict[str, type[msgspec.Struct]]] = {
    bank_documents.BANK_LINE: bank_documents.HeldBankLine,
    bank_documents.BATCH: bank_documents.Batch,
    bank_documents.BATCH_PAGE: bank_documents.BatchPage,
    bank_documents.BANK_NAME: bank_documents.BankName,
    bank_documents.BANK_WEEK: bank_documents.BankWeek,
    bank_documents.BANK_OPEN: bank_documents.BankOpen,
    bank_payouts.BANK_PAYOUT: bank_payouts.BankPayout,
    "alert": Alert,
    "alert_window": AlertWindow,
    "alert_member": AlertMember,
    "audit": AuditEntry,
    "run": Run,
    "schedule": Schedule,
    "period_close": PeriodClosed,
}

_decoders: dict[str, msgspec.json.Decoder[Any]] = {}


def decode_document(key: tuple[str, ...], state: str) -> Any:
    """The value of the document under this key. Raises KeyError for a collection that is not registered."""
    collection = key[0]
    decoder = _decoders.get(collection)
    if decoder is None:
        decoder = _decoders[collection] = msgspec.json.Decoder(COLLECTIONS[collection])
    return decoder.decode(state)

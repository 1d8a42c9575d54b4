"""The same files as `recon_context_01`, described as sources: what a person would write in `platform.toml`.

The `scenario` column, the authors' answer, is mapped to nothing. The acquirer's plan and tolerances are those
its files were made with: 2.9 % + 0.63, fees within 0.20, gross within 0.05.
"""

from __future__ import annotations

from typing import Any, Final

PSP: Final = "acquirer-c01"
LEDGER: Final = "ledger-c01"
SETTLEMENT: Final = "acquirer-c01"
CHARGEBACKS: Final = "chargebacks-c01"
WAIT_SECONDS: Final = 12
"""Everything is in the logs before the first window closes; by their dates all windows are long over."""

_LEDGER_FILE: Final[dict[str, Any]] = {
    "holds": "payments",
    "format": "csv",
    "fields": {
        "merchant_id": "merchant_id",
        "payment_id": "order_id",
        "amount": "amount",
        "currency": "currency",
        "occurred_at": "occurred_at",
    },
    "rows": [
        {
            "when": [{"column": "amount", "sign": "negative"}],
            "type": "dispute.opened",
            "fields": {
                "dispute_id": "ledger_tx_id",
                "amount": {"column": "amount", "absolute": True},
                "id": "ledger_tx_id",
            },
        },
        {
            "type": "payment.record",
            "fields": {
                "psp": {"const": PSP},
                "order_ref": "order_id",
                "method": {"const": "card"},
                "id": "ledger_tx_id",
            },
        },
    ],
}
_SETTLEMENT_FILE: Final[dict[str, Any]] = {
    "holds": "settlement",
    "format": "json",
    "fields": {
        "batch_id": "settlement_id",
        "line_id": "acquirer_tx_id",
        "merchant_ref": "order_id",
        "currency": "currency",
        "gross": "gross_amount",
        "fee": "fee_amount",
        "net": "net_amount",
        "booked_on": "settlement_date",
    },
    "rows": [{"kind": "capture"}],
}
_CHARGEBACKS_FILE: Final[dict[str, Any]] = {
    "holds": "settlement",
    "format": "csv",
    "fields": {
        "batch_id": "reason_code",
        "line_id": "chargeback_id",
        "merchant_ref": "order_id",
        "currency": "currency",
        "gross": "amount",
        "booked_on": "occurred_at",
    },
    "rows": [{"kind": "chargeback"}],
}


def platform() -> dict[str, Any]:
    """A document for `python -m app configure`."""
    waits = {"payment_window_seconds": WAIT_SECONDS, "min_wait_seconds": WAIT_SECONDS}
    fixed = dict.fromkeys(("BRL", "USD", "EUR"), 63)
    return {
        "psps": {PSP: {"fee_plan": {"bps": 290, "fixed": fixed}, "fee_tolerance": 20, "gross_tolerance": 5}},
        "sources": {
            LEDGER: {"psp": PSP, "file": _LEDGER_FILE},
            SETTLEMENT: {"psp": PSP, "file": _SETTLEMENT_FILE, **waits},
            CHARGEBACKS: {"psp": PSP, "file": _CHARGEBACKS_FILE, **waits},
        },
    }

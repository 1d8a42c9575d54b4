"""The platform's configuration for the demo: windows and delays of seconds, so that one sees them pass."""

from __future__ import annotations

from typing import Final

from app.demo.market import BOOK_CURRENCY, CURRENCIES, DEFAULT_PLAN, PSPS
from app.demo.stream import Document

RELEASE_SECONDS: Final = 2
PAYMENT_WINDOW_SECONDS: Final = 8
"""Of lines and of webhooks whose payment is not known. A takeover may last nearly as long; what it delays

further is opened and resolves itself.
"""
MIN_WAIT_SECONDS: Final = 4


def platform() -> Document:
    """A document for `python -m app configure`."""
    return {
        "default_plan": DEFAULT_PLAN.document(),
        "default_release_delay_days": 0,
        "release_delay_seconds": RELEASE_SECONDS,
        "parking_window_seconds": PAYMENT_WINDOW_SECONDS,
        "psps": {
            psp.name: {
                "fee_plan": psp.plan.document(),
                "fee_payer": "platform",
                "settlement_window_seconds": psp.window_seconds,
            }
            for psp in PSPS.values()
        },
        "sources": {
            psp.source: {
                "psp": psp.name,
                "payment_window_seconds": PAYMENT_WINDOW_SECONDS,
                "min_wait_seconds": MIN_WAIT_SECONDS,
            }
            for psp in PSPS.values()
        },
        "book": {
            "currency": BOOK_CURRENCY,
            "rates": {
                code: {"value": facts.book_rate, "scale": facts.scale, "quote_id": f"demo-{code}"}
                for code, facts in CURRENCIES.items()
                if code != BOOK_CURRENCY
            },
        },
    }

"""A payment as the demo knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from app.demo.market import Merchant, Psp
from app.demo.stream import Document

Teller = Literal["us", "both", "psp"]
"""Who tells that it was captured: our own system alone, the PSP by webhook, or both of them."""


@dataclass
class Payment:
    """`left` is what may still be refunded, minor units of `currency`."""

    merchant: Merchant
    psp: Psp
    id: str
    psp_id: str
    amount: int
    currency: str
    left: int
    order_ref: str
    teller: Teller = "us"
    is_named: bool = False
    """Whether the PSP has our ids in its metadata; else only its own id says whose a webhook is."""
    is_nameless: bool = False
    """Our own system does not know the PSP's id of it."""
    invoice_id: str | None = None
    tax_id: str | None = None
    happened: float | None = None
    """Seconds after the start; None: when it is told."""
    document: Document = field(default_factory=dict)
    """Our own record of it."""

    @property
    def name(self) -> str:
        """Of a mismatch between it and its settlement."""
        return f"{self.psp.name}:{self.psp_id}"

    @property
    def own_name(self) -> str:
        """Of a mismatch among what was told about it."""
        return f"{self.merchant.id}/{self.id}"

    @property
    def metadata(self) -> dict[str, str]:
        """Our ids, as far as its PSP has them."""
        if not self.is_named:
            return {}
        ids = {"merchant_id": self.merchant.id, "payment_id": self.id, "order_ref": self.order_ref}
        return ids if self.invoice_id is None else {**ids, "invoice_id": self.invoice_id}

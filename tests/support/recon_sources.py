"""The sources of the real card acquirer data set, as an operator would write them: data, no code.

`scenario`, the authors' answer, is mapped by none of them.
"""

from __future__ import annotations

from pathlib import Path

PLATFORM = """
[psps.acquirer-c01]
fee_plan = { bps = 290, fixed = { BRL = 63, USD = 63, EUR = 63 } }
fee_tolerance = 20
gross_tolerance = 5

# Our side: one row per sale, and one with a negative amount per chargeback.
[sources.ledger-c01]
psp = "acquirer-c01"
[sources.ledger-c01.file]
holds = "payments"
format = "csv"
[sources.ledger-c01.file.fields]
line_id = "ledger_tx_id"
merchant_id = "merchant_id"
payment_id = "order_id"
currency = "currency"
occurred_at = "occurred_at"
[[sources.ledger-c01.file.rows]]
when = [{ column = "amount", sign = "positive" }]
type = "payment.record"
fields = { amount = "amount", order_ref = "order_id", method = { const = "card" } }
[[sources.ledger-c01.file.rows]]
when = [{ column = "amount", sign = "negative" }]
type = "dispute.opened"
fields = { amount = { column = "amount", absolute = true }, dispute_id = "ledger_tx_id" }

# The acquirer's settlement file.
[sources.acquirer-c01]
psp = "acquirer-c01"
[sources.acquirer-c01.file]
holds = "settlement"
format = "json"
[sources.acquirer-c01.file.fields]
batch_id = "settlement_id"
line_id = "acquirer_tx_id"
merchant_ref = "order_id"
currency = "currency"
gross = "gross_amount"
fee = "fee_amount"
net = "net_amount"
booked_on = "settlement_date"

# The acquirer's chargebacks: negative already, without a fee; a day is a batch.
[sources.chargebacks-c01]
psp = "acquirer-c01"
[sources.chargebacks-c01.file]
holds = "settlement"
format = "csv"
[sources.chargebacks-c01.file.fields]
batch_id = { column = "occurred_at", pattern = '^\\d{4}-\\d{2}-\\d{2}' }
line_id = "chargeback_id"
merchant_ref = "order_id"
currency = "currency"
gross = "amount"
booked_on = "occurred_at"
[[sources.chargebacks-c01.file.rows]]
kind = "chargeback"
"""

FILES = {
    "ledger-c01": "matcher__ledger-midaz.csv",
    "acquirer-c01": "matcher__acquirer-settlement.json",
    "chargebacks-c01": "matcher__chargebacks.csv",
}
"""Source -> its file in the data set."""


def write_platform(folder: Path) -> Path:
    """The platform's file with all three sources."""
    path = folder / "platform.toml"
    path.write_text(PLATFORM, encoding="utf-8")
    return path

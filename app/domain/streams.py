"""Names of the streams the rules send records to. What is on them: `app/contracts/topics.py`."""

from typing import Final

PAYMENTS_COMMANDS: Final = "payments.commands"
MATCHING_COMMANDS: Final = "matching.commands"
SETTLEMENTS_LINES: Final = "settlements.lines"
BANK_LINES: Final = "bank.lines"
BANKING_COMMANDS: Final = "banking.commands"
PSP_WEBHOOKS: Final = "psp.webhooks"
PAYMENTS_EVENTS: Final = "payments.events"
LEDGER_TRANSACTIONS: Final = "ledger.transactions"
RECONCILIATION_MISMATCHES: Final = "reconciliation.mismatches"
EFFECTS_REQUESTS: Final = "effects.requests"
ALERTS_COMMANDS: Final = "alerts.commands"
RECONCILIATION_COMMANDS: Final = "reconciliation.commands"
RECONCILIATION_RUNS: Final = "reconciliation.runs"

LANE_CODES: Final = {
    PAYMENTS_COMMANDS: "pc",
    MATCHING_COMMANDS: "mc",
    SETTLEMENTS_LINES: "sl",
    BANK_LINES: "bl",
    BANKING_COMMANDS: "bc",
    PSP_WEBHOOKS: "pw",
    EFFECTS_REQUESTS: "er",
    ALERTS_COMMANDS: "al",
    RECONCILIATION_COMMANDS: "rc",
}
"""Short topic codes that begin every id made by a lane; a data format, never to be changed."""

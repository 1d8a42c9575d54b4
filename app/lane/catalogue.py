"""Which topics are lanes, and whose rules decide their records."""

from collections.abc import Mapping
from typing import Final

from app.contracts.codec import decoder
from app.domain import (
    alerts_lane,
    bank_door,
    banking_lane,
    effects_lane,
    matching_lane,
    merchant_lane,
    reconciliation_lane,
    settlement_door,
)
from app.domain.batch_records import BatchLines
from app.domain.batch_shares import gathered as gathered_lines
from app.domain.streams import (
    ALERTS_COMMANDS,
    BANK_LINES,
    BANKING_COMMANDS,
    EFFECTS_REQUESTS,
    MATCHING_COMMANDS,
    PAYMENTS_COMMANDS,
    PSP_WEBHOOKS,
    RECONCILIATION_COMMANDS,
    SETTLEMENTS_LINES,
)
from app.lane.ports import Rules
from app.psp import door as webhook_door

RULES: Final[Mapping[str, Rules]] = {
    PAYMENTS_COMMANDS: Rules(
        topic=PAYMENTS_COMMANDS,
        decode=decoder(PAYMENTS_COMMANDS),
        decide=merchant_lane.decide,
        prefetch=merchant_lane.prefetch,
        record_key=merchant_lane.record_key,
        refused=merchant_lane.refused,
    ),
    MATCHING_COMMANDS: Rules(
        topic=MATCHING_COMMANDS,
        decode=decoder(MATCHING_COMMANDS),
        decide=matching_lane.decide,
        prefetch=matching_lane.prefetch,
        record_key=matching_lane.record_key,
        accepts_correction=matching_lane.accepts_correction,
        correct=matching_lane.correct,
        gather={BatchLines: gathered_lines},
        gather_by=lambda record: (record.source, record.batch_id),
    ),
    SETTLEMENTS_LINES: Rules(
        topic=SETTLEMENTS_LINES,
        decode=decoder(SETTLEMENTS_LINES),
        decide=settlement_door.decide,
        prefetch=settlement_door.prefetch,
        record_key=settlement_door.record_key,
        is_door=True,
    ),
    BANKING_COMMANDS: Rules(
        topic=BANKING_COMMANDS,
        decode=decoder(BANKING_COMMANDS),
        decide=banking_lane.decide,
        prefetch=banking_lane.prefetch,
        record_key=banking_lane.record_key,
        accepts_correction=banking_lane.accepts_correction,
    ),
    EFFECTS_REQUESTS: Rules(
        topic=EFFECTS_REQUESTS,
        decode=decoder(EFFECTS_REQUESTS),
        decide=effects_lane.decide,
        prefetch=effects_lane.prefetch,
        record_key=effects_lane.record_key,
    ),
    RECONCILIATION_COMMANDS: Rules(
        topic=RECONCILIATION_COMMANDS,
        decode=decoder(RECONCILIATION_COMMANDS),
        decide=reconciliation_lane.decide,
        prefetch=reconciliation_lane.prefetch,
        record_key=reconciliation_lane.record_key,
    ),
    ALERTS_COMMANDS: Rules(
        topic=ALERTS_COMMANDS,
        decode=decoder(ALERTS_COMMANDS),
        decide=alerts_lane.decide,
        prefetch=alerts_lane.prefetch,
        record_key=alerts_lane.record_key,
    ),
    BANK_LINES: Rules(
        topic=BANK_LINES,
        decode=decoder(BANK_LINES),
        decide=bank_door.decide,
        prefetch=bank_door.prefetch,
        record_key=bank_door.record_key,
        is_door=True,
    ),
    PSP_WEBHOOKS: Rules(
        topic=PSP_WEBHOOKS,
        decode=decoder(PSP_WEBHOOKS),
        decide=webhook_door.decide,
        prefetch=webhook_door.prefetch,
        record_key=webhook_door.record_key,
        is_door=True,
    ),
}
"""Topic -> rules. The agents are exactly these (`agents/`), one file per stream."""

OWNER_LANES: Final = tuple(topic for topic, rules in RULES.items() if not rules.is_door)
"""Topics whose logs hold everything that was ever decided: what `replay` reads."""

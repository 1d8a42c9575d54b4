"""The merchant lane and the matching lane together, in memory: what one sends, the other decides at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from app.domain import merchant_lane
from app.domain.accounts import signed
from app.domain.commands import PlatformConfigure
from app.domain.configuration import FeePlan, PspConfiguration, SourceConfiguration
from app.domain.decision import Conflict, Draft, Duplicate, Ignored, Refused, Source, Transaction
from app.domain.merchant_records import MerchantLaneRecord
from app.domain.payment import Payment, payment_ref
from app.domain.state import Ref
from app.domain.streams import MATCHING_COMMANDS, PAYMENTS_COMMANDS
from tests.support.matching_world import NOON, MatchingWorld


class TwoLanes:
    """One partition of each. `send` takes records of the merchant lane, `matching.send` lines."""

    def __init__(self, plan: FeePlan | None = None) -> None:
        self.matching = MatchingWorld()
        self.state: dict[Ref, Any] = {}
        self.transactions: list[Transaction] = []
        self._offset = 0
        self._heard = 0
        platform = PlatformConfigure(
            id="cfg",
            psps={"stripe": PspConfiguration(fee_plan=plan)},
            sources={"acq": SourceConfiguration(psp="stripe")},
        )
        self.send(platform)
        self.matching.send(platform)

    def get(self, ref: Ref) -> Any:
        return self.state.get(ref)

    def send_fields(self, fields: dict[str, Any]) -> str:
        """Send a record as upstream writes it."""
        command: MerchantLaneRecord = msgspec.convert(fields, MerchantLaneRecord)
        return self.send(command)

    def send(self, command: MerchantLaneRecord) -> str:
        key = merchant_lane.record_key(command) or ""
        self._offset += 1
        draft = Draft(
            self, Source(PAYMENTS_COMMANDS, 0, self._offset, key, NOON + timedelta(seconds=self._offset))
        )
        try:
            merchant_lane.decide(draft, command)
        except (Duplicate, Ignored, Refused, Conflict) as ending:
            return type(ending).__name__
        self.state.update(draft.state)
        self.transactions += draft.transactions
        for send in draft.sends:
            if send.topic == MATCHING_COMMANDS:
                self.matching.send(send.record, key=send.key)
        self.hear()
        return "Applied"

    def hear(self) -> None:
        """The merchant lane decides what the matching lane has told it since."""
        while self._heard < len(self.matching.sends):
            told = self.matching.sends[self._heard]
            self._heard += 1
            if told.topic == PAYMENTS_COMMANDS:
                assert self.send(told.record) in ("Applied", "Duplicate", "Ignored"), told.record

    def payment(self, payment_id: str) -> Payment:
        found = self.state[payment_ref("m-1", payment_id)]
        assert isinstance(found, Payment)
        return found

    def balances(self) -> dict[tuple[str, str], int]:
        """Both lanes' books: (account, currency) -> balance on its normal side; zero ones are left out."""
        sums: dict[tuple[str, str], int] = {}
        for transaction in (*self.transactions, *self.matching.transactions):
            for entry in transaction.entries:
                place = (entry.account, entry.currency)
                sums[place] = sums.get(place, 0) + signed(entry.account, entry.direction, entry.amount)
        return {place: balance for place, balance in sums.items() if balance}

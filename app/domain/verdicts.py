"""Answers that leave or reach an item: the merchant's `settlement.matched`, the open partition's verdicts."""

from msgspec.structs import replace

from app.domain.commands import SettlementMatched
from app.domain.decision import Draft, Ignored
from app.domain.matching import Item
from app.domain.matching_records import MatchDecided, OpenEntry
from app.domain.streams import PAYMENTS_COMMANDS


def tell_merchant(draft: Draft, item: Item, complete: bool) -> Item:
    """Tell the merchant lane when an object's gross has been settled, or no longer is."""
    expectation = item.expectation
    if expectation is None or complete == item.matched:
        return item if expectation is not None or not item.matched else replace(item, matched=False)
    record = SettlementMatched(
        id=draft.next_id(),
        merchant_id=expectation.merchant_id,
        payment_id=expectation.payment_id,
        object_id=expectation.object_id,
        kind=item.kind,
        matched=complete,
        occurred_at=draft.now,
        home=item.identity,
    )
    draft.send(PAYMENTS_COMMANDS, expectation.merchant_id, record)
    return replace(item, matched=complete)


def with_verdict(item: Item, command: MatchDecided) -> Item:
    """Keep what the open partition says. Raises Ignored where it speaks of what has left meanwhile."""
    if command.side == "expectation":
        if item.entered is None or not _answers(command, item.entered):
            raise Ignored("the expectation is not left over any more")
        return replace(item, verdict=command.verdict)
    held = item.find(command.subject)
    if held is None or held.entered is None or not _answers(command, held.entered):
        raise Ignored("the line is not left over any more")
    kept = replace(held, verdict=command.verdict)
    return item.with_away(kept) if kept.sent_to else item.with_line(kept)


def _answers(command: MatchDecided, entered: OpenEntry) -> bool:
    """A partition's last answer is its last word; another currency's is of an entry that has left."""
    return entered.subject == command.subject and command.currency in (None, entered.currency)

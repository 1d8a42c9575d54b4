"""A payout and the bank account that it leaves: what it announces there, and what it is told in return."""

from msgspec.structs import replace

from app.domain.configuration import Platform
from app.domain.decision import Draft, Duplicate, Ignored
from app.domain.merchant import platform_in
from app.domain.payout import Payout, payout_ref
from app.domain.payout_records import BankTold, PayoutAnnounced, PayoutBanked
from app.domain.streams import BANKING_COMMANDS


def announce_to_bank(draft: Draft, payout: Payout) -> None:
    """Tell the payout's bank account how it stands, where the account's lines are compared with payouts.

    One that a person has yet to approve, or has rejected, leaves no account.
    """
    if payout.approval in ("pending", "rejected") and not payout.has_left:
        return
    if not is_compared(platform_in(draft), payout.bank_account):
        return
    record = PayoutAnnounced(
        id=draft.next_id(),
        account=payout.bank_account,
        merchant_id=payout.merchant_id,
        payout_id=payout.id,
        seq=payout.seq,
        amount=payout.amount,
        currency=payout.currency,
        started_at=payout.started_at or draft.now,
        psp_payout_id=payout.psp_payout_id,
        bank_fee=payout.bank_fee,
        facts=payout.facts,
        paid_at=payout.paid_at,
        returned_at=payout.returned_at,
    )
    draft.send(BANKING_COMMANDS, payout.bank_account, record)


def is_compared(platform: Platform, account: str) -> bool:
    """Whether a source says that the account's lines show payouts."""
    return any(source.payouts and source.settles_to == account for source in platform.sources.values())


def note_bank(draft: Draft, command: PayoutBanked) -> None:
    """Keep what the bank shows of a payout. Raises Ignored of one that is not ours, Duplicate."""
    payout: Payout | None = draft.get(payout_ref(command.merchant_id, command.payout_id))
    if payout is None:
        raise Ignored(f"there is no payout {command.payout_id}")
    told = BankTold(command.confirmed, command.lines, command.difference)
    if told == payout.bank:
        raise Duplicate
    draft.put(payout_ref(payout.merchant_id, payout.id), replace(payout, bank=told))

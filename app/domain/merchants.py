"""`merchant.configure`: the plan, delays and limits that later decisions about a merchant use."""

from app.domain.commands import MerchantConfigure
from app.domain.decision import Draft
from app.domain.events import MerchantConfigured
from app.domain.guards import watch_balance
from app.domain.merchant import Merchant, merchant_ref
from app.domain.scheduled_payouts import schedule_payouts
from app.domain.streams import PAYMENTS_EVENTS


def configure_merchant(draft: Draft, command: MerchantConfigure) -> None:
    """Replace the configuration as a whole; its version is the record's offset. Past decisions stay."""
    ref = merchant_ref(command.merchant_id)
    before: Merchant | None = draft.get(ref)
    merchant = Merchant(
        merchant_id=command.merchant_id,
        name=command.name,
        settlement_currency=command.settlement_currency,
        fee_plan=command.fee_plan,
        release_delay_days=command.release_delay_days,
        release_delay_seconds=command.release_delay_seconds,
        negative_limit=command.negative_limit,
        negative=before.negative if before else (),
        currencies=before.currencies if before else (),
        version=draft.source.offset,
        seq=before.seq + 1 if before else 1,
        endpoints=before.endpoints if before else (),
        payout_approval_above=command.payout_approval_above,
        payout_schedule=command.payout_schedule,
        flows=before.flows if before else {},
    )
    draft.put(ref, merchant)
    event = MerchantConfigured(
        id=draft.next_id(),
        seq=merchant.seq,
        merchant_id=merchant.merchant_id,
        merchant_version=merchant.version,
        occurred_at=draft.now,
    )
    draft.send(PAYMENTS_EVENTS, merchant.merchant_id, event)
    schedule_payouts(draft, before, command)
    for currency in merchant.currencies:
        watch_balance(draft, merchant.merchant_id, currency)

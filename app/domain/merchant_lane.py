"""The merchant lane, `payments.commands` keyed by merchant id: one rule per type of record.

What a newcomer looks for: captures (`captures.py`), refunds (`refunds.py`), payouts (`payouts.py`), the
accounts they touch (`postings.py`), what makes two facts the same (`dedup.py`), limits (`guards.py`).
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from app.domain import platform, prefetching, workflow_merchant
from app.domain.authorization_expiry import expire_authorization
from app.domain.batch_records import PaymentSettled
from app.domain.capture_requests import request_capture, request_void
from app.domain.captures import record_payment
from app.domain.command_base import Command, MerchantCommand
from app.domain.commands import (
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    FundsRelease,
    MerchantConfigure,
    ParkedExpire,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentExpired,
    PaymentFailed,
    PaymentRecord,
    PaymentVoided,
    PayoutCreate,
    PayoutDue,
    PayoutFailed,
    PayoutPaid,
    PayoutReturned,
    PlatformConfigure,
    RefundCreate,
    RefundFailed,
    RefundRecord,
    SettlementMatched,
)
from app.domain.decision import Draft, Refused
from app.domain.disputes import record_dispute
from app.domain.funds import release_funds
from app.domain.inquiries import inquire_payment, inquire_payout
from app.domain.merchant_records import MerchantLaneRecord
from app.domain.merchants import configure_merchant
from app.domain.opening import MerchantBalanceOpened, open_merchant_balance
from app.domain.payment_creation import create_payment
from app.domain.payment_facts import record_payment_fact
from app.domain.payment_requests import (
    AuthorizationExpire,
    PaymentCapture,
    PaymentCreate,
    PaymentInquire,
    PaymentVoid,
    PayoutApprove,
    PayoutInquire,
    PayoutReject,
)
from app.domain.payout_bank import note_bank
from app.domain.payout_flows import keep_flows
from app.domain.payout_records import PayoutBanked
from app.domain.payout_requests import approve_payout, create_payout, reject_payout
from app.domain.payouts import record_payout_fact
from app.domain.periods import PeriodClose, close_period
from app.domain.psp_answers import take_answer
from app.domain.psp_calls import PspAnswered
from app.domain.refund_failures import record_refund_failure
from app.domain.refunds import create_refund, record_refund
from app.domain.refusals import announce_refusal
from app.domain.scheduled_payouts import pay_out
from app.domain.settlement_facts import record_settled, record_settlement
from app.domain.split_parents import expire_split, note_posted, refund_part
from app.domain.split_records import SplitCaptured, SplitDue, SplitPosted, SplitRefund
from app.domain.split_sellers import record_share
from app.domain.state import Ref
from app.domain.waiting import expire_waiting, release_waiting
from app.domain.webhook_endpoint import (
    WebhookEndpointCreate,
    WebhookEndpointDisable,
    WebhookEndpointRotate,
    WebhookEndpointUpdate,
)
from app.domain.webhook_endpoints import (
    create_endpoint,
    disable_endpoint,
    rotate_secret,
    update_endpoint,
)
from app.domain.webhook_fanout import fan_out
from app.domain.workflow_records import ACTIONS, MismatchAction

Rule = Callable[[Draft, Any], tuple[str, ...] | None]
"""Returns the subjects that became known, so that what waited for them is decided now."""

RULES: Final[dict[type[Command], Rule]] = {
    PlatformConfigure: platform.configure,
    PeriodClose: close_period,
    MerchantBalanceOpened: open_merchant_balance,
    MerchantConfigure: configure_merchant,
    PaymentRecord: record_payment,
    PaymentAuthorized: record_payment_fact,
    PaymentActionRequired: record_payment_fact,
    PaymentFailed: record_payment_fact,
    PaymentVoided: record_payment_fact,
    PaymentExpired: record_payment_fact,
    RefundRecord: record_refund,
    RefundCreate: create_refund,
    RefundFailed: record_refund_failure,
    DisputeOpened: record_dispute,
    DisputeWon: record_dispute,
    DisputeLost: record_dispute,
    SettlementMatched: record_settlement,
    PaymentSettled: record_settled,
    PayoutCreate: create_payout,
    PayoutApprove: approve_payout,
    PayoutReject: reject_payout,
    PayoutDue: pay_out,
    PayoutPaid: record_payout_fact,
    PayoutFailed: record_payout_fact,
    PayoutReturned: record_payout_fact,
    PayoutBanked: note_bank,
    FundsRelease: release_funds,
    ParkedExpire: expire_waiting,
    WebhookEndpointCreate: create_endpoint,
    WebhookEndpointUpdate: update_endpoint,
    WebhookEndpointRotate: rotate_secret,
    WebhookEndpointDisable: disable_endpoint,
    PaymentCreate: create_payment,
    PaymentCapture: request_capture,
    PaymentVoid: request_void,
    AuthorizationExpire: expire_authorization,
    PaymentInquire: inquire_payment,
    PayoutInquire: inquire_payout,
    SplitCaptured: record_share,
    SplitRefund: refund_part,
    SplitPosted: note_posted,
    SplitDue: expire_split,
    **dict.fromkeys(ACTIONS, workflow_merchant.act),
    PspAnswered: lambda draft, command: take_answer(draft, command, _decide),
}


def decide(draft: Draft, command: MerchantLaneRecord) -> None:
    """What one record of `payments.commands` does; see `app/domain/decision.py` for how it ends."""
    _decide(draft, command)
    keep_flows(draft)
    fan_out(draft)


def _decide(draft: Draft, command: MerchantLaneRecord) -> None:
    subjects = RULES[type(command)](draft, command)
    for subject in subjects or ():
        release_waiting(draft, subject, _decide)


def prefetch(command: MerchantLaneRecord) -> Iterable[Ref]:
    """Rows the decision will surely want."""
    return prefetching.prefetch(command)


def record_key(command: MerchantLaneRecord) -> str | None:
    """The Kafka key a record must have; None: goes to every partition."""
    if isinstance(command, MerchantCommand):
        return command.merchant_id
    if isinstance(command, MismatchAction):
        return command.owner_key
    return command.key if isinstance(command, ParkedExpire) else None


def refused(draft: Draft, command: MerchantLaneRecord, refusal: Refused) -> None:
    """Tells the outside of a refusal, in a draft of its own that posts nothing; of staff's own, nothing."""
    if isinstance(command, MismatchAction):
        return
    announce_refusal(draft, command, refusal)
    fan_out(draft)

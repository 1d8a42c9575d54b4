"""Rows that a record of the merchant lane will surely want; what is not named here costs a second load."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

from app.domain import workflow
from app.domain.batch_records import PaymentSettled
from app.domain.commands import (
    DisputeFact,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    FundsRelease,
    MerchantConfigure,
    ParkedExpire,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentExpired,
    PaymentFact,
    PaymentFailed,
    PaymentRecord,
    PaymentVoided,
    PayoutCreate,
    PayoutDue,
    PayoutFact,
    PayoutFailed,
    PayoutPaid,
    PayoutReturned,
    PlatformConfigure,
    RefundCreate,
    RefundFailed,
    RefundRecord,
    SettlementMatched,
)
from app.domain.dedup import (
    alias_claim,
    capture_claims,
    dispute_claims,
    own_claim,
    payment_claims,
    refund_claims,
    semantic_claim,
)
from app.domain.funds import TIMER as RELEASE
from app.domain.funds import timer_subject
from app.domain.inquiries import PAYMENT_INQUIRY, PAYOUT_INQUIRY
from app.domain.merchant import merchant_ref
from app.domain.opening import MerchantBalanceOpened, rows_of
from app.domain.parking import TIMER as PARKED
from app.domain.parking import parked_ref
from app.domain.payment import payment_ref
from app.domain.payment_facts import EXPIRY_TIMER
from app.domain.payment_identity import payment_subject
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
from app.domain.payout import payout_ref
from app.domain.payout_records import PayoutBanked
from app.domain.periods import PeriodClose
from app.domain.postings import available, held, pending, receivable
from app.domain.psp_calls import PspAnswered
from app.domain.psp_facts import to_command
from app.domain.scheduled_payouts import SUBJECT as PAYOUT_SCHEDULE
from app.domain.scheduled_payouts import TIMER as PAYOUT_TIMER
from app.domain.split import Parent, derived_id, transit
from app.domain.split_records import SplitCaptured, SplitDue, SplitPosted, SplitRefund
from app.domain.split_telling import TIMER as SPLIT_TIMER
from app.domain.state import PLATFORM, Ref, account_ref
from app.domain.timers import timer_ref
from app.domain.webhook_endpoint import (
    WebhookEndpointCommand,
    WebhookEndpointCreate,
    WebhookEndpointDisable,
    WebhookEndpointRotate,
    WebhookEndpointUpdate,
)
from app.domain.workflow_records import ACTIONS

_FEE_ACCOUNTS: Final = ("plat_fee", "psp_fee", "fee_recovery")


@lru_cache(maxsize=4096)
def _platform_rows(psp: str, currency: str) -> tuple[Ref, ...]:
    accounts = (receivable(psp), *_FEE_ACCOUNTS)
    return (PLATFORM, *[account_ref(account, currency) for account in accounts])


def _wallet(merchant_id: str, currency: str) -> tuple[Ref, ...]:
    return (
        merchant_ref(merchant_id),
        account_ref(pending(merchant_id), currency),
        account_ref(available(merchant_id), currency),
    )


def _payment(command: PaymentRecord) -> Iterable[Ref]:
    merchant_id, payment_id = command.merchant_id, command.payment_id
    rows = (
        *_platform_rows(command.psp, command.currency),
        merchant_ref(merchant_id),
        account_ref(pending(merchant_id), command.currency),
        payment_ref(merchant_id, payment_id),
        parked_ref(merchant_id, f"payment/{payment_id}"),
        *capture_claims(command),
    )
    semantic = semantic_claim(command)
    return rows if semantic is None else (*rows, semantic)


def _payment_fact(command: PaymentFact) -> Iterable[Ref]:
    merchant_id, payment_id = command.merchant_id, command.payment_id
    return (
        PLATFORM,
        merchant_ref(merchant_id),
        payment_ref(merchant_id, payment_id),
        alias_claim(merchant_id, payment_id),
        *payment_claims(command),
    )


def _refund(command: RefundRecord | RefundCreate | RefundFailed) -> Iterable[Ref]:
    merchant_id = command.merchant_id
    claims = () if isinstance(command, RefundCreate) else refund_claims(command)
    return (
        PLATFORM,
        *_wallet(merchant_id, command.currency),
        payment_ref(merchant_id, command.payment_id),
        own_claim(merchant_id, "refund", command.refund_id),
        parked_ref(merchant_id, f"payment/{command.payment_id}"),
        *claims,
    )


def _dispute(command: DisputeFact) -> Iterable[Ref]:
    merchant_id = command.merchant_id
    return (
        PLATFORM,
        *_wallet(merchant_id, command.currency),
        account_ref(held(merchant_id), command.currency),
        payment_ref(merchant_id, command.payment_id),
        parked_ref(merchant_id, payment_subject(command.payment_id)),
        *dispute_claims(command),
    )


def _settlement(command: SettlementMatched | PaymentSettled) -> Iterable[Ref]:
    return (PLATFORM, merchant_ref(command.merchant_id), payment_ref(command.merchant_id, command.payment_id))


def _payout(command: PayoutCreate) -> Iterable[Ref]:
    return (
        PLATFORM,
        *_wallet(command.merchant_id, command.currency),
        account_ref("payout_transit", command.currency),
        payout_ref(command.merchant_id, command.payout_id),
        parked_ref(command.merchant_id, f"payout/{command.payout_id}"),
    )


def _payout_due(command: PayoutDue) -> Iterable[Ref]:
    return (
        PLATFORM,
        merchant_ref(command.merchant_id),
        timer_ref(command.merchant_id, PAYOUT_TIMER, PAYOUT_SCHEDULE),
    )


def _payout_fact(command: PayoutFact | PayoutApprove | PayoutReject) -> Iterable[Ref]:
    merchant_id, payout_id = command.merchant_id, command.payout_id
    return (PLATFORM, merchant_ref(merchant_id), payout_ref(merchant_id, payout_id))


def _release(command: FundsRelease) -> Iterable[Ref]:
    subject = timer_subject(command.payment_id, command.capture_id)
    rows = (
        merchant_ref(command.merchant_id),
        payment_ref(command.merchant_id, command.payment_id),
        timer_ref(command.merchant_id, RELEASE, subject),
    )
    return (*rows, *_wallet(command.merchant_id, command.currency)) if command.currency else rows


def _expire(command: ParkedExpire) -> Iterable[Ref]:
    return (
        PLATFORM,
        parked_ref(command.key, command.subject),
        timer_ref(command.key, PARKED, command.subject),
    )


def _create(command: PaymentCreate) -> Iterable[Ref]:
    merchant_id, payment_id = command.merchant_id, command.payment_id
    return (
        PLATFORM,
        merchant_ref(merchant_id),
        payment_ref(merchant_id, payment_id),
        alias_claim(merchant_id, payment_id),
    )


def _void(command: PaymentVoid | PaymentCapture) -> Iterable[Ref]:
    return (PLATFORM, merchant_ref(command.merchant_id), payment_ref(command.merchant_id, command.payment_id))


def _capture_request(command: PaymentCapture) -> Iterable[Ref]:
    return (*_void(command), own_claim(command.merchant_id, "capture", command.capture_id))


def _authorization(command: AuthorizationExpire) -> Iterable[Ref]:
    merchant_id, payment_id = command.merchant_id, command.payment_id
    return (
        PLATFORM,
        merchant_ref(merchant_id),
        payment_ref(merchant_id, payment_id),
        timer_ref(merchant_id, EXPIRY_TIMER, payment_id),
    )


def _inquiry(command: PaymentInquire) -> Iterable[Ref]:
    merchant_id, payment_id = command.merchant_id, command.payment_id
    return (
        PLATFORM,
        payment_ref(merchant_id, payment_id),
        timer_ref(merchant_id, PAYMENT_INQUIRY, payment_id),
    )


def _payout_inquiry(command: PayoutInquire) -> Iterable[Ref]:
    merchant_id, payout_id = command.merchant_id, command.payout_id
    return (PLATFORM, payout_ref(merchant_id, payout_id), timer_ref(merchant_id, PAYOUT_INQUIRY, payout_id))


def _share(command: SplitCaptured) -> Iterable[Ref]:
    merchant_id, payment_id = command.merchant_id, command.payment_id
    return (
        PLATFORM,
        *_wallet(merchant_id, command.currency),
        account_ref("plat_fee", command.currency),
        account_ref(transit(Parent(command.parent_merchant_id, command.parent_payment_id)), command.currency),
        payment_ref(merchant_id, payment_id),
        alias_claim(merchant_id, payment_id),
        own_claim(merchant_id, "capture", command.capture_id),
        parked_ref(merchant_id, payment_subject(payment_id)),
    )


def _part_refund(command: SplitRefund) -> Iterable[Ref]:
    merchant_id, payment_id = command.merchant_id, command.payment_id
    parent = Parent(merchant_id, payment_id)
    refund_id = derived_id(parent, command.part, "part_refund", command.part_refund_id)
    return (
        PLATFORM,
        merchant_ref(merchant_id),
        payment_ref(merchant_id, payment_id),
        own_claim(merchant_id, "refund", refund_id),
        account_ref(transit(parent), command.currency),
    )


def _split_due(command: SplitDue) -> Iterable[Ref]:
    merchant_id, payment_id = command.merchant_id, command.payment_id
    return (PLATFORM, payment_ref(merchant_id, payment_id), timer_ref(merchant_id, SPLIT_TIMER, payment_id))


def _answer(command: PspAnswered) -> Iterable[Ref]:
    """The rows of the operation, and those that each of its facts would want by itself."""
    merchant_id, home = command.merchant_id, command.payment_id or command.object_id
    own = payout_ref if command.operation == "payout" else payment_ref
    rows = [PLATFORM, merchant_ref(merchant_id), own(merchant_id, home), alias_claim(merchant_id, home)]
    for fact in command.facts:
        rows += prefetch(to_command(fact, command.id, merchant_id, home))
    return rows


def _endpoint(command: WebhookEndpointCommand) -> Iterable[Ref]:
    return (merchant_ref(command.merchant_id),)


_ROWS: Final[dict[type, Callable[[Any], Iterable[Ref]]]] = {
    PlatformConfigure: lambda command: (PLATFORM,),
    PeriodClose: lambda command: (),
    MerchantBalanceOpened: rows_of,
    MerchantConfigure: lambda command: _wallet(command.merchant_id, command.settlement_currency),
    PaymentRecord: _payment,
    PaymentAuthorized: _payment_fact,
    PaymentActionRequired: _payment_fact,
    PaymentFailed: _payment_fact,
    PaymentVoided: _payment_fact,
    PaymentExpired: _payment_fact,
    RefundRecord: _refund,
    RefundCreate: _refund,
    RefundFailed: _refund,
    DisputeOpened: _dispute,
    DisputeWon: _dispute,
    DisputeLost: _dispute,
    SettlementMatched: _settlement,
    PaymentSettled: _settlement,
    PayoutCreate: _payout,
    PayoutApprove: _payout_fact,
    PayoutReject: _payout_fact,
    PayoutDue: _payout_due,
    PayoutPaid: _payout_fact,
    PayoutFailed: _payout_fact,
    PayoutReturned: _payout_fact,
    PayoutBanked: lambda command: (payout_ref(command.merchant_id, command.payout_id),),
    FundsRelease: _release,
    ParkedExpire: _expire,
    WebhookEndpointCreate: _endpoint,
    WebhookEndpointUpdate: _endpoint,
    WebhookEndpointRotate: _endpoint,
    WebhookEndpointDisable: _endpoint,
    PaymentCreate: _create,
    PaymentCapture: _capture_request,
    PaymentVoid: _void,
    AuthorizationExpire: _authorization,
    PaymentInquire: _inquiry,
    PayoutInquire: _payout_inquiry,
    PspAnswered: _answer,
    SplitCaptured: _share,
    SplitRefund: _part_refund,
    SplitPosted: lambda command: (payment_ref(command.merchant_id, command.payment_id),),
    SplitDue: _split_due,
    **dict.fromkeys(ACTIONS, workflow.prefetch),
}


def prefetch(command: Any) -> Iterable[Ref]:
    return _ROWS[type(command)](command)

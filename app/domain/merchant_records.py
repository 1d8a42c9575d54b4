"""Everything that may stand on `payments.commands`: facts and requests of `commands.py`, requests for money,

what came of them, and timers.
"""

from app.domain.batch_records import PaymentSettled
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
from app.domain.opening import MerchantBalanceOpened
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
from app.domain.payout_records import PayoutBanked
from app.domain.periods import PeriodClose
from app.domain.psp_calls import PspAnswered
from app.domain.split_records import SplitCaptured, SplitDue, SplitPosted, SplitRefund
from app.domain.webhook_endpoint import (
    WebhookEndpointCreate,
    WebhookEndpointDisable,
    WebhookEndpointRotate,
    WebhookEndpointUpdate,
)
from app.domain.workflow_records import MismatchActions

MerchantLaneRecord = (
    PlatformConfigure
    | PeriodClose
    | MerchantBalanceOpened
    | MerchantConfigure
    | PaymentRecord
    | PaymentAuthorized
    | PaymentActionRequired
    | PaymentFailed
    | PaymentVoided
    | PaymentExpired
    | RefundRecord
    | RefundCreate
    | RefundFailed
    | DisputeOpened
    | DisputeWon
    | DisputeLost
    | SettlementMatched
    | PaymentSettled
    | PayoutCreate
    | PayoutApprove
    | PayoutReject
    | PayoutDue
    | PayoutPaid
    | PayoutFailed
    | PayoutReturned
    | PayoutBanked
    | FundsRelease
    | ParkedExpire
    | PaymentCreate
    | PaymentCapture
    | PaymentVoid
    | AuthorizationExpire
    | PaymentInquire
    | PayoutInquire
    | PspAnswered
    | SplitCaptured
    | SplitRefund
    | SplitPosted
    | SplitDue
    | WebhookEndpointCreate
    | WebhookEndpointUpdate
    | WebhookEndpointRotate
    | WebhookEndpointDisable
    | MismatchActions
)

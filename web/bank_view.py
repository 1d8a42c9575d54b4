"""Batches, bank lines and a payment's way as the API shows them, from what the lanes keep."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.bank_documents import Batch as DomainBatch
from app.domain.bank_documents import HeldBankLine, Totals
from app.domain.matching import HeldLine, Item
from app.domain.payment import Banked
from app.domain.payment import Payment as DomainPayment
from app.domain.timers import from_epoch_ms
from web.bank_schemas import (
    BankEvidence,
    BankLine,
    BankShare,
    Batch,
    BatchPayer,
    BatchStatus,
    BatchSum,
    BatchTrailer,
    LineStatus,
    PaymentWay,
    WayStep,
)


def batch_of(batch: DomainBatch) -> Batch:
    currencies = sorted({*batch.sums, *batch.trailers})
    return Batch(
        source=batch.source,
        id=batch.batch_id,
        psp=batch.psp,
        account=batch.account,
        status=_status(batch),
        sums=[_sum(batch, currency) for currency in currencies],
        mismatches=[opened.mismatch_id for opened in batch.open.values()],
        last_heard_at=from_epoch_ms(batch.heard_ms),
    )


def _status(batch: DomainBatch) -> BatchStatus:
    if batch.confirmed is not None:
        return "paid"
    if batch.open:
        return "differs"
    return "awaited" if batch.quiet else "arriving"


def _sum(batch: DomainBatch, currency: str) -> BatchSum:
    totals = batch.sums.get(currency, Totals())
    trailer = batch.trailers.get(currency)
    received = batch.received.get(currency, {})
    return BatchSum(
        currency=currency,
        count=totals.count,
        gross=totals.gross,
        fee=totals.fee,
        tax=totals.tax,
        reserve=totals.reserve,
        net=totals.net,
        residual=totals.residual,
        parts=totals.by_kind,
        first_booked_on=totals.first_day,
        last_booked_on=totals.last_day,
        trailer=None
        if trailer is None
        else BatchTrailer(count=trailer.count, gross=trailer.gross, fee=trailer.fee, net=trailer.net),
        received=sum(received.values()),
        paid_by=[
            BatchPayer(account=batch.account, line_id=line_id, amount=amount)
            for line_id, amount in received.items()
        ],
    )


def bank_line_of(held: HeldBankLine) -> BankLine:
    record, verdict = held.record, held.verdict
    return BankLine(
        account=record.account,
        line_id=record.line_id,
        amount=record.amount,
        currency=record.currency,
        value_date=record.value_date,
        booking_date=record.booking_date,
        remittance=record.remittance,
        end_to_end_id=record.end_to_end_id,
        status=_line_status(held),
        ignored=held.ignored,
        shares=[
            BankShare(to=link.to, rule=link.rule, amount=held.shares.get(link.to, 0)) for link in held.links
        ],
        left=record.amount - sum(held.shares.values()),
        candidates=list(verdict.candidates) if verdict is not None else [],
        reasons=list(verdict.reasons) if verdict is not None else [],
        corrections=len(held.earlier),
        mismatches=[opened.mismatch_id for opened in held.open.values()],
        transactions=[posting.transaction_id for posting in held.postings],
    )


def _line_status(held: HeldBankLine) -> LineStatus:
    if held.links:
        return "paired"
    if held.ignored is not None:
        return "ignored"
    return "open" if held.open else "waiting"


def way_of(payment: DomainPayment, items: Sequence[Item], status: str) -> PaymentWay:
    """From its capture by settlement line and batch to the bank."""
    captures = sorted(payment.captures.values(), key=lambda capture: capture.occurred_at)
    steps = [
        _step(item, held, payment) for item in items for held in item.lines if item.expectation is not None
    ]
    return PaymentWay(
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        settlement_status=status,
        occurred_at=captures[0].occurred_at if captures else None,
        amount=payment.captured_amount if captures else payment.amount,
        currency=payment.currency,
        steps=sorted(steps, key=lambda step: (step.booked_on, step.source, step.line_id)),
    )


def _step(item: Item, held: HeldLine, payment: DomainPayment) -> WayStep:
    assert item.expectation is not None
    line, object_id = held.record, item.expectation.object_id
    banked: Banked | None = payment.banked.get(
        f"{item.kind}/{object_id}/{line.source}/{line.batch_id}/{line.id}"
    )
    return WayStep(
        kind=item.kind,
        object_id=object_id,
        source=line.source,
        line_id=line.line_id,
        booked_on=line.booked_on,
        rule=held.rule,
        gross=line.gross,
        fee=line.fee,
        currency=line.currency,
        net=line.net,
        settle_currency=line.settle_currency,
        batch_id=line.batch_id,
        bank=[
            BankEvidence(account=one.account, line_id=one.line_id, value_date=one.value_date)
            for one in (banked.bank if banked is not None else ())
        ],
        settled_at=banked.since if banked is not None else None,
    )

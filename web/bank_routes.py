"""The URLs of batches, bank lines and a payment's way to the bank; part of the table in `web/routes.py`."""

from __future__ import annotations

from typing import Final

from web import bank, bank_pages, payout_page
from web.bank_schemas import BankLine, BankLinePage, Batch, BatchPage, PaymentWay
from web.call import Access, Endpoint, Raw
from web.finding import OneQuery

STAFF, PAGES = Access.STAFF, Access.PAGES
ONE: Final = ("not_found", "not_yet")

# fmt: off
BANK_ENDPOINTS: Final = (
    Endpoint(path="/v1/batches", handler=bank.get_batches, access=STAFF, answer=BatchPage,
             query=bank.BatchesQuery, problems=("not_yet",), summary="Settlement batches at their account"),
    Endpoint(path="/v1/batches/{source}/{id}", handler=bank.get_batch, access=STAFF, answer=Batch,
             query=bank.OneBankQuery, problems=ONE,
             summary="One batch: its parts, its residual, and what the bank brought"),
    Endpoint(path="/v1/bank-lines", handler=bank.get_bank_lines, access=STAFF, answer=BankLinePage,
             query=bank.BankLinesQuery, problems=("not_yet",),
             summary="Bank lines by value date, newest first"),
    Endpoint(path="/v1/bank-lines/{account}/{id}", handler=bank.get_bank_line, access=STAFF, answer=BankLine,
             query=bank.OneBankQuery, problems=ONE, summary="One bank line and what it pays"),
    Endpoint(path="/v1/payments/{id}/way", handler=bank.get_way, access=STAFF, answer=PaymentWay,
             query=OneQuery, problems=("not_found", "ambiguous", "not_yet"),
             summary="A payment's way: capture, settlement line, batch, bank line"),
)
BANK_PAGES: Final = (
    Raw(path="/batches", handler=bank_pages.get_batches_page, access=PAGES, summary="Settlement batches"),
    Raw(path="/batches/{source}/{id}", handler=bank_pages.get_batch_page, access=PAGES, summary="One batch"),
    Raw(path="/bank-lines", handler=bank_pages.get_bank_lines_page, access=PAGES, summary="Bank lines"),
    Raw(path="/bank-lines/{account}/{id}", handler=bank_pages.get_bank_line_page, access=PAGES,
        summary="One bank line"),
    Raw(path="/payouts/{id}", handler=payout_page.get_payout_page, access=PAGES,
        summary="What a payout is made of, and its way to the bank"),
    Raw(path="/payments/{id}", handler=bank_pages.get_payment_page, access=PAGES,
        summary="A payment's way to the bank"),
)
# fmt: on

"""The pages of settlement batches, bank lines, and a payment's way from its capture to the bank."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from web import render
from web.bank import (
    BankLinesQuery,
    BatchesQuery,
    OneBankQuery,
    get_bank_line,
    get_bank_lines,
    get_batch,
    get_batches,
    get_way,
)
from web.call import Call
from web.deps import DEPS
from web.finding import OneQuery
from web.params import check_path, read_query
from web.visitor import PRINCIPAL

BATCH: Final = "batch:"
PAYOUT: Final = "payout:"
LINE: Final = "line:"


async def get_batches_page(request: web.Request) -> web.StreamResponse:
    call = _call(request, BatchesQuery)
    return _html("batches.html", page=await get_batches(call), query=call.query, link=link_of)


async def get_batch_page(request: web.Request) -> web.StreamResponse:
    return _html("batch.html", batch=await get_batch(_call(request, OneBankQuery)), link=link_of)


async def get_bank_lines_page(request: web.Request) -> web.StreamResponse:
    call = _call(request, BankLinesQuery)
    return _html("bank_lines.html", page=await get_bank_lines(call), query=call.query, link=link_of)


async def get_bank_line_page(request: web.Request) -> web.StreamResponse:
    line = await get_bank_line(_call(request, OneBankQuery))
    return _html("bank_line.html", line=line, link=link_of)


async def get_payment_page(request: web.Request) -> web.StreamResponse:
    return _html("payment.html", way=await get_way(_call(request, OneQuery)), link=link_of)


def link_of(subject: str, account: str = "") -> str:
    """The page of `batch:…`, `payout:…` or, at an account, `line:…`; empty where there is none."""
    if subject.startswith(BATCH):
        source, _, batch_id = subject.removeprefix(BATCH).partition("/")
        return f"/batches/{quote(source, safe='')}/{quote(batch_id, safe='')}"
    if subject.startswith(PAYOUT):
        merchant_id, _, payout_id = subject.removeprefix(PAYOUT).partition("/")
        return f"/payouts/{quote(payout_id, safe='')}?merchant_id={quote(merchant_id, safe='')}"
    if subject.startswith(LINE):
        return f"/bank-lines/{quote(account, safe='')}/{quote(subject.removeprefix(LINE), safe='')}"
    return ""


def _call(request: web.Request, query: type[Any]) -> Call[Any]:
    check_path(request.match_info)
    return Call(
        request.app[DEPS], request[PRINCIPAL], dict(request.match_info), read_query(request.query, query)
    )


def _html(template: str, **values: Any) -> web.Response:
    return web.Response(text=render.page(template, **values), content_type="text/html")

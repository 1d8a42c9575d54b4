"""The examples of docs/sources.md are right, and read what they say they read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from app.contracts.platform_file import read_platform_file
from app.domain.configuration import SourceConfiguration
from app.formats.control import TrailerMismatch
from tests.support.fixtures import CHECKOUT
from tests.support.source_files import read_text, records
from tests.support.statement_writers import ACCOUNT, Booking, camt, mt940

CSV = """made on 22.11.2026
by hand
Reference;Type;Payment;Order;Invoice;Debit;Credit;Interchange;Scheme;Markup;Date;Text
r1;Sale;pi_1;;INV-1;;1.234,50 €;1,00;0,50;;21.11.2026;SEPA PAYOUT B7 Zürich
r1;Refund;pi_1;o-1;;34,50;;;;;21.11.2026;-
r2;Loss;pi_2;o-2;;5,00;;;;;21.11.2026;-
r3;Payout;;;;1.193,50;;;;;21.11.2026;-
TOTAL;4;1.193,50
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SourceConfiguration]:
    text = (CHECKOUT / "docs" / "sources.md").read_text(encoding="utf-8")
    path = tmp_path_factory.mktemp("docs") / "platform.toml"
    path.write_text("\n".join(re.findall(r"```toml\n(.*?)```", text, re.DOTALL)), encoding="utf-8")
    return read_platform_file(path, "docs").sources


def lines(found: list[Any]) -> list[tuple[Any, ...]]:
    return [(one.kind, one.line_id, one.batch_id, one.merchant_ref, one.gross, one.fee) for one in found]


def test_the_settlement_file(tmp_path: Path, sources: dict[str, SourceConfiguration]) -> None:
    described = sources["acquirer-a"]
    with pytest.raises(TrailerMismatch, match="says net 1193"):  # the payout of the account is not in it
        read_text(tmp_path, CSV.encode("cp1252"), described)
    right = CSV.replace("TOTAL;4;1.193,50", "TOTAL;4;0,00")
    found = records(read_text(tmp_path, right.encode("cp1252"), described))
    assert lines(found) == [
        ("capture", "r1-Sale", "B7", "INV-1", 123450, 150),
        ("refund", "r1-Refund", "none", "o-1", -3450, 0),
        ("chargeback", "r2-Loss", "none", "o-2", -500, 0),
    ]


def test_the_payments(tmp_path: Path, sources: dict[str, SourceConfiguration]) -> None:
    rest = '"seller":{"id":"m-1"},"order":"o-1","created":1763683200'
    row = '{"id":"%s","amount":{"currency":"EUR","value":%d},' + rest + "}"
    text = f'{{"data":{{"items":[{row % ("t1", 1234)},{row % ("t2", -34)}]}},"totals":{{"rows":2}}}}'
    paid, disputed = records(read_text(tmp_path, text, sources["shop"]))
    assert (paid.amount, paid.order_ref, paid.psp) == (1234, "o-1", "stripe")
    assert (disputed.amount, disputed.dispute_id, disputed.payment_id) == (34, "t2", "o-1")


def test_bank_statements_of_a_bank_s_own_format(
    tmp_path: Path, sources: dict[str, SourceConfiguration]
) -> None:
    (line,) = records(read_text(tmp_path, camt([Booking(1157)]), sources["bank-b"]))
    assert (line.amount, line.account) == (1157, ACCOUNT)
    text = mt940([Booking(1157), Booking(-5)]).replace(b"D0,05NTRF", b"D0,05NCHG")
    (line,) = records(
        read_text(tmp_path, text.replace(ACCOUNT.encode(), b"50880050/0194774600888"), sources["bank-c"])
    )
    assert (line.amount, line.account) == (1157, "main")


def test_the_bank_statement(tmp_path: Path, sources: dict[str, SourceConfiguration]) -> None:
    row = '{"value": %s, "side": "%s", "currency": "EUR", "valued": "2026-11-22", "text": "x"}'
    text = "\n".join((row % ("11.57", "CRDT"), row % ("3.00", "DBIT")))
    found = records(read_text(tmp_path, text, sources["bank-a"]))
    assert [(one.amount, one.account) for one in found] == [
        (1157, "DE89370400440532013000"),
        (-300, "DE89370400440532013000"),
    ]

"""The cut-off: files that `ingest` reads as they are, a bank statement, and lies planted and told."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

import app.sandbox.server
from app.__main__ import main
from app.sandbox.statement import NAMESPACE
from tests.support.sandbox import OURS, Json, Psp, sandbox
from tests.support.waiting import eventually

SOURCE = Path(app.sandbox.server.__file__).with_name("source.toml")
XML = {"c": NAMESPACE}


@asynccontextmanager
async def traded(folder: Path, **more: Any) -> AsyncIterator[Psp]:
    """Captures in two currencies, a refund, disputes, payouts that stay and that come back."""
    async with sandbox(files=folder, **more) as psp:
        charges = [await psp.charge(metadata={**OURS, "payment_id": f"p-{n}"}) for n in range(4)]
        await psp.charge(1_500, currency="JPY")
        await psp.post(f"/v1/charges/{charges[0]['id']}/refunds", {"amount": 2_500})
        for charge, end in ((charges[1], "win"), (charges[2], "lose")):
            dispute = (await psp.post(f"/_control/charges/{charge['id']}/disputes", {"amount": 300}))[1]
            await psp.post(f"/_control/disputes/{dispute['id']}/{end}")
        for number, destination in enumerate(("acct_1", "acct_returns")):
            body = {"amount": 5_000, "currency": "EUR", "destination": destination}
            made = (await psp.post("/v1/payouts", {**body, "metadata": {"payout_id": f"po-{number}"}}))[1]
            await psp.until(f"/v1/payouts/{made['id']}", "paid" if number == 0 else "returned")
        yield psp


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))


def ingested(path: Path, source: str = "sandbox") -> Any:
    arguments = ["ingest", str(path), "--source", source, "--dry-run", "--config", str(SOURCE), "--json"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def statements(path: Path) -> list[ElementTree.Element]:
    return ElementTree.parse(path).getroot().findall(".//c:Stmt", XML)


def text(element: ElementTree.Element, path: str) -> str:
    found = element.findtext("/".join(f"c:{part}" for part in path.split("/")), namespaces=XML)
    assert found is not None, path
    return found


def signed(element: ElementTree.Element) -> float:
    return float(text(element, "Amt")) * (-1 if text(element, "CdtDbtInd") == "DBIT" else 1)


async def test_the_source_description_is_right() -> None:
    checked = CliRunner().invoke(main, ["configure", "--check", str(SOURCE)])
    assert checked.exit_code == 0, checked.output


async def test_the_settlement_file_is_what_the_books_say(tmp_path: Path) -> None:
    async with traded(tmp_path) as psp:
        owed = (await psp.books())["balances"]
        made = (await psp.post("/_control/cut-off"))[1]
        books = await psp.books()
    report = ingested(tmp_path / made["settlement"])
    assert {currency: sums["net"] for currency, sums in report["sums"].items()} == owed
    assert not any(books["balances"].values())
    assert Counter(row["type"] for row in rows_of(tmp_path / made["settlement"])) == Counter(
        capture=5, refund=1, chargeback=2, chargeback_reversal=1, total=2
    )
    assert {movement["batch"] for movement in books["movements"]} == {each["id"] for each in books["batches"]}


async def test_lines_name_what_webhooks_name(tmp_path: Path) -> None:
    async with traded(tmp_path) as psp:
        made = (await psp.post("/_control/cut-off"))[1]
        books = await psp.books()
    named = {row["object"]: row for row in rows_of(tmp_path / made["settlement"]) if row["object"]}
    assert {charge["id"] for charge in books["charges"]} < named.keys()
    assert {each["id"] for each in (*books["refunds"], *books["disputes"])} < named.keys()
    assert {row["reference"] for row in named.values()} == {"o-1"}


async def test_the_bank_statement_has_one_entry_per_batch_and_payout(tmp_path: Path) -> None:
    async with traded(tmp_path) as psp:
        made = (await psp.post("/_control/cut-off", {"on": "2026-11-20"}))[1]
        books = await psp.books()
    euros, yen = statements(tmp_path / made["statement"])
    (in_euros, in_yen) = (batch["paid"] for batch in made["batches"])
    entries = [signed(entry) for entry in euros.findall("c:Ntry", XML)]
    assert entries == [-50.25, -50.25, 50.0, in_euros / 100]
    assert [signed(entry) for entry in yen.findall("c:Ntry", XML)] == [float(in_yen)]
    told = [text(entry, "NtryDtls/TxDtls/RmtInf/Ustrd") for entry in euros.findall("c:Ntry", XML)]
    assert told[-1] == f"SETTLEMENT {made['batches'][0]['id']}"
    assert told[0].endswith(" po-0")
    opening, closing = (signed(balance) for balance in euros.findall("c:Bal", XML))
    assert (opening, closing) == (0.0, books["bank_balances"]["EUR"] / 100)
    assert {text(entry, "BookgDt/Dt") for entry in euros.findall("c:Ntry", XML)} == {"2026-11-20"}


async def test_ingest_reads_the_bank_statement_as_it_is(tmp_path: Path) -> None:
    async with traded(tmp_path) as psp:
        made = (await psp.post("/_control/cut-off", {"on": "2026-11-20"}))[1]
        books = await psp.books()
    found = ingested(tmp_path / made["statement"], "sandbox-bank")
    assert (found["records"], found["quarantined"], found["warnings"]) == ({"bank.line": 5}, 0, [])
    assert [(one["currency"], one["agrees"]) for one in found["statements"]] == [("EUR", True), ("JPY", True)]
    assert [one["closing"]["amount"] for one in found["statements"]] == [
        books["bank_balances"]["EUR"],
        books["bank_balances"]["JPY"],
    ]
    (in_euros, in_yen) = (batch["paid"] for batch in made["batches"])
    assert found["sums"] == {
        "EUR": {"credits": 5000 + in_euros, "debits": -10050},
        "JPY": {"credits": in_yen},
    }


async def test_the_next_statement_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    async with traded(tmp_path) as psp:
        first = (await psp.post("/_control/cut-off"))[1]
        await psp.charge(700)
        second = (await psp.post("/_control/cut-off"))[1]
        third = (await psp.post("/_control/cut-off"))[1]
    before, after = (statements(tmp_path / made["statement"])[0] for made in (first, second))
    balances = [signed(each.findall("c:Bal", XML)[place]) for each, place in ((before, 1), (after, 0))]
    assert balances[0] == balances[1]
    assert len(after.findall("c:Ntry", XML)) == 1
    assert (third["number"], third["settlement"], third["statement"], third["batches"]) == (3, None, None, [])


async def test_a_refund_that_failed_is_an_adjustment_once_it_was_settled(tmp_path: Path) -> None:
    async with sandbox(files=tmp_path) as psp:
        charge = (await psp.charge())["id"]
        early, late = [
            (await psp.post(f"/v1/charges/{charge}/refunds", {"amount": n}))[1] for n in (100, 200)
        ]
        await psp.post(f"/_control/refunds/{early['id']}/fail")
        first = (await psp.post("/_control/cut-off"))[1]
        assert [row["type"] for row in rows_of(tmp_path / first["settlement"])] == [
            "capture",
            "refund",
            "total",
        ]
        await psp.post(f"/_control/refunds/{late['id']}/fail")
        second = (await psp.post("/_control/cut-off"))[1]
        row, _ = rows_of(tmp_path / second["settlement"])
        assert (row["type"], row["object"], row["gross"]) == ("adjustment", late["id"], "2.00")
        assert not any((await psp.books())["balances"].values())
    ingested(tmp_path / second["settlement"])


PLANTS = ("missing_line", "doubled_line", "wrong_amount", "wrong_fee", "wrong_net")


@pytest.mark.parametrize("kind", PLANTS)
async def test_what_is_planted_is_told_and_nothing_else_differs(tmp_path: Path, kind: str) -> None:
    async with traded(tmp_path / "right", terms={"seed": 3}) as psp:
        right = (await psp.post("/_control/cut-off"))[1]
    async with traded(tmp_path / "wrong", terms={"seed": 3}) as psp:
        wrong = (await psp.post("/_control/cut-off", {kind: 1}))[1]
    (plant,) = wrong["planted"]
    assert (plant["kind"], right["planted"]) == (kind, [])
    assert plant["right"] != plant["written"]
    ingested(tmp_path / "wrong" / wrong["settlement"])  # whole in itself: totals and amounts agree
    spoilt = differing(tmp_path / "right" / right["settlement"], tmp_path / "wrong" / wrong["settlement"])
    assert spoilt <= {plant["object"], ""}
    assert (plant["object"] in spoilt) == (kind != "wrong_net")
    expected = [batch["amount"] for batch in wrong["batches"]]
    assert expected != [batch["paid"] for batch in wrong["batches"]]
    assert expected == [batch["amount"] for batch in right["batches"]]


def differing(right: Path, wrong: Path) -> set[str]:
    """The objects whose rows are not the same; the empty one is that of totals."""
    rows: list[Counter[tuple[str, ...]]] = []
    for path in (right, wrong):
        kept = [{**row, "line": ""} for row in rows_of(path)]
        rows.append(Counter(tuple(row.values()) for row in kept))
    return {row[3] for row in ((rows[0] - rows[1]) + (rows[1] - rows[0]))}


async def test_files_can_be_fetched(tmp_path: Path) -> None:
    async with traded(tmp_path) as psp:
        made: Json = (await psp.post("/_control/cut-off"))[1]
        assert await psp.page(f"/_control/files/{made['settlement']}") == (
            tmp_path / made["settlement"]
        ).read_text("utf-8")
        assert (await psp.get("/_control/files/..%2fsecret"))[0] == 404


async def test_a_timer_makes_them_too(tmp_path: Path) -> None:
    async with sandbox(files=tmp_path, cut_off_seconds=0.1) as psp:
        charge = await psp.charge()
        assert charge["status"] == "captured"

        async def settled() -> Any:
            return (await psp.books())["batches"]

        batches: Any = await eventually(settled, 5, "a batch")
        assert batches[0]["gross"] == 10_000

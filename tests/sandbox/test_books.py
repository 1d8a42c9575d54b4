"""The sandbox PSP's books: they add up after anything that happened, and a restart has them all."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.errors import ConfigurationError
from app.sandbox.server import Sandbox
from tests.support.commands import app_command, environment
from tests.support.sandbox import API_KEY, PLAN, Json, Psp, options, sandbox
from tests.support.waiting import eventually
from tests.support.webhook_inbox import inbox
from tests.support.webhooks import SANDBOX_SECRET

STEPS = 150
DO = ("charge", "charge", "capture", "void", "refund", "dispute", "end", "fail", "payout")
PAYOUT = {"currency": "EUR", "destination": "acct_returns"}


async def anything(psp: Psp, seed: int) -> None:
    """What payers, the platform and banks may do, most of it allowed, some of it not."""
    drawn = random.Random(seed)
    for _ in range(STEPS):
        books = await psp.books()
        charge = drawn.choice(books["charges"])["id"] if books["charges"] else None
        amount = drawn.randint(1, 6_000)
        step = drawn.choice(
            ("charge", "charge", "capture", "void", "refund", "dispute", "end", "fail", "payout")
        )
        if step == "charge" or charge is None:
            token = drawn.choice(("tok_ok", "tok_ok", "tok_declined", "tok_3ds_ok"))
            currency = drawn.choice(("EUR", "USD"))
            await psp.charge(10_000, token, capture=drawn.random() < 0.4, currency=currency)
        elif step in ("capture", "refund"):
            await psp.post(f"/v1/charges/{charge}/{step}s", {"amount": amount})
        elif step == "void":
            await psp.post(f"/v1/charges/{charge}/void")
        elif step == "dispute":
            await psp.post(f"/_control/charges/{charge}/disputes", {"amount": amount})
        elif step == "payout":
            await psp.post("/v1/payouts", {"amount": amount, **PAYOUT})
        elif books["disputes"] and step == "end":
            dispute = drawn.choice(books["disputes"])["id"]
            await psp.post(f"/_control/disputes/{dispute}/{drawn.choice(('win', 'lose'))}")
        elif books["refunds"]:
            await psp.post(f"/_control/refunds/{drawn.choice(books['refunds'])['id']}/fail")
        if drawn.random() < 0.02:
            await psp.post("/_control/cut-off")


async def all_returned(psp: Psp) -> Any:
    payouts = (await psp.books())["payouts"]
    return bool(payouts) and {payout["status"] for payout in payouts} == {"returned"}


def adds_up(books: Json) -> None:
    """Balances are the sum of movements, movements are what the objects say, limits hold everywhere."""
    charges = {charge["id"]: charge for charge in books["charges"]}
    captured, refunded, disputed, owed = (Counter[str]() for _ in range(4))
    for capture in books["captures"]:
        captured[capture["charge"]] += capture["amount"]
    for refund in books["refunds"]:
        refunded[refund["charge"]] += refund["amount"] * (refund["status"] == "succeeded")
    for dispute in books["disputes"]:
        disputed[dispute["charge"]] += dispute["amount"] * (dispute["status"] != "won")
    for name, charge in charges.items():
        assert charge["amount_captured"] == captured[name] <= charge["amount"]
        assert charge["amount_refunded"] == refunded[name]
        assert charge["amount_disputed"] == disputed[name]
        assert refunded[name] + disputed[name] <= captured[name]
    for movement in books["movements"]:
        net = movement["gross"] - movement["fee"]
        owed[movement["currency"]] += net * (movement["batch"] is None)
    assert {currency: net for currency, net in books["balances"].items() if net} == {
        currency: net for currency, net in owed.items() if net
    }
    gross = sum(movement["gross"] for movement in books["movements"])
    assert gross == sum((captured - refunded - disputed).values())
    bank = Counter[str]()
    for line in books["bank"]:
        bank[line["currency"]] += line["amount"]
    assert bank == Counter(books["bank_balances"])


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_whatever_happens_they_add_up(tmp_path: Path, seed: int) -> None:
    async with sandbox(files=tmp_path) as psp:
        await anything(psp, seed)
        books = await psp.books()
    adds_up(books)
    kinds = {movement["kind"] for movement in books["movements"]}
    assert {"capture", "refund", "refund_failed", "chargeback", "chargeback_reversal"} <= kinds
    assert books["batches"]


async def test_fees_are_the_plans() -> None:
    async with sandbox() as psp:
        for amount in (1, 25, 10_000):
            await psp.charge(amount)
        fees = [movement["fee"] for movement in (await psp.books())["movements"]]
    assert fees == [1, 11, 210]  # never above the amount; 0.5 is rounded up; bps and a fixed part
    assert PLAN.bps == 200


async def test_a_restart_goes_on_with_everything(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with sandbox(journal=journal, files=tmp_path) as psp:
        await anything(psp, 4)
        asked = await psp.post("/v1/charges", {"amount": 5, "currency": "EUR", "token": "tok_ok"}, "kept")
        await eventually(lambda: all_returned(psp), 5, "the payouts to come back")
        before = await psp.books()
    async with sandbox(journal=journal, files=tmp_path) as psp:
        assert await psp.books() == before
        again = await psp.post("/v1/charges", {"amount": 5, "currency": "EUR", "token": "tok_ok"}, "kept")
        assert again == asked
        assert await psp.books() == before
        await psp.post("/v1/charges", {"amount": 6, "currency": "EUR", "token": "tok_ok"}, "new")
        adds_up(await psp.books())


async def test_a_line_cut_short_is_an_operation_that_never_was(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with sandbox(journal=journal) as psp:
        await psp.charge(1)
        await psp.charge(2)
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-20])
    async with sandbox(journal=journal) as psp:
        assert [charge["amount"] for charge in (await psp.books())["charges"]] == [1]
        await psp.post("/v1/charges", {"amount": 3, "currency": "EUR", "token": "tok_ok"}, "third")
    async with sandbox(journal=journal) as psp:
        assert [charge["amount"] for charge in (await psp.books())["charges"]] == [1, 3]


async def test_one_journal_has_one_writer(tmp_path: Path) -> None:
    async with sandbox(journal=tmp_path / "journal"):
        with pytest.raises(ConfigurationError, match="in use"):
            async with Sandbox(options(journal=tmp_path / "journal")):
                pass


async def test_webhooks_that_nobody_took_are_sent_after_a_restart(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with inbox() as box:
        box.never_well()
        async with sandbox(journal=journal, webhook_url=box.url) as psp:
            await psp.charge()
            await eventually(lambda: box.refused, 5, "a first attempt")
        box.answers = iter(())
        async with sandbox(journal=journal, webhook_url=box.url):
            await box.has("captured")
        assert set(box.ids) == set(box.refused)


def started(journal: Path, *more: str) -> tuple[subprocess.Popen[str], str]:
    """The verb in a process of its own, and the address that it prints."""
    arguments = ["sandbox", "--port", "0", "--api-key", API_KEY, "--journal", str(journal), *more]
    process = subprocess.Popen(
        app_command(*arguments), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said.startswith("tallystick sandbox: http://127.0.0.1:"), said
    return process, said.split(" ")[-1].strip()


async def test_the_verb_survives_kill_and_leaves_cleanly(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    process, url = started(journal, "--faults", "latency_ms=1", "--webhook-secret", SANDBOX_SECRET)
    try:
        async with aiohttp.ClientSession() as session:
            made: Any = await Psp(url, session).charge()
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)
            process.communicate()
            process, url = started(journal)
            assert await Psp(url, session).shows(made["id"]) == made
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", "")
    finally:
        process.kill()
        process.communicate()


def test_the_verb_names_what_is_wrong(tmp_path: Path) -> None:
    for arguments, named in (
        (["--faults", "thottled=1"], "thottled"),
        (["--webhook-url", "http://127.0.0.1:1/"], "--webhook-secret"),
        (["--webhook-secret", "whsec_é"], "base64"),
        (["--bind", "192.0.2.1", "--port", "0"], "cannot listen on 192.0.2.1:0"),
    ):
        done = subprocess.run(
            app_command("sandbox", *arguments), env=environment(), capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, named in done.stderr) == (2, True), done.stderr
        assert "Traceback" not in done.stderr

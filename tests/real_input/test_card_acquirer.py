"""A real acquirer's file against a real ledger, through the rules: found as a script finds it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.domain import fees, settlement_door
from app.domain.commands import PaymentRecord, PlatformConfigure
from app.domain.configuration import FeePlan, PspConfiguration
from app.domain.settlement import ExpectationAnnounced, LineRecorded, SettlementLine
from tests.support import recon_context_01 as recon
from tests.support.fixtures import shared_fixture
from tests.support.matching_world import MatchingWorld
from tests.support.recon_found import as_comparison

PLAN = recon.Plan()
FEES = FeePlan(bps=290, fixed=dict.fromkeys(("BRL", "USD", "EUR"), 63))


@pytest.fixture(scope="module")
def folder() -> Path:
    return shared_fixture(*recon.FOLDER)


def expectations(folder: Path, *, with_plan: bool) -> list[ExpectationAnnounced]:
    """What the merchant lane announces for each payment."""
    records = [msgspec.convert(payment, PaymentRecord) for payment in recon.payments(folder)]
    return [
        ExpectationAnnounced(
            id=f"x-{record.id}",
            psp=record.psp,
            kind="capture",
            merchant_id=record.merchant_id,
            payment_id=record.payment_id,
            object_id=record.capture_id,
            identities=(str(record.psp_capture_id), record.payment_id),
            gross=record.amount,
            currency=record.currency,
            expected_fee=fees.plan_fee(FEES, record.amount, record.currency) if with_plan else None,
            occurred_at=record.occurred_at,
        )
        for record in records
    ]


def lines(folder: Path) -> list[LineRecorded]:
    found = recon.settlement_lines(folder)
    return [settlement_door.recorded(msgspec.convert(line, SettlementLine)) for line in found]


def reconciled(folder: Path, *, with_plan: bool, seed: int) -> MatchingWorld:
    world = MatchingWorld()
    psp = PspConfiguration(
        fee_plan=FEES if with_plan else None,
        fee_tolerance=PLAN.fee_tolerance,
        gross_tolerance=PLAN.gross_tolerance,
    )
    world.send(PlatformConfigure(id="cfg", psps={recon.PSP: psp}))
    facts: list[Any] = [*expectations(folder, with_plan=with_plan), *lines(folder)]
    random.Random(seed).shuffle(facts)
    world.send_all(facts)
    world.fire_timers()
    return world


def paired(world: MatchingWorld) -> int:
    items = [value for ref, value in world.state.items() if ref.kind == "item"]
    return sum(item.expectation is not None and bool(item.lines) for item in items)


@pytest.mark.parametrize("with_plan", [True, False], ids=["fee plan", "no fee plan"])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_rules_find_what_an_independent_script_finds(folder: Path, with_plan: bool, seed: int) -> None:
    world = reconciled(folder, with_plan=with_plan, seed=seed)
    wanted = recon.compare(folder, PLAN if with_plan else None)
    assert as_comparison(world.open(), paired(world)) == wanted
    assert world.timers() == {}


def test_the_transit_of_every_batch_is_its_net(folder: Path) -> None:
    world = reconciled(folder, with_plan=True, seed=3)
    transit = {
        (account.removeprefix(f"transit:{recon.SOURCE}:"), currency): balance
        for (account, currency), balance in world.balances().items()
        if account.startswith("transit:")
    }
    assert transit == recon.net_by_batch(folder)


def test_the_files_hold_what_they_are_known_to_hold(folder: Path) -> None:
    """Every category is met, so that equality above is not equality of nothing."""
    found = recon.compare(folder, PLAN)
    assert (len(recon.payments(folder)), recon.chargebacks(folder), len(lines(folder))) == (940, 60, 1000)
    assert (found.pairs, len(found.missing_settlement), len(found.missing_payment)) == (800, 140, 170)
    assert (len(found.gross), len(found.fee), len(found.duplicates)) == (15, 26, 30)
    assert not any("scenario" in row for row in recon.ledger_rows(folder) + recon.acquirer_rows(folder))

"""Any order of arrival, over several partitions: the same, and the right, matches, exceptions and books."""

from __future__ import annotations

import os
import random
from datetime import date, timedelta
from typing import Any, Final

import pytest

from app.domain.commands import PlatformConfigure, SettlementMatched
from app.domain.configuration import PspConfiguration, SourceConfiguration
from app.domain.mismatch import Category, Mismatch
from app.domain.settlement import ExpectationAnnounced, LineRecorded
from tests.support.matching_cluster import MatchingCluster
from tests.support.matching_world import NOON, expectation, line

PARTITIONS: Final = 5
ORDERS: Final = int(os.environ.get("TALLYSTICK_ARRIVAL_ORDERS", "60"))
"""`TALLYSTICK_ARRIVAL_ORDERS=1000` is what the closing note quotes."""
LEG_A: Final[frozenset[Category]] = frozenset(
    {
        "MISSING_SETTLEMENT",
        "MISSING_PAYMENT",
        "AMOUNT_OVER",
        "AMOUNT_UNDER",
        "FEE_VARIANCE",
        "CURRENCY_MISMATCH",
        "FX_VARIANCE",
        "DUPLICATE_SETTLEMENT",
        "DIRECTION_MISMATCH",
        "PARTIAL_SETTLEMENT",
        "AMBIGUOUS",
        "LATE",
        "DISPUTE_UNMATCHED",
    }
)
KINDS: Final = ("capture", "capture", "capture", "refund", "chargeback")


def platform() -> PlatformConfigure:
    """`slow` settles long after the test is over, so that a partial settlement stays partial."""
    quick = PspConfiguration(gross_tolerance=1, settlement_window_seconds=7200)
    return PlatformConfigure(
        id="cfg",
        psps={"stripe": quick, "slow": PspConfiguration(settlement_window_seconds=10**9)},
        sources={
            "acq": SourceConfiguration(psp="stripe", payment_window_seconds=60),
            "slow": SourceConfiguration(psp="slow", payment_window_seconds=60),
        },
    )


class Scenario:
    """A seeded set of expectations and lines; each object is told with one of the ways things go wrong."""

    def __init__(self, seed: int, records: int = 300) -> None:
        self.rng = random.Random(seed)
        self.facts: list[Any] = []
        self.pairs: list[tuple[str, str, str]] = []
        self.found: list[tuple[str, str]] = []
        self.number = 0
        self.apart = 0
        stories = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("tell_")]
        while len(self.facts) < records:
            stories[self.number % len(stories)]() if self.number < 2 * len(stories) else self.rng.choice(
                stories
            )()

    def expected(self, psp: str = "stripe", **changes: Any) -> ExpectationAnnounced:
        """With the PSP's id, our references, or both; `home` as the merchant lane names it."""
        self.number += 1
        n = self.number
        kind = changes.setdefault("kind", self.rng.choice(KINDS))
        amount = 1000 + 10 * n
        fields: dict[str, Any] = {
            "id": f"e{n}",
            "psp": psp,
            "payment_id": f"pay-{n}",
            "object_id": f"obj-{n}",
            "identities": (f"pi_{n}", f"o-{n}", f"pay-{n}"),
            "occurred_at": NOON - timedelta(hours=1),
            **changes,
        }
        fields.setdefault("has_reference", any(name.startswith("o-") for name in fields["identities"]))
        if "home" not in fields and not fields["identities"][0].startswith("pi_"):
            fields["home"] = f"m-1/obj-{n}"
        gross = fields.pop("gross", amount if kind == "capture" else -amount)
        record = expectation(gross, fields.pop("fee", None), **fields)
        self.facts.append(record)
        return record

    def line(self, of: ExpectationAnnounced | None = None, **changes: Any) -> LineRecorded:
        self.number += 1
        n = self.number
        fields: dict[str, Any] = {"source": "slow" if of is not None and of.psp == "slow" else "acq"}
        if of is not None:
            fields |= {"psp": of.psp, "kind": of.kind, "currency": of.currency, "gross": of.gross}
            fields["psp_payment_id"] = of.identities[0] if of.home is None else None
            fields["merchant_ref"] = next((i for i in of.identities if i.startswith("o-")), None)
        else:
            fields |= {"psp_payment_id": f"pi_x{n}", "gross": 100_000 + 10 * n}
        fields |= changes
        if fields.get("psp_payment_id") is None and fields.get("merchant_ref") is None:
            fields["merchant_ref"] = f"o-x{n}"
        record = line(f"L{n}", fields.pop("gross"), fields.pop("fee", 0), **fields)
        self.facts.append(record)
        return record

    def by_reference(self, **changes: Any) -> ExpectationAnnounced:
        n = self.number + 1
        return self.expected(identities=(f"o-{n}", f"pay-{n}"), **changes)

    def pair(
        self, of: ExpectationAnnounced, rule: str = "A1", opens: str = "", **changes: Any
    ) -> LineRecorded:
        """A line of `of`, paired by `rule`, with the category that this opens."""
        held = self.line(of, **changes)
        self.pairs.append((held.id, f"m-1/{of.object_id}", rule))
        if opens:
            self.found.append((opens, of.payment_id))
        return held

    def tell_exact(self) -> None:
        self.pair(self.expected())

    def tell_by_reference(self) -> None:
        self.pair(self.by_reference())

    def tell_line_names_both_and_the_expectation_one(self) -> None:
        of = self.by_reference()
        self.pair(of, psp_payment_id=f"pi_y{self.number}")

    def tell_line_names_only_the_reference(self) -> None:
        self.pair(self.expected(), psp_payment_id=None)

    def tell_missing_settlement(self) -> None:
        self.found.append(("MISSING_SETTLEMENT", self.expected().payment_id))

    def tell_missing_payment(self) -> None:
        self.found.append(("MISSING_PAYMENT", self.line().id))

    def tell_over(self) -> None:
        of = self.expected(kind="capture")
        self.pair(of, opens="AMOUNT_OVER", gross=of.gross + 7)

    def tell_under(self) -> None:
        of = self.by_reference(kind="capture")
        self.pair(of, opens="AMOUNT_UNDER", gross=of.gross - 7)

    def tell_fee(self) -> None:
        self.pair(self.expected(fee=20), opens="FEE_VARIANCE", fee=45)

    def tell_currency(self) -> None:
        self.pair(self.expected(), opens="CURRENCY_MISMATCH", currency="USD")

    def tell_fx(self) -> None:
        of = self.expected(kind="capture")
        net = round(of.gross * 1.10) - 50
        self.pair(of, opens="FX_VARIANCE", settle_currency="USD", rate="1.10", net=net)

    def tell_duplicate(self) -> None:
        of = self.expected()
        self.pair(of)
        self.pair(of, opens="DUPLICATE_SETTLEMENT", batch_id="B2", psp_payment_id=of.identities[0])

    def tell_duplicate_by_two_identities(self) -> None:
        of = self.expected()
        self.pair(of, merchant_ref=None)
        booked_on = date(2026, 11, 20)
        self.pair(of, opens="DUPLICATE_SETTLEMENT", psp_payment_id=None, booked_on=booked_on)

    def tell_direction(self) -> None:
        of = self.expected(kind="capture")
        self.pair(of, opens="DIRECTION_MISMATCH", gross=-of.gross)

    def tell_partial(self) -> None:
        of = self.expected(psp="slow", kind="capture")
        self.pair(of, opens="PARTIAL_SETTLEMENT", gross=of.gross - 500)

    def tell_parts(self) -> None:
        of = self.expected(kind="capture")
        self.pair(of, gross=of.gross - 500)
        self.pair(of, gross=500)

    def tell_late(self) -> None:
        self.pair(self.expected(), opens="LATE", booked_on=date(2026, 12, 9))

    def tell_dispute_unmatched(self) -> None:
        held = self.line(kind="chargeback", gross=-(7000 + self.number))
        self.found.append(("DISPUTE_UNMATCHED", held.id))

    def tell_shared_reference_told_apart_by_amount(self) -> None:
        """Two captures of one order: the reference pairs nobody, the amounts do (A2)."""
        shared = f"o-s{self.number}"
        for of in self.sharing(shared, 1_000_000, 2_000_000):
            self.pair(of, "A2", psp_payment_id=None, merchant_ref=shared)

    def tell_one_amount_of_a_shared_reference(self) -> None:
        """Two captures of one order and one amount, one line: nobody guesses whose."""
        shared = f"o-a{self.number}"
        self.sharing(shared, 5_000_000, 5_000_000, opens="MISSING_SETTLEMENT")
        self.ambiguous(psp_payment_id=None, merchant_ref=shared, gross=5_000_000 + self.apart)

    def tell_nothing_shared_but_the_amount(self) -> None:
        self.pair(self.by_id_alone(9_000_000), "A2", psp_payment_id=None, merchant_ref=f"o-z{self.number}")

    def tell_two_payments_and_one_line_of_their_amount(self) -> None:
        self.by_id_alone(20_000_000, opens="MISSING_SETTLEMENT")
        self.apart -= 1000
        self.by_id_alone(20_000_000, opens="MISSING_SETTLEMENT")
        self.ambiguous(gross=20_000_000 + self.apart, psp_payment_id=None)

    def tell_two_lines_and_one_payment_of_their_amount(self) -> None:
        self.by_id_alone(30_000_000, opens="MISSING_SETTLEMENT")
        for _ in range(2):
            self.ambiguous(gross=30_000_000 + self.apart, psp_payment_id=None)

    def tell_the_amount_on_another_day(self) -> None:
        of = self.by_id_alone(40_000_000, opens="MISSING_SETTLEMENT")
        held = self.line(of, psp_payment_id=None, booked_on=date(2027, 1, 5))
        self.found.append(("MISSING_PAYMENT", held.id))

    def tell_the_amount_of_another_order(self) -> None:
        self.apart += 1000
        of = self.by_reference(kind="capture", gross=60_000_000 + self.apart)
        self.found.append(("MISSING_SETTLEMENT", of.payment_id))
        held = self.line(of, merchant_ref=f"o-q{self.number}")
        self.found.append(("MISSING_PAYMENT", held.id))

    def tell_the_amount_of_another_order_whose_payment_is_named_like_it(self) -> None:
        self.apart += 1000
        name = f"o-{self.number + 1}"
        of = self.expected(kind="capture", gross=70_000_000 + self.apart, identities=(name,), payment_id=name)
        self.found.append(("MISSING_SETTLEMENT", of.payment_id))
        held = self.line(of, merchant_ref=f"o-r{self.number}")
        self.found.append(("MISSING_PAYMENT", held.id))

    def tell_a_duplicate_within_the_tolerance(self) -> None:
        of = self.expected(kind="capture")
        self.pair(of, gross=of.gross + 1)
        booked_on = date(2026, 11, 23)
        self.pair(of, opens="DUPLICATE_SETTLEMENT", gross=of.gross, booked_on=booked_on)

    def tell_an_identity_displaces_the_amount(self) -> None:
        """Its amount fits the nameless line, but a line under its own id has come as well."""
        of = self.by_id_alone(50_000_000)
        self.pair(of)
        held = self.line(of, psp_payment_id=None)
        self.found.append(("MISSING_PAYMENT", held.id))

    def sharing(self, shared: str, *amounts: int, opens: str = "") -> list[ExpectationAnnounced]:
        """Captures of one order, by its reference alone."""
        self.apart += 1000
        found = []
        for amount in amounts:
            n = self.number + 1
            identities = (shared, f"pay-{n}")
            of = self.expected(kind="capture", gross=amount + self.apart, identities=identities)
            if opens:
                self.found.append((opens, of.payment_id))
            found.append(of)
        return found

    def by_id_alone(self, amount: int, opens: str = "") -> ExpectationAnnounced:
        """A capture that no reference names, of an amount that nothing else has."""
        self.apart += 1000
        identities = (f"pi_{self.number + 1}", f"pay-{self.number + 1}")
        of = self.expected(kind="capture", gross=amount + self.apart, identities=identities)
        if opens:
            self.found.append((opens, of.payment_id))
        return of

    def ambiguous(self, **changes: Any) -> None:
        self.found.append(("AMBIGUOUS", self.line(kind="capture", **changes).id))


def outcome(facts: list[Any], seed: int, pauses: tuple[int, ...] = (0,)) -> dict[str, Any]:
    cluster = MatchingCluster(PARTITIONS, random.Random(seed))
    cluster.say(platform())
    cluster.run()
    cluster.settle_down(facts, pauses)
    assert not cluster.dead
    return {
        "found": sorted(_about(mismatch) for mismatch in cluster.open()),
        "matches": cluster.matches(),
        "open": [
            (m.id, m.category, m.severity, m.expected_amount, m.actual_amount, m.batch_id, m.payment_id)
            for m in cluster.open()
        ],
        "differences": [(m.explanation["differences"], m.explanation["reasons"]) for m in cluster.open()],
        "balances": cluster.balances(),
        "matched": _last_words(cluster.to_merchants),
        "timers": sorted(timer.record.id.split("/")[0] for timer in cluster.values("timer")),
    }


def _about(mismatch: Mismatch) -> tuple[str, str]:
    """Category, and the payment or, where there is none, the line that it is about."""
    lines = mismatch.explanation["inputs"]["lines"]
    about = mismatch.explanation["subject_ids"]
    named = next((line["id"] for line in lines if line["id"] in about), None)
    return (mismatch.category, mismatch.payment_id or named or lines[0]["id"])


def _last_words(told: list[Any]) -> list[str]:
    """Objects whose merchant was told last that they are settled."""
    last = {record.object_id: record.matched for record in told if isinstance(record, SettlementMatched)}
    return sorted(object_id for object_id, matched in last.items() if matched)


def assert_as_told(scenario: Scenario, outcome: dict[str, Any]) -> None:
    """What the stories say must come out, whatever the rules make of it."""
    assert outcome["matches"] == sorted(scenario.pairs)
    assert outcome["found"] == sorted(scenario.found)


@pytest.mark.parametrize("seed", range(2))
def test_every_order_ends_the_same(seed: int) -> None:
    scenario = Scenario(seed)
    facts = scenario.facts
    assert len(facts) >= 300
    wanted = outcome(facts, 0)
    assert {category for category, _ in wanted["found"]} == LEG_A
    assert_as_told(scenario, wanted)
    chance = random.Random(f"orders {seed}")
    for number in range(ORDERS // 2):
        shuffled = facts[:]
        chance.shuffle(shuffled)
        shuffled += chance.sample(facts, 30)
        found = outcome(shuffled, number)
        for name, value in wanted.items():
            assert found[name] == value, f"seed {seed}, order {number}: {name}"


@pytest.mark.parametrize("seed", range(2))
def test_windows_that_close_between_the_facts_change_nothing_in_the_end(seed: int) -> None:
    """Each fact comes up to an hour after the one before: what opened too early takes itself back."""
    facts = Scenario(seed, 150).facts
    wanted = outcome(facts, 0)
    chance = random.Random(f"windows {seed}")
    for number in range(ORDERS // 6):
        shuffled = facts[:]
        chance.shuffle(shuffled)
        found = outcome(shuffled, number, pauses=(0, 0, 30, 90, 3600))
        for name in ("matches", "found", "open", "balances", "matched"):
            assert found[name] == wanted[name], f"seed {seed}, order {number}: {name}"

"""The demo's stream: seeded, realistic, and its truth is what an independent reading of the records gives."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from app.contracts.codec import Undecodable, decode
from app.contracts.topics import BY_NAME
from app.demo.generator import TAIL_SECONDS, Generator
from app.demo.market import CURRENCIES, MERCHANTS, PSPS
from app.demo.stream import COMMANDS, LINES, Mix, Record
from app.demo.truth import CATEGORIES, DEAD, Truth

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SEEDS = (1, 7, 42)


def run(seed: int, seconds: float = 20.0, rate: float = 300.0) -> tuple[list[Record], Truth]:
    generator = Generator(seed, rate, START)
    records = [*generator.opening(), *generator.records(seconds)]
    return records, generator.truth


def parsed(records: Iterable[Record], topic: str) -> list[dict[str, Any]]:
    """Records of a topic that are JSON objects of a known type with all their fields."""
    documents = []
    for record in records:
        if record.topic == topic:
            try:
                decode(topic, record.value)
            except Undecodable:
                continue
            documents.append(orjson.loads(record.value))
    return documents


def first_of_each(documents: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Documents without those whose `names` were seen before."""
    kept: dict[tuple[Any, ...], dict[str, Any]] = {}
    for document in documents:
        kept.setdefault(tuple(document[name] for name in names), document)
    return list(kept.values())


def test_a_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert run(7)[0] == run(7)[0]
    assert run(7)[0][:50] != run(8)[0][:50]


@pytest.mark.parametrize("seed", SEEDS)
def test_records_come_in_time_and_at_the_rate(seed: int) -> None:
    generator = Generator(seed, 300, START)
    list(generator.opening())
    times = [record.at for record in generator.records(20)]
    assert times == sorted(times)
    assert times[-1] < 20 + TAIL_SECONDS
    assert 0.8 < sum(at < 20 for at in times) / 20 / 300 < 1.2


@pytest.mark.parametrize("seed", SEEDS)
def test_keys_are_what_the_topics_want(seed: int) -> None:
    for record in run(seed)[0]:
        assert record.topic in BY_NAME
        if record.topic == LINES:
            assert record.key == "{source}/{batch_id}".format(**orjson.loads(record.value))
    known = {merchant.id for merchant in MERCHANTS}
    assert {record.key for record in run(seed)[0] if record.topic == COMMANDS} == known


@pytest.mark.parametrize("seed", SEEDS)
def test_captures_and_refunds_are_what_the_records_say(seed: int) -> None:
    records, truth = run(seed)
    commands = first_of_each(parsed(records, COMMANDS), "merchant_id", "id")
    captures = first_of_each([c for c in commands if c["type"] == "payment.record"], "payment_id")
    captured: Counter[str] = Counter()
    for capture in captures:
        captured[capture["currency"]] += capture["amount"]
    assert (truth.payments, truth.captured) == (len(captures), captured)
    assert set(captured) == set(CURRENCIES)

    refunded, by_payment = refunds(captures, commands)
    assert truth.refunded == refunded
    amounts = {capture["payment_id"]: capture["amount"] for capture in captures}
    assert all(total <= amounts[payment_id] for payment_id, total in by_payment.items())


def refunds(
    captures: list[dict[str, Any]], commands: list[dict[str, Any]]
) -> tuple[Counter[str], Counter[str]]:
    """Refunds by currency and by payment: facts, and requests that fit; a confirmed request counts once."""
    left = {capture["payment_id"]: capture["amount"] for capture in captures}
    totals: Counter[str] = Counter()
    by_payment: Counter[str] = Counter()
    seen: set[str] = set()
    for command in commands:
        if command["type"] not in ("refund.record", "refund.create") or command["refund_id"] in seen:
            continue
        if command["type"] == "refund.create" and command["amount"] > left[command["payment_id"]]:
            continue
        seen.add(command["refund_id"])
        left[command["payment_id"]] -= command["amount"]
        totals[command["currency"]] += command["amount"]
        by_payment[command["payment_id"]] += command["amount"]
    return totals, by_payment


@pytest.mark.parametrize("seed", SEEDS)
def test_planted_mismatches_are_what_lines_and_payments_say(seed: int) -> None:
    records, truth = run(seed)
    assert {name: set(found) for name, found in mismatches(records).items()} == truth.mismatches


def mismatches(records: list[Record]) -> dict[str, set[str]]:
    """Category -> `{psp}:{object id}`, from nothing but the records."""
    commands = parsed(records, COMMANDS)
    lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in first_of_each(
        [line for line in parsed(records, LINES) if line["type"] == "settlement.line"], "source", "line_id"
    ):
        lines[f"{line['psp']}:{line['psp_payment_id']}"].append(line)
    found: dict[str, set[str]] = defaultdict(set)
    expected: set[str] = set()
    psp_of: dict[str, str] = {}
    for payment in [c for c in commands if c["type"] == "payment.record"]:
        if payment["payment_id"] in psp_of:
            continue
        psp_of[payment["payment_id"]] = payment["psp"]
        name = f"{payment['psp']}:{payment['psp_payment_id']}"
        expected.add(name)
        compare(found, name, payment, lines.get(name, []))
    for refund in [c for c in commands if c["type"] == "refund.record"]:
        name = f"{psp_of[refund['payment_id']]}:{refund['psp_refund_id']}"
        expected.add(name)
        assert [line["gross"] for line in lines[name]] == [-refund["amount"]]
    for name in set(lines) - expected:
        found["MISSING_PAYMENT"].add(name)
    return found


def compare(
    found: dict[str, set[str]], name: str, payment: dict[str, Any], lines: list[dict[str, Any]]
) -> None:
    plan = PSPS[payment["psp"]].plan
    exact = payment["amount"] * plan.bps / 10_000 + plan.fixed.get(payment["currency"], 0)
    if not lines:
        found["MISSING_SETTLEMENT"].add(name)
    if len(lines) > 1:
        found["DUPLICATE_SETTLEMENT"].add(name)
    for line in lines:
        if line["gross"] < payment["amount"]:
            found["AMOUNT_UNDER"].add(name)
        if line["fee"] - exact > max(1.5, 0.005 * exact + 0.5):
            found["FEE_VARIANCE"].add(name)


@pytest.mark.parametrize("seed", SEEDS)
def test_duplicates_and_dead_letters_are_what_the_records_say(seed: int) -> None:
    records, truth = run(seed)
    contents: dict[tuple[str, str], bytes] = {}
    facts: set[tuple[Any, ...]] = set()
    counted: Counter[str] = Counter()
    for record in (record for record in records if record.topic == COMMANDS):
        counted[judge(record, contents, facts)] += 1
    assert counted["duplicate"] == truth.outcomes["duplicate"]
    assert counted["dead_letter"] == truth.outcomes["dead_letter"]
    assert counted["new"] == sum(truth.outcomes[name] for name in ("applied", "refused", "parked"))
    assert truth.outcomes["refused"] == len(truth.refused)
    assert truth.outcomes["parked"] == len(truth.parked)
    assert all(counted.values())


def judge(record: Record, contents: dict[tuple[str, str], bytes], facts: set[tuple[Any, ...]]) -> str:
    try:
        decode(record.topic, record.value)
    except Undecodable:
        return DEAD
    document = orjson.loads(record.value)
    known = contents.setdefault((record.key, document["id"]), record.value)
    if known is not record.value:
        return "duplicate" if known == record.value else DEAD
    fact = (document["type"], document.get("payment_id"), document.get("psp_refund_id"))
    if document["type"] in ("payment.record", "refund.record"):
        if fact in facts:
            return "duplicate"
        facts.add(fact)
    return "new"


@pytest.mark.parametrize("seed", SEEDS)
def test_batches_and_trailers_agree(seed: int) -> None:
    records, truth = run(seed)
    documents = parsed(records, LINES)
    lines = first_of_each([d for d in documents if d["type"] == "settlement.line"], "source", "line_id")
    trailers = [d for d in documents if d["type"] == "settlement.trailer"]
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for line in lines:
        totals = sums[line["source"], line["batch_id"]]
        for place, value in enumerate((1, line["gross"], line["fee"], line["net"])):
            totals[place] += value
    announced = {
        (trailer["source"], trailer["batch_id"]): [trailer[n] for n in ("count", "gross", "fee", "net")]
        for trailer in trailers
    }
    assert announced == dict(sums)
    assert (truth.lines, truth.trailers) == (len(lines), len(trailers))
    assert truth.line_repeats == len(documents) - len(lines) - len(trailers)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_short_and_slow_demo_plants_every_category(seed: int) -> None:
    _, truth = run(seed, seconds=2.0, rate=20.0)
    assert all(truth.planted()[category] for category in CATEGORIES)


def test_a_mix_without_mistakes_plants_none() -> None:
    clean = Mix(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    generator = Generator(3, 200, START, clean)
    documents = [orjson.loads(record.value) for record in generator.records(5)]
    assert {document["type"] for document in documents} == {
        "payment.record",
        "settlement.line",
        "settlement.trailer",
    }
    assert not any(generator.truth.planted().values())
    assert generator.truth.outcomes == {"applied": generator.truth.payments}

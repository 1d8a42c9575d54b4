"""The demo's stream: seeded, realistic, and its truth is what an independent reading of the events gives."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime

import orjson
import pytest

from app.contracts.codec import Undecodable, decode
from app.contracts.topics import BY_NAME
from app.demo.generator import TAIL_SECONDS, Generator
from app.demo.market import CURRENCIES, MERCHANTS, PSPS
from app.demo.stream import COMMANDS, LINES, NOTHING_ELSE, Event, Record, Webhook
from app.demo.truth import CATEGORIES, DEAD, EITHER, Truth
from app.domain.psp_facts import PspFact
from tests.demo.findings import mismatches
from tests.demo.reading import Reading, facts, parsed, settlement_lines, totals

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SEEDS = (1, 7, 42)


def run(seed: int, seconds: float = 20.0, rate: float = 300.0) -> tuple[list[Event], Truth]:
    generator = Generator(seed, rate, START)
    events = [*generator.opening(), *generator.records(seconds)]
    return events, generator.truth


def records_of(seed: int) -> list[Record]:
    return [event for event in run(seed)[0] if isinstance(event, Record)]


def test_a_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert run(7)[0] == run(7)[0]
    assert run(7)[0][:50] != run(8)[0][:50]


@pytest.mark.parametrize("seed", SEEDS)
def test_events_come_in_time_and_at_the_rate(seed: int) -> None:
    generator = Generator(seed, 300, START)
    list(generator.opening())
    times = [event.at for event in generator.records(20)]
    assert times == sorted(times)
    assert times[-1] < 20 + TAIL_SECONDS
    assert 0.8 < sum(at < 20 for at in times) / 20 / 300 < 1.2


@pytest.mark.parametrize("seed", SEEDS)
def test_keys_are_what_the_topics_want(seed: int) -> None:
    records = records_of(seed)
    for record in records:
        assert record.topic in BY_NAME
        if record.topic == LINES:
            assert record.key == "{source}/{batch_id}".format(**orjson.loads(record.value))
    known = {merchant.id for merchant in MERCHANTS}
    assert {record.key for record in records if record.topic == COMMANDS} == known


@pytest.mark.parametrize("seed", SEEDS)
def test_money_is_what_the_events_say(seed: int) -> None:
    events, truth = run(seed)
    payments = Reading(events).payments.values()
    assert truth.payments == len(payments)
    assert truth.captured == totals((each.currency, each.captured) for each in payments)
    assert set(truth.captured) == set(CURRENCIES)
    assert any(command["type"] == "refund.create" for command in parsed(events, COMMANDS))
    refunded = totals((each.currency, sum(each.refunds.values())) for each in payments)
    assert refunded == +truth.refunded
    for each in payments:
        assert sum(each.refunds.values()) + sum(each.disputes.values()) <= each.captured


@pytest.mark.parametrize("seed", SEEDS)
def test_disputes_are_those_that_somebody_told_of_and_those_that_only_a_line_shows(seed: int) -> None:
    events, truth = run(seed)
    payments = Reading(events).payments.values()
    told = totals((each.currency, sum(each.disputes.values())) for each in payments)
    only_lines = [
        (each.currency, -line["gross"])
        for each in payments
        for line in each.lines
        if line["kind"] == "chargeback" and not each.disputes
    ]
    assert only_lines
    assert told + totals(only_lines) == +truth.disputed


@pytest.mark.parametrize("seed", SEEDS)
def test_planted_mismatches_are_what_the_events_say(seed: int) -> None:
    events, truth = run(seed)
    reading = Reading(events)
    found = mismatches(reading)
    assert {name for known in reading.ambiguous.values() for name in (each.name for each in known)} <= found[
        "MISSING_SETTLEMENT"
    ]
    assert found == truth.mismatches


@pytest.mark.parametrize("seed", SEEDS)
def test_psps_report_late_twice_out_of_order_and_without_our_ids(seed: int) -> None:
    events, truth = run(seed)
    webhooks = [event for event in events if isinstance(event, Webhook) and not event.forged]
    assert len(webhooks) == truth.webhooks
    assert {event.psp for event in webhooks} == {psp.name for psp in PSPS.values() if psp.posts}
    assert sum(isinstance(event, Webhook) and event.forged for event in events) == truth.forged
    times = Counter(event.event_id for event in webhooks)
    assert set(times.values()) == {1, 2}
    told = list(facts(events))
    assert {fact.merchant_id is None for fact in told} == {True, False}
    delays = [
        event.at - (fact.occurred_at - START).total_seconds() for event, fact in read_one_by_one(webhooks)
    ]
    assert max(delays) > 4
    firsts: dict[str, list[str]] = defaultdict(list)
    for fact in told:
        firsts[fact.psp_payment_id].append(fact.kind)
    orders = {tuple(kinds[:2]) for kinds in firsts.values()}
    assert {("authorized", "captured"), ("captured", "authorized")} <= orders


def read_one_by_one(webhooks: list[Webhook]) -> list[tuple[Webhook, PspFact]]:
    return [(event, fact) for event in webhooks for fact in list(facts([event]))[:1]]


@pytest.mark.parametrize("seed", SEEDS)
def test_lines_name_ids_orders_or_both(seed: int) -> None:
    named = Counter(
        tuple(name for name in ("psp_payment_id", "merchant_ref") if name in line)
        for line in settlement_lines(run(seed)[0])
    )
    assert set(named) == {("psp_payment_id",), ("merchant_ref",), ("psp_payment_id", "merchant_ref")}


def test_psps_book_on_business_days_and_never_late_by_themselves() -> None:
    for day in range(16, 23):
        start = datetime(2026, 11, day, 23, 59, 50, tzinfo=UTC)
        generator = Generator(3, 100, start, NOTHING_ELSE)
        for line in settlement_lines(list(generator.records(20))):
            booked = date.fromisoformat(line["booked_on"])
            assert booked.weekday() < 5
            assert (booked - start.date()).days <= 3


@pytest.mark.parametrize("seed", SEEDS)
def test_duplicates_and_dead_letters_are_what_the_records_say(seed: int) -> None:
    _, truth = run(seed)
    contents: dict[tuple[str, str], bytes] = {}
    facts: set[tuple[object, ...]] = set()
    counted: Counter[str] = Counter()
    for record in (record for record in records_of(seed) if record.topic == COMMANDS):
        counted[judge(record, contents, facts)] += 1
    assert counted["duplicate"] == truth.outcomes["duplicate"]
    assert counted["dead_letter"] == truth.outcomes["dead_letter"]
    assert counted["new"] == sum(truth.outcomes[name] for name in ("applied", EITHER, "refused", "parked"))
    assert truth.outcomes["refused"] == len(truth.refused)
    assert truth.outcomes["parked"] == len(truth.parked)
    assert all(counted.values())


def judge(record: Record, contents: dict[tuple[str, str], bytes], facts: set[tuple[object, ...]]) -> str:
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
    events, truth = run(seed)
    documents = parsed(events, LINES)
    lines = settlement_lines(events)
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
    _, truth = run(seed, seconds=5.0, rate=25.0)
    assert all(truth.planted()[category] for category in CATEGORIES)


def test_a_mix_without_mistakes_plants_none() -> None:
    generator = Generator(3, 200, START, NOTHING_ELSE)
    events = list(generator.records(5))
    documents = [orjson.loads(event.value) for event in events if isinstance(event, Record)]
    assert {document["type"] for document in documents} == {
        "payment.record",
        "payment.authorized",
        "settlement.line",
        "settlement.trailer",
    }
    assert {fact.kind for fact in facts(events)} == {"authorized", "captured"}
    assert not any(generator.truth.planted().values())
    assert set(generator.truth.outcomes) == {"applied", EITHER}

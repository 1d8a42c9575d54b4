"""The benchmarks' own truth: what they plant is what a simple pairing finds; percentiles are right."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest

from app.contracts.codec import decoder
from app.domain.commands import PaymentRecord
from app.domain.settlement import SettlementLine
from app.domain.streams import PAYMENTS_COMMANDS, SETTLEMENTS_LINES
from bench.detected import times
from bench.pair_loop import Pairing
from bench.pairs import WRONG, Mix, Pairs, Truth
from bench.traffic import arrivals

PAIRS = Pairs("acquirer", Mix())
RATE = 200.0
SECONDS = 10.0


def records(truth: Truth) -> Iterator[PaymentRecord | SettlementLine]:
    for due in arrivals(PAIRS, truth, 0, RATE, SECONDS):
        assert due.record.value is not None
        yield decoder(due.record.topic)(due.record.value)


def test_what_is_planted_is_what_a_simple_pairing_finds() -> None:
    truth, pairing, found = Truth(), Pairing(), set()
    for due in arrivals(PAIRS, truth, 0, RATE, SECONDS):
        assert due.record.value is not None
        found |= {tuple(name.split(" ", 1)) for name in pairing.take(due.record.topic, due.record.value)}
    assert found == truth.planted.keys()
    assert {category for category, _ in found} == {*WRONG, "DUPLICATE_SETTLEMENT"}


def test_lines_come_after_their_payment_and_not_in_its_order() -> None:
    arriving = list(arrivals(PAIRS, Truth(), 0, RATE, SECONDS))
    assert [due.at for due in arriving] == sorted(due.at for due in arriving)
    paid = {o: due.at for due in arriving if (o := _order(due.record.topic, due.record.value)) is not None}
    lines = [
        (msgspec.json.decode(due.record.value or b""), due.at)
        for due in arriving
        if due.record.topic == SETTLEMENTS_LINES
    ]
    assert all(at >= paid[line["merchant_ref"]] + 0.3 for line, at in lines)
    in_line_order = [int(line["merchant_ref"][2:]) for line, _ in lines]
    assert in_line_order != sorted(in_line_order)


def _order(topic: str, value: bytes | None) -> str | None:
    return str(msgspec.json.decode(value or b"")["order_ref"]) if topic == PAYMENTS_COMMANDS else None


def test_the_truth_adds_up_what_is_sent() -> None:
    truth, net, sent = Truth(), Counter[str](), Counter[str]()
    for record in records(truth):
        sent[type(record).__name__] += 1
        if isinstance(record, SettlementLine):
            net[record.settle_currency] += record.net
    assert sent == {"PaymentRecord": truth.payments, "SettlementLine": truth.lines}
    assert net == truth.net


def test_the_file_holds_the_same_lines_as_the_topic() -> None:
    pairs = Pairs("file", Mix(wrong=100, repeated=0, unknown=200))
    rows = list(csv.DictReader(io.StringIO("".join(pairs.rows(range(1_000))))))
    lines = [line for number in range(1_000) for line in pairs.lines(number)]
    assert [(row["line"], row["charge"], row["order"], row["batch"]) for row in rows] == [
        (line.line_id, line.psp_payment_id, line.merchant_ref, line.batch_id) for line in lines
    ]
    assert [int(row["net"].replace(".", "")) for row in rows] == [line.net for line in lines]
    unknown = [number for number in range(1_000) if pairs.payment(number) is None]
    assert len(unknown) == 5


@pytest.mark.parametrize(
    ("milliseconds", "wanted"),
    [([], (0, 0, 0, 0, 0)), ([7.0], (1, 7, 7, 7, 7)), (range(1, 101), (100, 50, 90, 99, 100))],
)
def test_percentiles_are_nearest_ranks(milliseconds: list[float], wanted: tuple[float, ...]) -> None:
    assert times(milliseconds) == wanted

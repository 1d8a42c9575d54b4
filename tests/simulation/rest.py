"""Once everything has come to rest, what the homes of the matching lane hold of each other must agree.

Written without the lane's rules, from what the design says of homes, pointers and the open partition: a line
is judged in one place, a pointer has its owner, an answer is the latest one. Where a record between two homes
was lost, ignored or never sent, two of them differ. And sums: what doors forwarded is what the books hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from app.domain.accounts import signed
from app.domain.banking import BankLine
from app.domain.matching import HeldLine, Item, expectation_identity, further_identities, second_identity
from app.domain.matching_records import OpenEntry, Verdict
from app.domain.open_rows import Lying
from app.domain.payment import Payment
from app.domain.settlement import SettlementLine
from app.domain.streams import BANK_LINES, SETTLEMENTS_LINES
from tests.simulation.world import World

UNCOMPARED: Final = "adyen"
"""Its references and its amounts are compared or not, as the configuration of the moment says."""
_ROWS: Final = msgspec.json.Decoder(tuple[Lying, ...])
Place = tuple[str, str, str]
"""(psp, identity, kind)."""


def at_rest(world: World) -> Iterator[str]:
    """Everything that does not agree."""
    rows = [(place[1], row.value) for place, row in world.store.rows.items()]
    items = {(ref.key[0], ref.key[1], ref.key[2]): value for ref, value in rows if ref.kind == "item"}
    payments: dict[Any, Payment] = {ref.key: value for ref, value in rows if ref.kind == "payment"}
    lying = [
        one
        for ref, text in rows
        if ref.kind == "claim" and ref.key[1].startswith("open/")
        for one in _ROWS.decode(text)
    ]
    yield from _seats(items)
    yield from _pointers({place: item for place, item in items.items() if item.psp != UNCOMPARED})
    yield from _leftovers(items, {_name(one.entry): one for one in lying})
    yield from _told(items, payments)
    yield from _sums(world)


def _seats(items: dict[Place, Item]) -> Iterator[str]:
    """A line that went elsewhere is a guest there, as it is; every guest has a home that sent it there."""
    sent: dict[tuple[str, Place], HeldLine] = {}
    guests: dict[tuple[str, Place], HeldLine] = {}
    for place, item in items.items():
        for held in item.away:
            if held.sent_to is None:
                yield f"{held.record.id} is away from {place} and nowhere else"
            else:
                sent[held.record.id, (item.psp, held.sent_to.home, item.kind)] = held
        for held in item.lines:
            if held.guest_of is not None:
                guests[held.record.id, place] = held
                if item.expectation is None:
                    yield f"{held.record.id} is a guest at {place}, where nothing is expected"
    for key in sent.keys() ^ guests.keys():
        yield f"{key[0]}: {'sent to and not a guest at' if key in sent else 'a guest never sent to'} {key[1]}"
    for key in sent.keys() & guests.keys():
        if (sent[key].record, sent[key].rule) != (guests[key].record, guests[key].rule):
            yield f"{key[0]} is another at {key[1]} than at home"


def _pointers(items: dict[Place, Item]) -> Iterator[str]:
    """Every further identity of an expectation or a line knows of it, and of nobody else."""
    claims: dict[Place, set[Any]] = defaultdict(set)
    visitors: dict[Place, dict[str, str]] = defaultdict(dict)
    for place, item in items.items():
        if item.expectation is not None:
            for identity in further_identities(item.expectation):
                claims[item.psp, identity, item.kind].add(item.here)
        for held in (*item.away, *item.own_lines):
            if held.pointed is not None:
                visitors[item.psp, held.pointed, item.kind][held.record.id] = item.identity
                yield from _met(place, held, items.get((item.psp, held.pointed, item.kind)))
            elif item.expectation is None and second_identity(held.record) is not None:
                yield f"{held.record.id} at {place} asked nobody for its second identity"
    for place in items.keys() | claims.keys() | visitors.keys():
        there = items.get(place)
        claimed, visited = (there.claims, there.visitors) if there is not None else ((), {})
        if set(claimed) != claims[place]:
            yield f"{place} is claimed by {claimed}, not {claims[place]}"
        if visited != visitors[place]:
            yield f"{place} is visited by {visited}, not {visitors[place]}"


def _met(place: Place, held: HeldLine, there: Item | None) -> Iterator[str]:
    if held.met != (there.candidates if there is not None else ()):
        yield f"{held.record.id} of {place} met {held.met}, {held.pointed} has {there and there.candidates}"
    if held.pointed != second_identity(held.record):
        yield f"{held.record.id} of {place} points to {held.pointed}"


def _leftovers(items: dict[Place, Item], lying: dict[tuple[str, ...], Lying]) -> Iterator[str]:
    """What a home has entered lies in the open partition, whose latest answer it has; nothing else lies."""
    entered: dict[tuple[str, ...], tuple[OpenEntry, Verdict | None]] = {}
    for place, item in items.items():
        if item.entered is not None:
            entered[_name(item.entered)] = (item.entered, item.verdict)
        for held in (*item.own_lines, *item.away):
            if held.entered is not None:
                entered[_name(held.entered)] = (held.entered, held.verdict)
            elif held.verdict is not None and item.psp != UNCOMPARED:
                yield f"{held.record.id} of {place} has an answer that it did not ask for"
        if item.entered is None and item.verdict is not None and item.psp != UNCOMPARED:
            yield f"{place} has an answer that it did not ask for"
    for name in entered.keys() | lying.keys():
        has, lies = entered.get(name), lying.get(name)
        if has is None or lies is None or has != (lies.entry, lies.told):
            yield f"{name}: its home has {has}, in the open partition lies {lies}"


def _name(entry: OpenEntry) -> tuple[str, ...]:
    return (entry.side, entry.psp, entry.kind, entry.subject)


def _told(items: dict[Place, Item], payments: dict[Any, Payment]) -> Iterator[str]:
    """The merchant lane knows of each object whether it is settled."""
    for place, item in items.items():
        expectation = item.expectation
        if expectation is None:
            continue
        payment = payments.get((expectation.merchant_id, expectation.payment_id))
        if payment is None:
            yield f"{place} expects something of a payment that is not there"
            continue
        if (f"{item.kind}/{expectation.object_id}" in payment.settled) != item.matched:
            yield f"{place}: matched is {item.matched}, {payment.id} has {payment.settled}"
        if expectation_identity(expectation) != item.identity:
            yield f"{place} expects what lives at {expectation_identity(expectation)}"


def _sums(world: World) -> Iterator[str]:
    """A batch's transit is the net of its lines, a bank account the sum of its lines; the latest of each."""
    wanted: dict[tuple[str, str], int] = defaultdict(int)
    for line in _latest(world, SETTLEMENTS_LINES, SettlementLine, lambda one: (one.source, one.line_id)):
        wanted[f"transit:{line.source}:{line.batch_id}", line.settle_currency] += line.net
    for line in _latest(world, BANK_LINES, BankLine, lambda one: (one.account, one.line_id)):
        wanted[f"bank:{line.account}", line.currency] += line.amount
    found: dict[tuple[str, str], int] = defaultdict(int)
    for transaction in world.store.transactions.values():
        for entry in transaction.entries:
            if entry.account.startswith(("transit:", "bank:")) and not _is_payout(transaction.kind):
                change = signed(entry.account, entry.direction, entry.amount)
                found[entry.account, entry.currency] += change
    for place in wanted.keys() | found.keys():
        if wanted[place] != found[place]:
            yield f"{place} holds {found[place]}, its lines say {wanted[place]}"


def _is_payout(kind: str) -> bool:
    return kind.startswith("payout")


def _latest(world: World, topic: str, shape: type[Any], name_of: Any) -> Iterator[Any]:
    """Each line with the content that came last; a repeat of an earlier content changes nothing."""
    contents: dict[Any, dict[bytes, Any]] = defaultdict(dict)
    for lane in world.lane_ids:
        for record in world.broker.partitions[lane].records if lane.topic == topic else ():
            try:
                line = msgspec.json.decode(record.value or b"", type=shape)
            except ValueError:
                continue
            contents[name_of(line)].setdefault(msgspec.json.encode(line), line)
    yield from (list(each.values())[-1] for each in contents.values())

"""An independent reading of the demo's events: what was told of each payment, and what its lines say.

It uses neither the generator's bookkeeping nor the rules of the domain, only what stands in the events;
webhooks are read by the PSPs' adapters.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.contracts.codec import Undecodable, decode
from app.demo.stream import COMMANDS, LINES, Event, Record, Webhook
from app.domain.psp_facts import PspFact
from app.psp.adapter import Unreadable
from app.psp.registry import adapters

Document = dict[str, Any]


@dataclass
class Known:
    """A payment, by all names that anybody gave it."""

    merchant_id: str
    id: str
    psp: str
    psp_id: str = ""
    order_ref: str = ""
    captured: int = 0
    currency: str = ""
    occurred_on: str = "9999"
    """The earliest date that somebody named."""
    kinds: set[str] = field(default_factory=set)
    look: tuple[str, ...] | None = None
    """What makes it look like another one to a person."""
    lines: list[Document] = field(default_factory=list)
    refunds: dict[str, int] = field(default_factory=dict)
    """PSP's id of each that did not fail -> amount."""
    disputes: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.psp}:{self.psp_id}"


def parsed(events: Iterable[Event], topic: str) -> list[Document]:
    """Records of a topic that are JSON objects of a known type with all their fields."""
    documents = []
    for record in events:
        if isinstance(record, Record) and record.topic == topic:
            try:
                decode(topic, record.value)
            except Undecodable:
                continue
            documents.append(orjson.loads(record.value))
    return documents


def first_of_each(documents: list[Document], *names: str) -> list[Document]:
    """Documents without those whose `names` were seen before."""
    kept: dict[tuple[Any, ...], Document] = {}
    for document in documents:
        kept.setdefault(tuple(document[name] for name in names), document)
    return list(kept.values())


def facts(events: Iterable[Event]) -> Iterator[PspFact]:
    """What rightly signed webhooks say, each time they say it."""
    for event in events:
        if isinstance(event, Webhook) and not event.forged:
            try:
                told = adapters()[event.psp].parse({"webhook-id": event.event_id}, event.body)
            except Unreadable:
                continue
            yield from (fact for _, fact in told)


def settlement_lines(events: Iterable[Event]) -> list[Document]:
    lines = [line for line in parsed(events, LINES) if line["type"] == "settlement.line"]
    return first_of_each(lines, "source", "line_id")


class Reading:
    """All of it. `strays`: (psp, id) that PSPs spoke of and nobody knows; `stray_lines`: likewise."""

    def __init__(self, events: list[Event]) -> None:
        self.payments: dict[tuple[str, str], Known] = {}
        self.strays: set[str] = set()
        self.stray_lines: list[Document] = []
        self.ambiguous: dict[str, list[Known]] = {}
        self._commands = first_of_each(parsed(events, COMMANDS), "merchant_id", "id")
        self._facts = list(facts(events))
        self._take_payments()
        self._take_followers()
        self._by_id = {known.name: known for known in self.payments.values()}
        self._take_lines(settlement_lines(events))

    def _take_payments(self) -> None:
        for command in self._commands:
            if command["type"] in ("payment.record", "payment.authorized"):
                known = self._known(command["merchant_id"], command["payment_id"], command["psp"])
                self._name(known, command.get("psp_payment_id"), command["order_ref"])
                if command["type"] == "payment.record":
                    self._capture(known, command["amount"], command["currency"], command["occurred_at"])
                    payer = command["payer"]
                    if "tax_id" in payer:
                        known.look = (payer["tax_id"], command["invoice_id"], command["occurred_at"][:10])
        for fact in self._facts:
            if fact.merchant_id and fact.payment_id and fact.psp_object_id is None:
                known = self._known(fact.merchant_id, fact.payment_id, fact.psp)
                self._name(known, fact.psp_payment_id, fact.order_ref)

    def _take_followers(self) -> None:
        by_id = {known.name: known for known in self.payments.values()}
        for fact in self._facts:
            known = by_id.get(f"{fact.psp}:{fact.psp_payment_id}")
            if known is None:
                self.strays.add(f"{fact.psp}:{fact.psp_payment_id}")
            else:
                self._hear(known, fact)
        for command in self._commands:
            if command["type"] == "refund.record":
                known = self.payments[command["merchant_id"], command["payment_id"]]
                known.refunds[command["psp_refund_id"]] = command["amount"]
            elif command["type"].startswith("dispute"):
                known = self.payments[command["merchant_id"], command["payment_id"]]
                self._dispute(known, command["psp_dispute_id"], command["amount"], command["type"])

    def _hear(self, known: Known, fact: PspFact) -> None:
        known.kinds.add(fact.kind)
        object_id = fact.psp_object_id or ""
        if fact.kind == "captured":
            self._capture(known, fact.amount, fact.currency, fact.occurred_at.isoformat())
        elif fact.kind == "refunded":
            known.refunds.setdefault(object_id, fact.amount)
        elif fact.kind == "refund_failed":
            known.refunds[object_id] = 0
        elif fact.kind.startswith("dispute"):
            self._dispute(known, object_id, fact.amount, fact.kind)

    def _known(self, merchant_id: str, payment_id: str, psp: str) -> Known:
        return self.payments.setdefault((merchant_id, payment_id), Known(merchant_id, payment_id, psp))

    def _name(self, known: Known, psp_id: str | None, order_ref: str | None) -> None:
        known.psp_id = psp_id or known.psp_id
        known.order_ref = order_ref or known.order_ref

    def _capture(self, known: Known, amount: int, currency: str, moment: str) -> None:
        assert (known.captured, known.currency) in ((0, ""), (amount, currency)), known
        known.captured, known.currency = amount, currency
        known.occurred_on = min(known.occurred_on, moment[:10])

    def _dispute(self, known: Known, dispute_id: str, amount: int, kind: str) -> None:
        won = kind.endswith("won") or known.disputes.get(dispute_id) == 0
        known.disputes[dispute_id] = 0 if won else amount

    def _take_lines(self, lines: list[Document]) -> None:
        by_order: dict[str, list[Known]] = defaultdict(list)
        for known in self.payments.values():
            by_order[f"{known.psp}:{known.order_ref}"].append(known)
        alone = {name: found for name, found in by_order.items() if len(found) == 1}
        for line in lines:
            order = f"{line['psp']}:{line.get('merchant_ref')}"
            known_by_id = self._by_id.get(f"{line['psp']}:{line.get('psp_payment_id')}")
            found = known_by_id or next(iter(alone.get(order, ())), None)
            if found is not None:
                found.lines.append(line)
            elif order in by_order:
                self._by_amount(line, order, by_order[order])
            elif not self._of_an_object(line):
                self.stray_lines.append(line)

    def _of_an_object(self, line: Document) -> bool:
        """Whether it names a refund or dispute that somebody told of."""
        object_id = line.get("psp_payment_id")
        for known in self.payments.values():
            if known.psp == line["psp"] and (object_id in known.refunds or object_id in known.disputes):
                known.lines.append(line)
                return True
        return False

    def _by_amount(self, line: Document, order: str, sharing: list[Known]) -> None:
        fitting = [known for known in sharing if known.captured == line["gross"]]
        if len(fitting) == 1:
            fitting[0].lines.append(line)
        else:
            self.ambiguous[order] = fitting


def totals(amounts: Iterable[tuple[str, int]]) -> Counter[str]:
    """Currency -> sum, without zeros."""
    total: Counter[str] = Counter()
    for currency, amount in amounts:
        total[currency] += amount
    return +total

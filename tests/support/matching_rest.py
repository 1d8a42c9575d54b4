"""What has to hold in the matching lane once nothing is left to be decided; each breach in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from app.domain import open_rows
from app.domain.accounts import DEBIT
from app.domain.commands import SettlementMatched
from app.domain.configuration import Platform
from app.domain.expectations import home_of
from app.domain.findings import tolerances
from app.domain.judge import judge
from app.domain.line_books import posted
from app.domain.matching import HeldLine, Item, candidate_of, further_identities, line_identity
from app.domain.matching_records import Verdict
from app.domain.open_set import is_candidate
from app.domain.pairing import is_complete, roles
from app.domain.settlement import ExpectationAnnounced, LineRecorded
from app.domain.settlement_postings import Amounts, add, targets
from app.domain.state import PLATFORM
from tests.support.matching_cluster import MatchingCluster

Lines = Mapping[str, LineRecorded]
Expectations = list[ExpectationAnnounced]


def breaches(
    cluster: MatchingCluster, lines: Lines, expected: Expectations, steady: bool = True
) -> list[str]:
    """`steady`: the configuration has not changed, so what was decided under it still has to hold."""
    found = [
        *_dead(cluster),
        *_ledger(cluster),
        *_books(cluster, lines, steady),
        *_places(cluster, lines),
        *_guests(cluster),
        *_expectations(cluster, expected),
        *_open_rows(cluster, steady),
        *_timers(cluster),
    ]
    if steady:
        found += [*_pointers(cluster, expected), *_mismatches(cluster), *_told(cluster)]
    return found


def _items(cluster: MatchingCluster) -> list[Item]:
    return cluster.values("item")


def _platform(cluster: MatchingCluster) -> Platform:
    platform: Platform = cluster.partitions[0].state[PLATFORM]
    return platform


def _dead(cluster: MatchingCluster) -> Iterator[str]:
    yield from (f"dead letter {record}" for record in cluster.dead)


def _ledger(cluster: MatchingCluster) -> Iterator[str]:
    """Each transaction balances in each currency; no reversal names what was reversed before."""
    for transaction in cluster.transactions:
        sums: Counter[str] = Counter()
        for entry in transaction.entries:
            sums[entry.currency] += entry.amount if entry.direction == DEBIT else -entry.amount
        if any(sums.values()):
            yield f"{transaction.id} does not balance: {dict(sums)}"
    reversed_ones = Counter(t.reverses for t in cluster.transactions if t.reverses)
    yield from (f"{name} was reversed twice" for name, times in reversed_ones.items() if times > 1)


def _books(cluster: MatchingCluster, lines: Lines, steady: bool) -> Iterator[str]:
    """The accounts say what the lines say now, and the lines' postings say what the accounts say."""
    present = cluster.balances()
    transit: Counter[tuple[str, str]] = Counter()
    for record in lines.values():
        transit[f"transit:{record.source}:{record.batch_id}", record.settle_currency] += record.net
    for place in {*transit, *(p for p in present if p[0].startswith("transit:"))}:
        if transit[place] != present.get(place, 0):
            yield f"{place} holds {present.get(place, 0)}, its lines' net is {transit[place]}"
    kept: Amounts = {}
    for item in _items(cluster):
        for held in (*item.lines, *item.away):
            for (account, currency), debit in posted(held).items():
                add(kept, account, currency, debit)
    wanted = _wanted(cluster) if steady else kept
    raw = _raw(cluster)
    for place in {*kept, *wanted, *raw}:
        figures = (raw.get(place, 0), kept.get(place, 0), wanted.get(place, 0))
        if len(set(figures)) > 1:
            yield f"{place}: ledger {figures[0]}, lines' postings {figures[1]}, wanted {figures[2]}"


def _raw(cluster: MatchingCluster) -> Amounts:
    sums: Amounts = {}
    for transaction in cluster.transactions:
        for entry in transaction.entries:
            debit = entry.amount if entry.direction == DEBIT else -entry.amount
            add(sums, entry.account, entry.currency, debit)
    return sums


def _wanted(cluster: MatchingCluster) -> Amounts:
    """What all lines should have on the accounts, each taken once, where it is judged."""
    wanted: Amounts = {}
    for item in _items(cluster):
        judged = item.expectation is not None
        allowed = tolerances(_platform(cluster), item)
        split = roles(item, allowed.gross)
        for name, amounts in targets(item, split, allowed.gross).items():
            held = item.find(name)
            assert held is not None
            if judged or held.guest_of is None:
                for (account, currency), debit in amounts.items():
                    add(wanted, account, currency, debit)
    return wanted


def _places(cluster: MatchingCluster, lines: Lines) -> Iterator[str]:
    """Every line lies at its home exactly once, with its last content."""
    at_home: dict[str, list[tuple[Item, HeldLine]]] = {}
    for item in _items(cluster):
        ids = [held.record.id for held in (*item.lines, *item.away)]
        if len(set(ids)) != len(ids):
            yield f"{item.identity}: a line twice in one item: {ids}"
        for held in (*item.own_lines, *item.away):
            at_home.setdefault(held.record.id, []).append((item, held))
    for name, record in lines.items():
        places = at_home.pop(name, [])
        if [(item.identity, item.kind) for item, _ in places] != [(line_identity(record), record.kind)]:
            yield f"{name} lies at {[(item.identity, item.kind) for item, _ in places]}"
        elif places[0][1].record != record:
            yield f"{name} is held with another content than its last"
    yield from (f"nobody told of {name}" for name in at_home)


def _guests(cluster: MatchingCluster) -> Iterator[str]:
    """Who is away is somebody's guest, with the same content and rule, and nobody else is one."""
    sent = {
        (held.sent_to.home, item.kind, held.record.id): (item.identity, held.record, held.rule, held.sent_to)
        for item in _items(cluster)
        for held in item.away
        if held.sent_to is not None
    }
    seated = {
        (item.identity, item.kind, held.record.id): (held.guest_of, held.record, held.rule, item.here)
        for item in _items(cluster)
        for held in item.lines
        if held.guest_of is not None
    }
    for place in {*sent, *seated}:
        if sent.get(place) != seated.get(place):
            yield f"sent to {place}: {sent.get(place)}; guest there: {seated.get(place)}"


def _expectations(cluster: MatchingCluster, expected: Expectations) -> Iterator[str]:
    wanted = {(home_of(record), record.kind): replace(record, id="") for record in expected}
    for item in _items(cluster):
        found = None if item.expectation is None else replace(item.expectation, id="")
        if found != wanted.pop((item.identity, item.kind), None):
            yield f"{item.identity} expects {found}"
    yield from (f"nobody expects {record}" for record in wanted.values())


def _pointers(cluster: MatchingCluster, expected: Expectations) -> Iterator[str]:
    claims: dict[tuple[str, str], set[Any]] = {}
    for record in expected:
        for identity in further_identities(record):
            claims.setdefault((identity, record.kind), set()).add(candidate_of(record))
    candidates = {}
    for item in _items(cluster):
        wanted = claims.pop((item.identity, item.kind), set())
        candidates[item.identity, item.kind] = item.candidates
        if set(item.claims) != wanted:
            yield f"{item.identity} is claimed by {item.claims}, should be by {wanted}"
    yield from (f"{place} should be claimed by {who}" for place, who in claims.items())
    for item in _items(cluster):
        for held in (*item.own_lines, *item.away):
            if held.pointed and held.met != candidates.get((held.pointed, item.kind), ()):
                yield f"{held.record.id} has met {held.met} at {held.pointed}"


def _open_rows(cluster: MatchingCluster, steady: bool) -> Iterator[str]:
    """What was entered lies there, and nothing else; homes know the verdict that follows from the set."""
    entered = {}
    for item in _items(cluster):
        if item.entered is not None:
            entered[item.entered] = item.verdict
        for held in (*item.own_lines, *item.away):
            if held.entered is not None:
                entered[held.entered] = held.verdict
    lying = {one.entry: one for one in _lying(cluster)}
    yield from (f"{entry.subject} entered but does not lie there" for entry in entered.keys() - lying.keys())
    yield from (f"{entry.subject} lies there but did not enter" for entry in lying.keys() - entered.keys())
    for entry in entered.keys() & lying.keys():
        told, verdict = lying[entry].told, entered[entry]
        if told is None or verdict is None or not told.same_as(verdict):
            yield f"{entry.subject} was told {told}, knows {verdict}"
        elif steady and not told.same_as(_verdict(cluster, entry)):
            yield f"{entry.subject} was told {told}, the set says {_verdict(cluster, entry)}"


def _lying(cluster: MatchingCluster) -> list[open_rows.Lying]:
    rows = [text for text in cluster.values("claim") if text.startswith("[")]
    return [lying for text in rows for lying in msgspec.json.decode(text, type=open_rows.Row)]


def _verdict(cluster: MatchingCluster, entry: Any) -> Any:
    """By brute force over all that lies anywhere."""
    tolerance = _platform(cluster).psps[entry.psp].gross_tolerance
    own = _facing(cluster, entry, tolerance)
    mutual = len(own) == 1 and len(_facing(cluster, own[0], tolerance)) == 1
    rule: Any = "" if not own else "A2" if mutual else "A3"
    if entry.side == "line":
        return Verdict(rule=rule, candidates=tuple(o.candidate for o in own[:8] if o.candidate))
    return Verdict(rule=rule, lines=tuple(o.subject for o in own[:8]))


def _facing(cluster: MatchingCluster, entry: Any, tolerance: int) -> list[Any]:
    place = (entry.kind, entry.currency)
    near = [one.entry for one in _lying(cluster) if (one.entry.kind, one.entry.currency) == place]
    others = [one for one in near if one.side != entry.side and is_candidate(entry, one, tolerance)]
    return sorted(others, key=lambda one: one.subject)


def _timers(cluster: MatchingCluster) -> Iterator[str]:
    """None is left once all windows have closed."""
    yield from (f"timer {timer.record.id} is left" for timer in cluster.values("timer"))
    for item in _items(cluster):
        if item.settlement_due_ms is not None or item.payment_due_ms is not None:
            yield f"{item.identity} waits for a timer that there is not"


def _mismatches(cluster: MatchingCluster) -> Iterator[str]:
    """Open is exactly what the facts support."""
    supported = set()
    for item in _items(cluster):
        allowed = tolerances(_platform(cluster), item)
        findings = judge(item, roles(item, allowed.gross), allowed, _platform(cluster))
        if {finding.key for finding in findings} != set(item.open):
            yield f"{item.identity} holds {set(item.open)} open, supported are {[f.key for f in findings]}"
        supported |= {opened.mismatch_id for opened in item.open.values()}
    present = {mismatch.id for mismatch in cluster.open()}
    if present != supported:
        yield f"open mismatches that no item holds: {present - supported}, not open: {supported - present}"


def _told(cluster: MatchingCluster) -> Iterator[str]:
    """The merchant knows of each object that is expected whether it is settled."""
    last = {
        (told.home, told.kind, told.object_id): told.matched
        for told in cluster.to_merchants
        if isinstance(told, SettlementMatched)
    }
    for item in _items(cluster):
        if item.expectation is not None:
            allowed = tolerances(_platform(cluster), item)
            complete = is_complete(item.expectation, roles(item, allowed.gross).parts, allowed.gross)
            told = last.get((item.identity, item.kind, item.expectation.object_id), False)
            if item.matched != complete or (complete and not told):
                yield f"{item.identity} is complete: {complete}, the merchant was told {told}"

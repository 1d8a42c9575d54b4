"""From reports of disputes to disputes: which reports are one dispute, and what they say together.

Reports with one PSP id are one dispute, settlement lines of one amount and currency likewise. A dispute
that nobody gave the PSP's id (upstream's own, or one that a settlement line told of) and one that has it are
one as well, where they share our id, or amount and currency: each dispute takes at most one of either sort.
All of it is a function of the set of reports.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from app.domain.decision import Conflict
from app.domain.dispute import DisputeFactName, DisputeStage, Report, Standing

LINE: Final = "line:"
"""Begins the id of a dispute that the matching lane found on a settlement line: `line:{source}/{line id}`."""
_FACTS: Final[tuple[DisputeFactName, ...]] = ("opened", "lost", "won")

Reports = tuple[Report, ...]


def merged(reports: Reports, new: Report) -> Reports:
    """All reports with one more, in order; `in_order(reports)` where it says nothing new.

    Two reports of one fact of one dispute share their figures, else Conflict. One may add a fee, a name,
    an earlier date of opening or a later one of the outcome.
    """
    same = [one for one in reports if (one.fact, one.identity) == (new.fact, new.identity)]
    for one in same:
        _require_same(one, new)
    alike = [*same, new]
    dates = [one.occurred_at for one in alike]
    fee, date = max(one.fee for one in alike), min(dates) if new.fact == "opened" else max(dates)
    names = {one.dispute_id for one in alike}
    others = [one for one in reports if one not in same]
    return in_order([*others, *(new._replace(dispute_id=name, fee=fee, occurred_at=date) for name in names)])


def in_order(reports: Iterable[Report]) -> Reports:
    """Their own order, not that of arrival."""
    return tuple(sorted(reports, key=lambda one: (*one.identity, one.fact, *one[2:])))


def grouped(reports: Reports) -> dict[str, Reports]:
    """Dispute's key (the PSP's id, else our own) -> its reports."""
    disputes = _by_identity(one for one in reports if one.psp_dispute_id is not None)
    of_lines = _by_figures(one for one in reports if _is_line(one))
    for own in (of_lines, _by_identity(one for one in reports if _is_upstreams(one))):
        taken = {_join(disputes, key, name, own.pop(name)) for name, key in _namesakes(disputes, own)}
        for name, its in own.items():
            taken.add(_join(disputes, _alike(disputes, its, taken), name, its))
    return {key: in_order(disputes[key]) for key in sorted(disputes)}


def standing(reports: Reports) -> Standing:
    """The strongest report's figures; won or lost, whichever is dated later (then lost)."""
    won, lost = _latest(reports, "won"), _latest(reports, "lost")
    stage: DisputeStage = "open"
    if lost is not None and (won is None or won.occurred_at <= lost.occurred_at):
        stage = "lost"
    elif won is not None:
        stage = "won"
    decided = {"open": None, "won": won, "lost": lost}[stage]
    figures = min(reports, key=_strength)
    return Standing(
        psp_dispute_id=figures.psp_dispute_id,
        amount=figures.amount,
        currency=figures.currency,
        fee=_fee(reports, "opened"),
        fee_returned=_fee(reports, "won") if stage == "won" else 0,
        stage=stage,
        opened_at=min(reports, key=lambda one: (one.fact != "opened", one.occurred_at)).occurred_at,
        decided_at=None if decided is None else decided.occurred_at,
    )


def contradicting(reports: Reports) -> Report | None:
    """The strongest report whose figures are not those that count; None where all agree."""
    counts = min(reports, key=_strength)
    differing = [one for one in reports if (one.amount, one.currency) != (counts.amount, counts.currency)]
    return min(differing, key=_strength, default=None)


def _require_same(one: Report, other: Report) -> None:
    fees = {one.fee, other.fee} - {0}
    if (one.amount, one.currency) != (other.amount, other.currency) or len(fees) > 1:
        raise Conflict(
            "fact_conflict",
            f"dispute {one.identity[1]} {one.fact} is {one.amount} {one.currency} (fee {one.fee}), "
            f"not {other.amount} {other.currency} (fee {other.fee})",
        )


class _Strength(NamedTuple):
    """The smallest counts: the PSP's word, then a settlement line's, then ours; of each the opening's."""

    source: int
    fact: int
    rest: tuple[object, ...]


def _strength(one: Report) -> _Strength:
    source = 0 if one.psp_dispute_id is not None else 1 if _is_line(one) else 2
    return _Strength(source, _FACTS.index(one.fact), (one.occurred_at, one.amount, one.dispute_id))


def _is_line(one: Report) -> bool:
    return one.psp_dispute_id is None and one.dispute_id.startswith(LINE)


def _is_upstreams(one: Report) -> bool:
    return one.psp_dispute_id is None and not one.dispute_id.startswith(LINE)


def _by_identity(reports: Iterable[Report]) -> dict[str, Reports]:
    found: dict[str, list[Report]] = {}
    for one in reports:
        found.setdefault(one.identity[1], []).append(one)
    return {name: tuple(found[name]) for name in sorted(found)}


def _by_figures(reports: Iterable[Report]) -> dict[str, Reports]:
    """Lines of one amount and currency tell of one dispute: a second one is the line's repeat until proven.

    Holding a merchant's money twice would need more than the same line again.
    """
    found: dict[tuple[int, str], list[Report]] = {}
    for one in reports:
        found.setdefault((one.amount, one.currency), []).append(one)
    return {min(one.dispute_id for one in its): tuple(its) for its in found.values()}


def _namesakes(disputes: dict[str, Reports], own: dict[str, Reports]) -> list[tuple[str, str]]:
    """(name, dispute's key) of those that a PSP's report calls by our name."""
    called = {one.dispute_id: key for key in sorted(disputes, reverse=True) for one in disputes[key]}
    called |= {key: key for key in disputes}
    return [(name, called[name]) for name in own if name in called]


def _join(disputes: dict[str, Reports], key: str | None, name: str, own: Reports) -> str:
    """Add reports to a dispute (None: they are one of their own); returns the key it has from now on."""
    if key is None:
        disputes[name] = own
        return name
    joined = (*disputes.pop(key), *own)
    key = _better(key, name)
    disputes[key] = joined
    return key


def _alike(disputes: dict[str, Reports], own: Reports, taken: set[str]) -> str | None:
    """The first dispute of the same amount and currency that has none of this sort yet."""
    wanted = standing(own)
    for key in sorted(set(disputes) - taken):
        other = standing(disputes[key])
        if (other.amount, other.currency) == (wanted.amount, wanted.currency):
            return key
    return None


def _better(key: str, name: str) -> str:
    """A dispute known by a settlement line alone goes by upstream's id of it."""
    return name if key.startswith(LINE) else key


def _latest(reports: Reports, fact: DisputeFactName) -> Report | None:
    return max((one for one in reports if one.fact == fact), key=lambda one: one.occurred_at, default=None)


def _fee(reports: Reports, fact: DisputeFactName) -> int:
    """Of the strongest report that says any. A line's counts only where lines alone tell of the dispute:

    told of it otherwise, whether before or after its window closed, the line is settled, not reported.
    """
    told = [one for one in reports if not _is_line(one)] or reports
    stated = [one for one in told if one.fact == fact and one.fee]
    return min(stated, key=_strength).fee if stated else 0

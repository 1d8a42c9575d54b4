"""Labels against outcomes: the table of both, precision and recall per class, and why a row differs.

A row has one class by its label (what its authors say) and one by its outcome (what the program says): the
first of its categories in `CLASSES`. LATE is no class, it stands beside others.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

PAIRED: Final = "paired"
AMOUNT: Final = "AMOUNT_OVER/UNDER"
_AMOUNTS: Final = ("AMOUNT_OVER", "AMOUNT_UNDER")
CLASSES: Final = (
    "DUPLICATE_SETTLEMENT",
    "DISPUTE_UNMATCHED",
    "UNEXPECTED_BANK",
    "MISSING_PAYMENT",
    "MISSING_SETTLEMENT",
    "AMBIGUOUS",
    "PARTIAL_SETTLEMENT",
    AMOUNT,
    "CURRENCY_MISMATCH",
    "FEE_VARIANCE",
)


class Labelled(NamedTuple):
    """A row of a file: its id in the program, the authors' label, and the order that it is about."""

    name: str
    label: str
    order: str
    file: str


class Miss(NamedTuple):
    """A row whose class by its label is another than by its outcome."""

    label: str
    outcome: str
    why: str


class Score(NamedTuple):
    """How many rows have the class by label, by outcome, and by both."""

    labelled: int
    told: int
    both: int

    @property
    def precision(self) -> float:
        return self.both / self.told if self.told else 1.0

    @property
    def recall(self) -> float:
        return self.both / self.labelled if self.labelled else 1.0


def class_of(outcome: str) -> str:
    """The class of an outcome like `AMOUNT_OVER+FEE_VARIANCE+LATE`."""
    told = {AMOUNT if name in _AMOUNTS else name for name in outcome.split("+")}
    return next((name for name in CLASSES if name in told), outcome if "LATE" not in told else PAIRED)


class Scored:
    """`truth`: label -> class. `why`: what in the files explains a miss, empty where nothing does."""

    def __init__(
        self,
        rows: Sequence[Labelled],
        outcomes: Mapping[str, str],
        truth: Mapping[str, str],
        why: Callable[[Labelled, str], str],
    ) -> None:
        self.table: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.misses: Counter[Miss] = Counter()
        labelled: Counter[str] = Counter()
        told: Counter[str] = Counter()
        both: Counter[str] = Counter()
        for row in rows:
            outcome = outcomes[row.name]
            wanted, found = truth[row.label], class_of(outcome)
            self.table[row.file, row.label][outcome] += 1
            labelled[wanted] += 1
            told[found] += 1
            if wanted == found:
                both[wanted] += 1
            else:
                self.misses[Miss(row.label, outcome, why(row, outcome))] += 1
        names = sorted({*labelled, *told})
        self.scores = {name: Score(labelled[name], told[name], both[name]) for name in names}

    @property
    def unexplained(self) -> list[Miss]:
        return [miss for miss in self.misses if not miss.why]

    def reasons(self) -> Counter[str]:
        """How many rows each reason explains."""
        counts: Counter[str] = Counter()
        for miss, count in self.misses.items():
            counts[miss.why] += count
        return counts

    def lines(self) -> Iterable[str]:
        """The report, for people."""
        file = ""
        for (of, label), outcomes in sorted(self.table.items()):
            if of != file:
                file = of
                yield f"{file}"
            told = ", ".join(f"{name} {count}" for name, count in outcomes.most_common())
            yield f"  {label:38} {told}"
        yield f"{'class':24} {'labelled':>9} {'told':>6} {'both':>6} {'precision':>10} {'recall':>8}"
        for name, score in self.scores.items():
            yield (
                f"{name:24} {score.labelled:9} {score.told:6} {score.both:6}"
                f" {score.precision:10.4f} {score.recall:8.4f}"
            )
        yield f"rows that came out otherwise than labelled: {self.misses.total()}"
        for miss, count in sorted(self.misses.items()):
            yield f"  {count:4} {miss.label} -> {miss.outcome}: {miss.why or 'UNEXPLAINED'}"

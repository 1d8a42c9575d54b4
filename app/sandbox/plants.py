"""Lies in settlement files and bank statements, planted on purpose; the books themselves stay true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from app.sandbox.faults import Chance
from app.sandbox.requests import CutOffBody
from app.sandbox.settlement import Line

PlantKind = Literal["missing_line", "doubled_line", "wrong_amount", "wrong_fee", "wrong_net"]

OF_LINES: Final[tuple[PlantKind, ...]] = ("missing_line", "doubled_line", "wrong_amount", "wrong_fee")


class Plant(msgspec.Struct, frozen=True, kw_only=True):
    """`line`: the line's id, or the batch's for `wrong_net`. `right` and `written` in minor units."""

    kind: PlantKind
    line: str
    object: str
    right: int
    written: int


class Planter:
    """Which lines are spoilt is drawn; captures only, each at most once. `planted` says what was done."""

    def __init__(self, asked: CutOffBody, chance: Chance, batches: Sequence[Sequence[Line]]) -> None:
        self._chance = chance
        self.planted: list[Plant] = []
        captures = [line for lines in batches for line in lines if line.type == "capture"]
        drawn = iter(sorted(captures, key=lambda line: chance.draw("plant", line.line)))
        kinds = [kind for kind in OF_LINES for _ in range(getattr(asked, kind))]
        self._spoilt = {line.line: kind for kind, line in zip(kinds, drawn, strict=False)}
        ids = sorted(
            (lines[0].batch for lines in batches if lines), key=lambda each: chance.draw("net", each)
        )
        self._wrong_net = set(ids[: asked.wrong_net])

    def lines(self, lines: Sequence[Line]) -> list[Line]:
        """What the file says instead."""
        return [written for line in lines for written in self._written(line)]

    def paid(self, batch: str, net: int) -> int:
        """What the bank line says of a batch's net."""
        if batch not in self._wrong_net:
            return net
        wrong = net - max(1, abs(net) // 100)
        self.planted.append(Plant(kind="wrong_net", line=batch, object=batch, right=net, written=wrong))
        return wrong

    def _written(self, line: Line) -> Iterator[Line]:
        kind = self._spoilt.get(line.line)
        if kind is None:
            yield line
        elif kind == "missing_line":
            self._note(kind, line, line.gross, 0)
        elif kind == "doubled_line":
            self._note(kind, line, line.gross, 2 * line.gross)
            yield line
            yield line._replace(line=f"{line.line}-2")
        else:
            yield self._changed(kind, line)

    def _changed(self, kind: PlantKind, line: Line) -> Line:
        if kind == "wrong_fee":
            fee = line.fee + max(5, line.fee // 4)
            self._note(kind, line, line.fee, fee)
            return line._replace(fee=fee)
        by = max(1, line.gross // 10)
        gross = line.gross + (by if line.gross == 1 or self._chance.happens(0.5, "over", line.line) else -by)
        self._note(kind, line, line.gross, gross)
        return line._replace(gross=gross)

    def _note(self, kind: PlantKind, line: Line, right: int, written: int) -> None:
        self.planted.append(
            Plant(kind=kind, line=line.line, object=line.object, right=right, written=written)
        )

"""One batch: load, decide, commit. Stale rows are reloaded and decided again."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from app.domain.state import Ref
from app.errors import FailStop, Stale, TallystickError
from app.kafka.publisher import Outgoing
from app.lane.deciding import Deciding, correction_id
from app.lane.intake import Entry, take_in
from app.lane.memory import Memory
from app.lane.outgoing import pack
from app.lane.ports import Deps, LogRecord, Rules
from app.lane.stats import LaneStats
from app.store.api import Commit, LaneId, Versioned


class Applied(NamedTuple):
    """What a committed batch left to do: publish `outgoing`, write `rows` and `ids` to the tables."""

    first: int
    counts: Mapping[str, int]
    outgoing: Sequence[Outgoing]
    rows: Mapping[Ref, Versioned]
    ids: Sequence[tuple[str, str, bytes, int]]


class BatchRun:
    """Runs one batch against the store. Raises what `Store.commit` raises, but Stale only as FailStop."""

    def __init__(self, lane: LaneId, rules: Rules, deps: Deps, memory: Memory, stats: LaneStats) -> None:
        self._lane = lane
        self._rules = rules
        self._deps = deps
        self._memory = memory
        self._stats = stats

    async def run(
        self, records: Sequence[LogRecord], first: int, next_offset: int, poison: str | None
    ) -> Applied:
        """`poison`: the reason for which the only record becomes a dead letter without being decided."""
        trust_tables = True
        for _ in range(self._deps.settings.stale_retries):
            entries = take_in(records, self._lane, self._rules, self._deps.partitions[self._lane.topic])
            if poison is not None:
                entries[0].bury(poison)
            try:
                deciding = await self._decide(entries, trust_tables)
                commit = self._commit_of(deciding, first, next_offset)
                await self._deps.store.commit(commit)
                return self._applied(deciding, commit)
            except TallystickError as fault:
                if not isinstance(fault, Stale):
                    raise
            except Exception:
                # a rule that breaks on what tables and memory say may be right with what PostgreSQL says
                if not trust_tables:
                    raise
            self._stats.stale += 1
            self._memory.forget()
            trust_tables = False
        raise FailStop("rows change under the decision although the position does not move")

    async def _decide(self, entries: list[Entry], trust_tables: bool) -> Deciding:
        known = await self._known_ids(entries, trust_tables)
        deciding = Deciding(self._lane, self._rules, self._deps.partitions, entries, known)
        wanted = self._wanted(entries, known)
        await self._load(deciding, wanted, trust_tables)
        while (missing := deciding.run()) is not None:
            await self._load(deciding, (missing,), trust_tables)
        return deciding

    async def _known_ids(self, entries: list[Entry], trust_tables: bool) -> dict[tuple[str, str], bytes]:
        """Ids of the batch that were committed before: from the table where it knows, else PostgreSQL."""
        known: dict[tuple[str, str], bytes] = {}
        if self._rules.is_door:
            return known
        unknown: set[tuple[str, str]] = set()
        tables, before = self._deps.tables, entries[0].offset if entries else 0
        for entry in entries:
            if entry.command is None:
                continue
            seen = tables.known_id(self._lane, entry.key, entry.id, before) if trust_tables else None
            if seen is None:
                unknown.add((entry.key, entry.id))
            else:
                known[entry.key, entry.id] = seen
        if unknown:
            known.update(await self._deps.store.known_ids(self._lane, unknown))
        corrections = {
            (entry.key, correction_id(entry))
            for entry in entries
            if entry.command is not None
            and known.get((entry.key, entry.id), entry.hash) != entry.hash
            and self._rules.accepts_correction(entry.command)
        }
        if corrections:
            known.update(await self._deps.store.known_ids(self._lane, corrections))
        return known

    def _wanted(self, entries: list[Entry], known: Mapping[tuple[str, str], bytes]) -> set[Ref]:
        wanted: set[Ref] = set()
        prefetch = self._rules.prefetch
        for entry in entries:
            if entry.command is not None and known.get((entry.key, entry.id)) != entry.hash:
                wanted.update(prefetch(entry.command))
        return wanted

    async def _load(self, deciding: Deciding, wanted: Iterable[Ref], trust_tables: bool) -> None:
        """Fill the overlay: from memory (exact), else a table (checked at commit), else PostgreSQL."""
        overlay, remembered, tables = deciding.overlay, self._memory.rows, self._deps.tables
        missing: list[Ref] = []
        for ref in wanted:
            if ref in remembered:
                overlay.know(ref, remembered[ref])
                continue
            row = tables.read(self._lane, ref) if trust_tables and tables.caches(ref) else None
            if row is None:
                missing.append(ref)
            else:
                overlay.know(ref, row, from_table=True)
        if missing:
            loaded = await self._deps.store.load(self._lane, missing)
            for ref in missing:
                overlay.know(ref, loaded.get(ref))

    def _commit_of(self, deciding: Deciding, first: int, next_offset: int) -> Commit:
        return Commit(
            lane=self._lane,
            first=first,
            next=next_offset,
            counts=deciding.counts,
            keys=deciding.keys,
            dead_letters=deciding.dead_letters,
            state=deciding.overlay.changes(),
            reads=deciding.overlay.reads(),
            transactions=deciding.transactions,
            outbox=pack(deciding.outgoing) if self._deps.settings.publish else b"",
            append_ms=deciding.append_ms,
        )

    def _applied(self, deciding: Deciding, commit: Commit) -> Applied:
        self._memory.keep(deciding.overlay.base, commit.state)
        tables = self._deps.tables
        rows = {
            ref: Versioned(change.value, change.version)
            for ref, change in commit.state.items()
            if change.value is not None and tables.caches(ref)
        }
        ids = (
            []
            if self._rules.is_door
            else [(row.key, row.id, row.content_hash, row.offset) for row in commit.keys]
        )
        return Applied(commit.first, commit.counts, deciding.outgoing, rows, ids)

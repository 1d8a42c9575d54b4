"""What `verify` asks of the audit: each chain recomputed from its text, up to the head in its mismatch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from app.domain.audit import GENESIS, hash_of

EXAMPLES: Final = 5
AT_A_TIME: Final = 2_000
CHAINS: Final = """
SELECT a.id, a.state::text AS state, m.state ->> 'audited' AS audited, m.state ->> 'audit_hash' AS head
  FROM audit a LEFT JOIN mismatches m ON m.id = split_part(a.id, '/', 1)
 WHERE a.collection = 'audit' ORDER BY a.id
"""
HEADLESS: Final = """
SELECT m.id, m.state ->> 'audited' AS audited FROM mismatches m
 WHERE (m.state ->> 'audited')::int > 0
   AND NOT EXISTS (SELECT FROM audit a WHERE a.collection = 'audit' AND a.id = m.id || '/000001')
 LIMIT $1
"""
Problems = list[str]


class _Chain:
    """Walks the entries of all mismatches in the order of their ids."""

    def __init__(self) -> None:
        self.entries = 0
        self.chains = 0
        self.problems: Problems = []
        self._mismatch = ""
        self._seq, self._hash = 0, GENESIS
        self._head: tuple[int, str] | None = None
        self._is_broken = False

    def take(self, entry_id: str, state: str, audited: str | None, head: str | None) -> None:
        mismatch, _, number = entry_id.rpartition("/")
        if mismatch != self._mismatch:
            self.end()
            self._begin(mismatch, audited, head)
        self.entries += 1
        if not self._is_broken:
            self._check(entry_id, number, msgspec.json.decode(state))

    def end(self) -> None:
        """The last entry must be the head that the mismatch's own row has."""
        if not self._mismatch or self._is_broken:
            return
        if self._head is None:
            self._tell(f"{self._mismatch}: its mismatch is gone")
        elif self._head != (self._seq, self._hash):
            self._tell(f"{self._mismatch}/{self._seq:06} is its last entry, not number {self._head[0]}")

    def _begin(self, mismatch: str, audited: str | None, head: str | None) -> None:
        self.chains += 1
        self._mismatch, self._seq, self._hash, self._is_broken = mismatch, 0, GENESIS, False
        self._head = (int(audited), head) if audited is not None and head is not None else None

    def _check(self, entry_id: str, number: str, entry: dict[str, Any]) -> None:
        for problem in self._faults(number, entry):
            self._is_broken = True
            self._tell(f"{entry_id} {problem}")
            return
        self._seq, self._hash = entry["seq"], entry["hash"]

    def _faults(self, number: str, entry: dict[str, Any]) -> Iterator[str]:
        expected = self._seq + 1
        if int(number) != expected:
            yield f"follows number {self._seq}"
        if (entry.get("mismatch_id"), entry.get("seq")) != (self._mismatch, expected):
            yield "says that it is another"
        if entry.get("previous_hash") != self._hash:
            yield "does not name the hash of the one before"
        if entry.get("hash") != hash_of(entry):
            yield "is not what its hash was made of"

    def _tell(self, problem: str) -> None:
        self.problems.append(problem)


async def audit_query(connection: Any) -> tuple[dict[str, Any], Problems]:
    """(figures, problems); of every chain the first bad link is named. Needs a transaction."""
    walk = _Chain()
    async for row in connection.cursor(CHAINS, prefetch=AT_A_TIME):
        walk.take(row["id"], row["state"], row["audited"], row["head"])
    walk.end()
    problems = [f"audit entry {problem}" for problem in walk.problems]
    problems += [
        f"mismatch {row['id']} has {row['audited']} audit entries, and the first is gone"
        for row in await connection.fetch(HEADLESS, EXAMPLES)
    ]
    return {"chains": walk.chains, "entries": walk.entries}, problems[:EXAMPLES]

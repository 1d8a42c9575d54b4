"""A PSP in memory that is hard to work with: it answers twice, not at all, or does what it says it did not.

It keeps its own books, so that its truth can be held against ours. `trusting`: it takes whatever it is asked
for, whatever its own limits are; then only we stand between a request and too much money.
"""

from __future__ import annotations

from random import Random
from typing import Any, Final

import msgspec

from app.domain.psp_calls import PspAnswer, PspCall, idempotency_key
from app.domain.psp_facts import PspFact
from tests.support.asking_psp_objects import Charge, Part, Payout

NAME: Final = "sandbox"
NEVER_FORGOTTEN: Final = ("authorize", "payout")
TROUBLES: Final = ("lost", "unheard", "cut off", "cut off", "misconfigured")


class HardPsp:
    """`trouble` and `no`: how many of a hundred calls go wrong, and of those performed are declined."""

    def __init__(self, chance: Random, *, trusting: bool) -> None:
        self.chance, self.trusting = chance, trusting
        self.trouble, self.no = chance.choice((0, 20, 50)), chance.choice((0, 15, 40))
        self.forgets_names = chance.random() < 0.3
        """Its webhooks name the payment, but not our ids of captures and refunds."""
        self.forgets_refusals = not trusting and chance.random() < 0.3
        """A capture, void or refund that it refused it decides anew when it is asked again."""
        self.charges: dict[str, Charge] = {}
        self.payouts: dict[str, Payout] = {}
        self.told: list[PspFact] = []
        """Facts that no webhook was made of yet."""
        self.said: list[PspFact] = []
        self.clock: Any = None
        self._kept: dict[str, PspAnswer] = {}
        self._ids = 0

    def be_well(self) -> None:
        """From now on it does what it is asked for."""
        self.trouble = self.no = 0

    def perform(self, call: PspCall) -> PspAnswer:
        """The same key gets the same answer for ever; a refusal as well, unless it forgets those."""
        trouble = self._of_hundred(self.trouble) and self.chance.choice(TROUBLES)
        if trouble == "lost":
            return PspAnswer(kind="retry", reason="no connection")
        if trouble == "misconfigured":
            return PspAnswer(kind="misconfigured", reason="HTTP 401")
        if trouble == "unheard":
            return PspAnswer(kind="unknown", reason="HTTP 500")
        if call.operation == "get":
            return self._get(call)
        key = idempotency_key(call)
        answer = self._kept.get(key) or getattr(self, f"_{call.operation}")(call)
        if answer.kind == "done" or call.operation in NEVER_FORGOTTEN or not self.forgets_refusals:
            self._kept[key] = answer
        return PspAnswer(kind="unknown", reason="no answer in time") if trouble else answer

    # --- what it is asked for -------------------------------------------------------------------------------

    def _session(self, call: PspCall) -> PspAnswer:
        charge = self._charge(call, "open")
        return PspAnswer(kind="done", psp_object_id=charge.id, url="https://psp.example/pay")

    def _authorize(self, call: PspCall) -> PspAnswer:
        charge = self._charge(call, "open")
        if self._of_hundred(self.no):
            return self._declined(charge.id, [self.fail(charge)])
        if self._of_hundred(20):
            charge.state = "asks"
            return self._done(charge.id, [self._tell(charge, "action_required")])
        return self._done(charge.id, [self.succeed(charge)])

    def _capture(self, call: PspCall) -> PspAnswer:
        charge = self.charges[call.psp_payment_id or ""]
        too_much = call.amount > charge.amount - charge.captured or charge.state != "authorized"
        if self._of_hundred(self.no) or (too_much and not self.trusting):
            return self._declined(None)
        part, fact = self.capture(charge, call.amount, call.object_id)
        return self._done(part.id, [fact])

    def _void(self, call: PspCall) -> PspAnswer:
        charge = self.charges[call.psp_payment_id or ""]
        if charge.state != "authorized" or charge.captured == charge.amount or self._of_hundred(self.no):
            return self._declined(charge.id)
        return self._done(charge.id, self.release(charge, "voided"))

    def _refund(self, call: PspCall) -> PspAnswer:
        charge = self.charges[call.psp_payment_id or ""]
        if self._of_hundred(self.no) or (call.amount > charge.refundable and not self.trusting):
            return self._declined(None)
        part, fact = self.refund(charge, call.amount, call.object_id)
        return self._done(part.id, [fact])

    def _payout(self, call: PspCall) -> PspAnswer:
        payout = Payout(self._id("po"), call)
        self.payouts[payout.id] = payout
        if self._of_hundred(self.no):
            payout.state = "failed"
            return self._declined(payout.id)
        return PspAnswer(kind="done", psp_object_id=payout.id)

    def _get(self, call: PspCall) -> PspAnswer:
        """Everything it has ever said of it, whether or not a webhook arrived."""
        named = call.payment_id or call.object_id
        facts = tuple(
            fact for fact in self.said if (fact.merchant_id, fact.payment_id) == (call.merchant_id, named)
        )
        return PspAnswer(kind="done", psp_object_id=call.psp_payment_id, facts=facts)

    # --- what happens there ---------------------------------------------------------------------------------

    def succeed(self, charge: Charge) -> PspFact:
        """The payer has paid."""
        charge.state = "authorized"
        if not charge.call.capture:
            return self._tell(charge, "authorized")
        charge.captures[charge.id] = Part(charge.id, charge.amount)
        return self._tell(charge, "captured")

    def fail(self, charge: Charge) -> PspFact:
        charge.state = "failed"
        return self._tell(charge, "failed", reason="declined")

    def release(self, charge: Charge, how: str) -> list[PspFact]:
        """Give up what is left; only of a charge of which nothing was taken anything is told."""
        charge.state = how
        return [] if charge.captures else [self._tell(charge, how)]

    def capture(self, charge: Charge, amount: int, own_id: str | None = None) -> tuple[Part, PspFact]:
        part = charge.captures[self._id("cap")] = Part(f"cap_{self._ids}", amount)
        return part, self._tell_part(charge, "captured", part, own_id)

    def refund(self, charge: Charge, amount: int, own_id: str | None = None) -> tuple[Part, PspFact]:
        part = charge.refunds[self._id("re")] = Part(f"re_{self._ids}", amount, own_id=own_id)
        return part, self._tell_part(charge, "refunded", part, own_id)

    def fail_refund(self, charge: Charge, part: Part) -> None:
        part.state = "failed"
        self._tell_part(charge, "refund_failed", part, part.own_id)

    def dispute(self, charge: Charge, amount: int) -> None:
        part = charge.disputes[self._id("dp")] = Part(f"dp_{self._ids}", amount, state="open")
        self._tell_part(charge, "dispute_opened", part, None)

    def close_dispute(self, charge: Charge, part: Part, how: str) -> None:
        part.state = how
        self._tell_part(charge, f"dispute_{how}", part, None)

    def move_payout(self, payout: Payout, state: str) -> None:
        payout.state = state
        self._say(
            kind=f"payout_{state}",
            psp_payment_id=payout.id,
            amount=payout.call.amount,
            currency=payout.call.currency,
            merchant_id=payout.call.merchant_id,
            payment_id=payout.call.object_id,
        )

    # --- telling --------------------------------------------------------------------------------------------

    def _charge(self, call: PspCall, state: str) -> Charge:
        charge = Charge(self._id("ch"), call, state)
        self.charges[charge.id] = charge
        return charge

    def _done(self, object_id: str, facts: list[PspFact]) -> PspAnswer:
        """Sometimes it says no more than that it has taken the request in."""
        says = facts if self._of_hundred(70) else []
        return PspAnswer(kind="done", psp_object_id=object_id, facts=tuple(says))

    def _declined(self, object_id: str | None, facts: list[PspFact] | None = None) -> PspAnswer:
        says = tuple(facts or ()) if self._of_hundred(50) else ()
        return PspAnswer(kind="declined", psp_object_id=object_id, facts=says, reason="no")

    def _tell(self, charge: Charge, kind: str, **more: Any) -> PspFact:
        charge.told.add(kind)
        return self._say(kind=kind, amount=charge.amount, **charge.names, **more)

    def _tell_part(self, charge: Charge, kind: str, part: Part, own_id: str | None) -> PspFact:
        charge.told.add(kind)
        ids = {"psp_object_id": part.id, "object_id": own_id}
        return self._say(kind=kind, amount=part.amount, **charge.names, **ids)

    def _say(self, **fields: Any) -> PspFact:
        fact = msgspec.convert({"psp": NAME, "occurred_at": self.clock(), **fields}, PspFact)
        self.told.append(fact)
        self.said.append(fact)
        return fact

    def _id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}_{self._ids}"

    def _of_hundred(self, so_many: int) -> bool:
        return self.chance.randrange(100) < so_many

"""Who acts at the PSP of the asking histories: payers, their banks, the PSP's own people and its clock."""

from __future__ import annotations

from random import Random

from tests.support.asking_psp import HardPsp
from tests.support.asking_psp_objects import Charge


class Payers:
    def __init__(self, psp: HardPsp, chance: Random) -> None:
        self.psp, self.chance = psp, chance

    def act(self) -> None:
        """Payers pay, banks send back, the PSP's own people and clock do what they like."""
        payouts = list(self.psp.payouts.values())
        if payouts and self.chance.random() < 0.3:
            payout = self.chance.choice(payouts)
            state = {"pending": self.chance.choice(("paid", "failed")), "paid": "returned"}.get(payout.state)
            if state:
                self.psp.move_payout(payout, state)
        elif self.psp.charges:
            self._at_a_charge(self.chance.choice(list(self.psp.charges.values())))

    def _at_a_charge(self, charge: Charge) -> None:
        psp, chance = self.psp, self.chance
        is_on_a_page = not charge.call.payment_method
        if charge.state in ("open", "asks") or (charge.state == "failed" and is_on_a_page):
            chance.choice((psp.succeed, psp.succeed, psp.fail, self._give_up))(charge)
        elif charge.state == "authorized" and not psp.trusting:
            self._at_an_authorisation(charge)
        if not psp.trusting:
            self._back(charge)

    def _give_up(self, charge: Charge) -> None:
        self.psp.release(charge, "expired")

    def _at_an_authorisation(self, charge: Charge) -> None:
        left, what = charge.amount - charge.captured, self.chance.random()
        if left and what < 0.2:
            self.psp.release(charge, self.chance.choice(("voided", "expired")))
        elif left and what < 0.4:
            self.psp.capture(charge, self.chance.randint(1, left))

    def _back(self, charge: Charge) -> None:
        chance, left = self.chance, charge.refundable
        open_disputes = [one for one in charge.disputes.values() if one.state == "open"]
        refunds = [one for one in charge.refunds.values() if one.state == "done"]
        if open_disputes and chance.random() < 0.5:
            self.psp.close_dispute(charge, chance.choice(open_disputes), chance.choice(("won", "lost")))
        elif refunds and chance.random() < 0.3:
            self.psp.fail_refund(charge, chance.choice(refunds))
        elif left > 0 and chance.random() < 0.2:
            self.psp.dispute(charge, chance.randint(1, left))
        elif left > 0 and chance.random() < 0.1:
            self.psp.refund(charge, chance.randint(1, left))

    def settle(self) -> None:
        """Whoever hesitates decides."""
        for charge in self.psp.charges.values():
            if charge.state in ("open", "asks"):
                self.chance.choice((self.psp.succeed, self.psp.fail, self._give_up))(charge)
        for payout in self.psp.payouts.values():
            if payout.state == "pending":
                self.psp.move_payout(payout, self.chance.choice(("paid", "failed")))

    @property
    def are_done(self) -> bool:
        states = {one.state for one in self.psp.charges.values()}
        states |= {one.state for one in self.psp.payouts.values()}
        return not states & {"open", "asks", "pending"}

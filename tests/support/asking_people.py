"""Who acts in the asking histories: merchants who ask too much and twice, approvers, operators."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from app.domain.effect import Effect
from app.domain.guards import refundable
from tests.support.asking_payers import Payers
from tests.support.asking_psp import NAME, HardPsp
from tests.support.asking_world import AskingWorld
from tests.support.domain import record

MERCHANTS: Final = ("m-1", "m-2", "m-3")
PAYMENTS: Final = ("pay-1", "pay-2", "pay-3")
AMOUNTS: Final = (1, 7, 100, 250, 999, 1_000)
AUTHORIZED_FOR: Final = 3_600 * 24
PATIENT: Final = 10**9


class People:
    def __init__(self, seed: int, *, with_sellers: bool) -> None:
        self.chance = Random(f"asking {seed}")
        trusting = self.chance.random() < 0.3
        self.world = AskingWorld(self.chance, HardPsp(self.chance, trusting=trusting))
        self.payers = Payers(self.psp, self.chance)
        self.currency = self.chance.choice(("EUR", "EUR", "JPY", "KWD"))
        self.with_sellers = with_sellers
        self._configure()

    @property
    def psp(self) -> HardPsp:
        return self.world.psp

    def _configure(self) -> None:
        psps = {NAME: {"api": True, "authorization_seconds": AUTHORIZED_FOR}}
        limit = self.chance.choice((None, 50, 300))
        self.world.configure(
            record(
                type="platform.configure",
                id="p0",
                psps=psps,
                default_psp=NAME,
                payout_psp=NAME,
                release_delay_seconds=3_600,
                parking_window_seconds=PATIENT,
                payout_approval_above=limit,
            )
        )
        for merchant in MERCHANTS:
            plan = {"bps": 290, "fixed": {"EUR": 3}}
            fields = {"merchant_id": merchant, "settlement_currency": self.currency, "fee_plan": plan}
            self.world.send(record(type="merchant.configure", id="c0", negative_limit=500, **fields))

    def act(self) -> None:
        """One thing that anybody does."""
        world, chance = self.world, self.chance
        what = chance.randrange(100)
        if what < 25:
            self.ask()
        elif what < 40:
            self.payers.act()
            world.publish()
        elif what < 62:
            world.attempt()
        elif what < 87:
            world.deliver()
        elif what < 95:
            world.pass_time(chance.choice((1, 5, 60, 4_000, 4_000, AUTHORIZED_FOR)))
        elif effects := [effect for effect in world.effects() if not effect.is_open]:
            world.redrive(chance.choice(effects))
        world.pass_time(1)

    # --- merchants ------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """Requests repeat their ids now and then, some with another content."""
        asks = (self._create, self._capture, self._capture, self._void, self._refund, self._refund)
        more = (self._payout, self._payout, self._decide)
        self.world.send(self.chance.choice((*asks, *more))())

    def _request(self, kind: str, merchant_id: str = "m-1", **fields: Any) -> Any:
        money = {"currency": self.currency} if "amount" in fields else {}
        name = f"rq-{self.world.number()}"
        return record(type=kind, id=name, merchant_id=merchant_id, **money, **fields)

    def _amount(self) -> int:
        return self.chance.choice(AMOUNTS)

    def _create(self) -> Any:
        chance, amount = self.chance, self._amount()
        more: dict[str, Any] = {"capture_method": chance.choice(("automatic", "manual"))}
        if chance.random() < 0.7:
            more["payment_method"] = "tok_1"
        if self.with_sellers and amount > 1 and chance.random() < 0.7:
            part = chance.randint(1, amount - 1)
            parts = zip(("m-2", "m-3"), (part, amount - part), strict=True)
            more["line_items"] = [{"merchant_id": seller, "amount": one} for seller, one in parts]
        return self._request("payment.create", payment_id=chance.choice(PAYMENTS), amount=amount, **more)

    def _capture(self) -> Any:
        known = [payment for _, payment in self.world.books.of_kind("payment")]
        likely = [one.id for one in known if one.has("authorized") and one.psp_payment_id]
        payment_id = self.chance.choice(likely or PAYMENTS)
        capture_id = f"cap-{payment_id}-{self.chance.randrange(5)}"
        return self._request(
            "payment.capture", payment_id=payment_id, capture_id=capture_id, amount=self._amount()
        )

    def _void(self) -> Any:
        return self._request("payment.void", payment_id=self.chance.choice(PAYMENTS))

    def _refund(self) -> Any:
        """Of any payment, and of sellers' orders."""
        known = [payment for _, payment in self.world.books.of_kind("payment") if payment.captures]
        if not known:
            return self._request("refund.create", payment_id="pay-1", refund_id="re-0", amount=1)
        payment = self.chance.choice(known)
        merchant_id, payment_id = payment.merchant_id, payment.id
        refund_id = f"re-{payment_id[-6:]}-{self.chance.randrange(5)}"
        amount = self.chance.choice((*AMOUNTS[:4], max(1, refundable(payment))))
        return self._request(
            "refund.create", merchant_id, payment_id=payment_id, refund_id=refund_id, amount=amount
        )

    def _payout(self) -> Any:
        payout_id = f"po-{self.chance.randrange(6)}"
        merchant_id = self.chance.choice(MERCHANTS)
        available = self.world.books.balance(f"m_avail:{merchant_id}", self.currency)
        amount = self.chance.choice((*AMOUNTS, max(1, available)))
        return self._request("payout.create", merchant_id, payout_id=payout_id, amount=amount)

    def _decide(self) -> Any:
        payouts = [ref.key for ref, _ in self.world.books.of_kind("payout")] or [("m-1", "po-0")]
        merchant_id, payout_id = self.chance.choice(payouts)
        named = {"payout_id": payout_id, "by": "ann"}
        if self.chance.random() < 0.5:
            return self._request("payout.reject", merchant_id, reason="no", **named)
        return self._request("payout.approve", merchant_id, **named)

    # --- coming to rest -------------------------------------------------------------------------------------

    def rest(self) -> AskingWorld:
        """The PSP is well again, everybody decides, all that is on its way arrives, every timer fires."""
        self.psp.be_well()
        for _ in range(60):
            self.payers.settle()
            self.world.publish()
            self._settle_people()
            while self.world.deliver() or self.world.attempt():
                pass
            due = self.world.next_due()
            if due is not None:
                self.world.pass_time(due)
            elif self.payers.are_done and not self._dead():
                return self.world
        raise AssertionError("it does not come to rest")

    def _dead(self) -> list[Effect]:
        return [effect for effect in self.world.effects() if effect.status == "dead"]

    def _settle_people(self) -> None:
        for effect in self._dead():
            self.world.redrive(effect)
        for ref, payout in self.world.books.of_kind("payout"):
            if payout.status == "pending_approval":
                self.world.send(self._request("payout.approve", ref.key[0], payout_id=payout.id, by="bob"))

"""What PSPs report by webhook: mostly at once, some late, some twice, some before what they follow from."""

from __future__ import annotations

from functools import partial
from typing import Any

from app.demo.bodies import Told, body, unreadable
from app.demo.market import Psp
from app.demo.stream import Stream, Webhook


class Reports:
    """Schedules deliveries; what they say has to be counted by whoever lets it happen."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def tell(
        self, psp: Psp, kind: str, at: float, payment_id: str, amount: int, currency: str, **more: Any
    ) -> None:
        """Something happened at `at`; `more`: further fields of `Told`. It is delivered somewhat later."""
        stream = self._stream
        told = Told(kind, payment_id, amount, currency, stream.moment(at), stream.epoch(at), **more)
        event_id = stream.new_id("evt_")
        due = at + self._delay()
        stream.schedule(due, partial(self._deliver, psp, event_id, told, 1))
        if stream.chance(stream.mix.webhook_repeat):
            stream.schedule(due + stream.soon(0.1, 3.0), partial(self._deliver, psp, event_id, told, 0))
        if stream.chance(stream.mix.forged):
            stream.schedule(due, partial(self._forge, psp, stream.new_id("evt_"), told))
        if stream.chance(stream.mix.unreadable):
            stream.schedule(due, partial(self._mumble, psp, stream.new_id("evt_")))

    def _delay(self) -> float:
        """Seconds from what happened to its first delivery; so later events overtake earlier ones."""
        low, high = self._stream.random.choices(((0.02, 0.6), (0.6, 2.5), (2.5, 5.0)), (85, 11, 4))[0]
        return self._stream.soon(low, high)

    def _deliver(self, psp: Psp, event_id: str, told: Told, waiting: int, at: float) -> Webhook:
        self._stream.truth.webhooks += 1
        return Webhook(at, psp.name, event_id, body(psp.name, event_id, told, waiting))

    def _forge(self, psp: Psp, event_id: str, told: Told, at: float) -> Webhook:
        """Ten times the amount, by somebody who does not have the secret."""
        self._stream.truth.forged += 1
        wish = told._replace(amount=told.amount * 10)
        return Webhook(at, psp.name, event_id, body(psp.name, event_id, wish), forged=True)

    def _mumble(self, psp: Psp, event_id: str, at: float) -> Webhook:
        self._stream.truth.webhooks += 1
        self._stream.truth.unreadable += 1
        return Webhook(at, psp.name, event_id, unreadable(psp.name, event_id, self._stream.epoch(at)))

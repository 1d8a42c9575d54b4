"""How the consumer learns that an agent is through with a batch."""

from __future__ import annotations

from typing import Any

import faust

from app.handover.batch import Batch


class FinishedSensor(faust.Sensor):
    """Faust's Cython stream never calls `Consumer.ack`; a sensor is told of every event it acknowledges."""

    def __init__(self, app: Any, **kwargs: Any) -> None:
        self.app = app
        super().__init__(**kwargs)

    def on_stream_event_out(self, tp: Any, offset: int, stream: Any, event: Any, state: Any = None) -> None:
        if isinstance(event.value, Batch):
            self.app.consumer.finished(event.value)

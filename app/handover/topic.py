"""A topic whose messages may be whole batches."""

from __future__ import annotations

from typing import Any

import faust
from faust.types import TP, Message

from app.handover.batch import Batch


class BatchTopic(faust.Topic):
    """Extension point: setting `Topic`, method `_compile_decode` (faust/topics.py:152).

    A batch passes through undecoded: decoding is the lane's work, where a failure becomes a dead letter.
    Faust would acknowledge a message that does not decode and throw it into the agent.
    """

    def _compile_decode(self) -> None:
        super()._compile_decode()
        if self.app.is_batch_topic(self.topics):
            self.decode = self._pass_through

    async def _pass_through(self, message: Message, *, propagate: bool = False) -> Any:
        return self.app.create_event(None, message.value, None, message)


def as_message(tp: TP, batch: Batch) -> faust.types.tuples.ConsumerMessage:
    """One message that stands for the whole batch; its offset is the batch's last."""
    last = batch.records[-1]
    return faust.types.tuples.ConsumerMessage(
        batch.topic,
        batch.partition,
        batch.last_offset,
        last.timestamp / 1000.0,
        last.timestamp_type,
        None,
        None,
        batch,
        None,
        0,
        0,
        tp,
        generation_id=batch.generation,
    )

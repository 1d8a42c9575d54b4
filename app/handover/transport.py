"""The transport that brings our consumer and producer into a Faust application."""

from __future__ import annotations

from faust.transport.drivers import aiokafka as driver

from app.handover.consumer import LaneConsumer
from app.handover.producer import LaneProducer


class LaneTransport(driver.Transport):
    """Extension point: `App._new_transport` (faust/app/base.py:1932)."""

    Consumer = LaneConsumer
    Producer = LaneProducer

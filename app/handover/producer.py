"""Faust's producer, made idempotent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faust.transport.drivers import aiokafka as driver


class LaneProducer(driver.Producer):
    """Extension point: `_settings_extra` (faust/transport/drivers/aiokafka.py:1323), for want of a setting.

    Lanes and tables publish through `app.kafka.publisher`; this one carries only what Faust itself sends.
    """

    def _settings_extra(self) -> Mapping[str, Any]:
        return {**super()._settings_extra(), "acks": "all", "enable_idempotence": True}

"""The Faust App of a worker and its settings, nothing else. `python -m app worker` runs it."""

from typing import Final

from app.bootstrap import Runtime
from app.contracts.topics import APP_ID
from app.handover.application import LaneApp
from app.lane.catalogue import RULES
from app.settings import load_settings

settings: Final = load_settings()
runtime: Final = Runtime(settings)

app: Final = LaneApp(
    APP_ID,
    bootstrap=settings.kafka_bootstrap_servers,
    batch_topics=RULES,
    positions=runtime.positions,
    publisher=runtime.publisher,
    reader=runtime.reader,
    on_assigned=runtime.assigned,
    on_revoked=runtime.revoked,
    on_out_of_range=runtime.out_of_range,
    max_records=settings.batch_max_records,
    poll_seconds=settings.poll_milliseconds / 1000,
    instance_id=settings.worker_id,
    data_dir=str(settings.data_dir),
    broker_session_timeout=settings.session_timeout_seconds,
    broker_heartbeat_interval=settings.heartbeat_seconds,
)

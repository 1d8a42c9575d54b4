"""Faust's settings for a lane application (faust.md §3); the reason stands beside what is not obvious."""

from __future__ import annotations

import uuid
from typing import Any

from mode.supervisors import CrashingSupervisor

from app.handover.recovery import LaneTableManager
from app.handover.table import LaneTable
from app.handover.topic import BatchTopic


def faust_settings(bootstrap: str, instance_id: str | None, data_dir: str | None) -> dict[str, Any]:
    """Keyword arguments for `faust.App`; the caller may override any of them."""
    brokers = [f"kafka://{address.strip()}" for address in bootstrap.split(",")]
    settings = _membership(instance_id) | _streams() | _extensions()
    return settings | {"broker": brokers} | ({"datadir": data_dir} if data_dir else {})


def _membership(instance_id: str | None) -> dict[str, Any]:
    node = instance_id or f"node-{uuid.uuid4().hex}"
    return {
        "consumer_group_instance_id": instance_id,
        # Members are told apart by it, and a static member must come back with the same.
        "canonical_url": f"http://{node}:6066",
        "broker_session_timeout": 6.0,
        "broker_heartbeat_interval": 1.5,
        "broker_rebalance_timeout": 10.0,
        "broker_request_timeout": 30.0,
        "broker_max_poll_interval": 120.0,
        "broker_commit_every": 1000,
        "broker_commit_interval": 1.0,
        "consumer_auto_offset_reset": "earliest",
        "consumer_max_fetch_size": 2 * 1024 * 1024,
        "consumer_metadata_max_age_ms": 10_000,
        "producer_metadata_max_age_ms": 10_000,
        "producer_acks": -1,
        "producer_request_timeout": 30.0,
    }


def _streams() -> dict[str, Any]:
    return {
        "processing_guarantee": "at_least_once",
        "key_serializer": "raw",
        "value_serializer": "raw",
        "stream_wait_empty": True,
        "stream_buffer_maxsize": 4096,
        "store": "memory://",
        "table_standby_replicas": 0,
        "topic_disable_leader": True,
        "topic_allow_declare": False,
        "reply_create_topic": False,
        "web_enabled": False,
        "web_tables_enabled": False,
        "web_stats_enabled": False,
        "web_graph_enabled": False,
        "web_router_enabled": False,
        "web_metrics_enabled": False,
        "web_host": "127.0.0.1",
        "agent_supervisor": CrashingSupervisor,  # an agent that raises ends the process
        "worker_redirect_stdouts": False,
    }


def _extensions() -> dict[str, Any]:
    return {"Topic": BatchTopic, "Table": LaneTable, "TableManager": LaneTableManager}

"""Private names are used: before anything starts they are compared with what this was built on."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import faust.streams
import faust.tables.base
import faust.tables.manager
import faust.tables.recovery
import faust.topics
import faust.transport.conductor
import faust.transport.consumer
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.transport.drivers import aiokafka as driver
from mode.threads import QueueServiceThread

from app.handover.errors import HandoverError

_REBALANCE = "self, assigned, revoked, newly_assigned, generation_id"

VERSIONS = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}

SIGNATURES: list[tuple[Any, str, str]] = [
    (faust.App, "_new_transport", "self"),
    (faust.App, "_new_producer_transport", "self"),
    (faust.App, "_on_partitions_revoked", "self, revoked"),
    (faust.App, "_on_partitions_assigned", "self, assigned, generation_id"),
    (faust.App, "_stop_consumer", "self"),
    (faust.App, "_create_directories", "self"),
    (faust.App, "create_event", "self, key, value, headers, message"),
    (faust.Topic, "_compile_decode", "self"),
    (faust.tables.base.Collection, "_new_store", "self"),
    (faust.tables.base.Collection, "on_rebalance", _REBALANCE),
    (faust.tables.manager.TableManager, "on_start", "self"),
    (faust.tables.manager.TableManager, "_update_channels", "self"),
    (faust.tables.recovery.Recovery, "_wait", "self, coro, timeout"),
    (faust.tables.recovery.Recovery, "on_rebalance", _REBALANCE),
    (faust.transport.consumer.Consumer, "getmany", "self, timeout"),
    (faust.transport.consumer.Consumer, "_wait_next_records", "self, timeout"),
    (faust.transport.consumer.Consumer, "_new_offset", "self, tp"),
    (faust.transport.consumer.Consumer, "_is_changelog_tp", "self, tp"),
    (faust.transport.consumer.Consumer, "_commit_offsets", "self, offsets, start_new_transaction"),
    (faust.transport.consumer.Consumer, "perform_seek", "self"),
    (faust.transport.consumer.Consumer, "wait_empty", "self"),
    (faust.transport.consumer.Consumer, "stop_flow", "self"),
    (faust.transport.consumer.Consumer, "verify_all_partitions_active", "self"),
    (faust.transport.consumer.ThreadDelegateConsumer, "_getmany", "self, active_partitions, timeout"),
    (driver.Consumer, "_new_consumer_thread", "self"),
    (driver.Consumer, "_to_message", "self, tp, record"),
    (driver.Producer, "_settings_extra", "self"),
    (driver.AIOKafkaConsumerThread, "_create_worker_consumer", "self, transport"),
    (driver.AIOKafkaConsumerThread, "_commit", "self, offsets"),
    (driver.AIOKafkaConsumerThread, "_ensure_consumer", "self"),
    (driver.AIOKafkaConsumerThread, "__post_init__", "self"),
    (QueueServiceThread, "call_thread", "self, fun, args, kwargs"),
    (Fetcher, "_create_fetch_waiter", "self"),
    (GroupCoordinator, "check_errors", "self"),
    (AIOKafkaConsumer, "getmany", "self, partitions, timeout_ms, max_records"),
]

ATTRIBUTES: list[tuple[Any, str, str]] = [
    (AIOKafkaConsumer, "__init__", "_isolation_level"),
    (AIOKafkaConsumer, "__init__", "_fetch_max_wait_ms"),
    (AIOKafkaConsumer, "__init__", "_closed"),
    (AIOKafkaConsumer, "start", "_fetcher"),
    (AIOKafkaConsumer, "start", "_coordinator"),
    (AIOKafkaConsumer, "start", "_isolation_level"),
    (AIOKafkaConsumer, "start", "_fetch_max_wait_ms"),
    (Fetcher, "__init__", "_records"),
    (Fetcher, "__init__", "_prefetch_backoff"),
    (faust.transport.consumer.Consumer, "__init__", "_acked"),
    (faust.transport.consumer.Consumer, "__init__", "_acked_index"),
    (faust.transport.consumer.Consumer, "__init__", "_read_offset"),
    (faust.transport.consumer.Consumer, "__init__", "_unacked_messages"),
    (faust.transport.consumer.Consumer, "_reset_state", "_active_partitions"),
    (faust.tables.recovery.Recovery, "__init__", "actives_for_table"),
    (faust.tables.manager.TableManager, "recovery", "_recovery"),
]
"""(class, method, attribute that the method sets or reads)."""

TASKS = ("_restart_recovery", "_slurp_changelogs")


def check_versions_and_names() -> None:
    """Raises `HandoverError` listing every difference."""
    problems = [*_versions(), *_signatures(), *_attributes(), *_tasks(), *_compiled()]
    if problems:
        raise HandoverError("the hand-over does not fit what is installed: " + "; ".join(problems))


def _versions() -> Iterator[str]:
    for name, expected in VERSIONS.items():
        if version(name) != expected:
            yield f"{name} is {version(name)}, expected {expected}"


def _signatures() -> Iterator[str]:
    for owner, name, expected in SIGNATURES:
        found = getattr(owner, name, None)
        if found is None:
            yield f"{owner.__name__}.{name} is gone"
        elif (parameters := ", ".join(inspect.signature(found).parameters)) != expected:
            yield f"{owner.__name__}.{name} takes ({parameters}), expected ({expected})"


def _attributes() -> Iterator[str]:
    for owner, method, attribute in ATTRIBUTES:
        found = inspect.getattr_static(owner, method, None)
        code = getattr(getattr(found, "fget", found), "__code__", None)
        if code is None or attribute not in code.co_names:
            yield f"{owner.__name__}.{method} no longer uses {attribute}"


def _tasks() -> Iterator[str]:
    for name in TASKS:
        if type(getattr(faust.tables.recovery.Recovery, name, None)).__name__ != "ServiceTask":
            yield f"Recovery.{name} is no service task"


def _compiled() -> Iterator[str]:
    """The pure Python twins work too, only slower and with other details than were tested."""
    if faust.streams._CStreamIterator is None:
        yield "the compiled StreamIterator is not loaded"
    if faust.transport.conductor.ConductorHandler is None:
        yield "the compiled ConductorHandler is not loaded"

"""Creating topics and comparing them with what the catalogue says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from app.errors import CatalogueMismatch
from app.kafka.errors import KafkaUnavailable


class TopicSpec(Protocol):
    """What a topic must be. `config` holds Kafka's own names, such as `cleanup.policy`, with text values."""

    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> int: ...
    @property
    def replication(self) -> int: ...
    @property
    def config(self) -> Mapping[str, str]: ...


async def ensure_topics(bootstrap: str, specs: Sequence[TopicSpec], timeout: float = 30.0) -> list[str]:
    """Creates the topics that are missing and waits until each of their partitions has a leader.

    Returns the names created; `timeout` is in seconds. Existing topics are left as they are.
    Raises `CatalogueMismatch` when the broker refuses one, `KafkaUnavailable` when it does not answer.
    """
    async with _admin(bootstrap, timeout) as admin:
        present = set(await admin.list_topics())
        missing = [spec for spec in specs if spec.name not in present]
        if missing:
            _raise_refused(await admin.create_topics([_new_topic(spec) for spec in missing]))
            await _wait_for_leaders(admin, missing)
        return [spec.name for spec in missing]


async def check_topics(bootstrap: str, specs: Sequence[TopicSpec], timeout: float = 30.0) -> list[str]:
    """One sentence per difference between the broker's topics and `specs`; empty when all agree."""
    async with _admin(bootstrap, timeout) as admin:
        present = set(await admin.list_topics())
        found = [spec for spec in specs if spec.name in present]
        partitions = await _partitions(admin, found)
        configs = await _configs(admin, found)
    differences = [f"topic {spec.name} is missing" for spec in specs if spec.name not in present]
    for spec in found:
        differences += _compare(spec, partitions[spec.name], configs[spec.name])
    return differences


async def count_partitions(bootstrap: str, topic: str, timeout: float = 5.0) -> int:
    """0 where the topic is not there (yet). Raises `KafkaUnavailable` when the broker does not answer."""
    async with _admin(bootstrap, timeout) as admin:
        if topic not in await admin.list_topics():
            return 0
        return len((await admin.describe_topics([topic]))[0]["partitions"])


def _compare(spec: TopicSpec, partitions: int, config: Mapping[str, str]) -> list[str]:
    differences = []
    if partitions != spec.partitions:
        differences.append(f"topic {spec.name} has {partitions} partitions, expected {spec.partitions}")
    for name, expected in spec.config.items():
        if config.get(name) != expected:
            differences.append(f"topic {spec.name} has {name}={config.get(name)}, expected {expected}")
    return differences


@asynccontextmanager
async def _admin(bootstrap: str, timeout_seconds: float) -> AsyncIterator[Any]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(timeout_seconds * 1000))
    try:
        async with asyncio.timeout(timeout_seconds):
            await admin.start()
            yield admin
    except (KafkaError, TimeoutError) as error:
        raise KafkaUnavailable(f"no answer from Kafka at {bootstrap}: {error!r}") from error
    finally:
        await admin.close()


def _new_topic(spec: TopicSpec) -> Any:
    return NewTopic(spec.name, spec.partitions, spec.replication, topic_configs=dict(spec.config))


def _raise_refused(response: Any) -> None:
    for name, code, *message in response.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:  # somebody else was faster: fine
            text = message[0] if message else ""
            raise CatalogueMismatch(f"cannot create topic {name}: {error.__name__} {text}")


async def _wait_for_leaders(admin: Any, specs: Sequence[TopicSpec]) -> None:
    """Ends with the caller's timeout."""
    names = [spec.name for spec in specs]
    wanted = sum(spec.partitions for spec in specs)
    while True:
        described = await admin.describe_topics(names)
        leaders = [p["leader"] for topic in described for p in topic["partitions"] if not p["error_code"]]
        if len(leaders) >= wanted and all(leader >= 0 for leader in leaders):
            return
        await asyncio.sleep(0.05)


async def _partitions(admin: Any, specs: Sequence[TopicSpec]) -> dict[str, int]:
    if not specs:
        return {}
    described = await admin.describe_topics([spec.name for spec in specs])
    return {topic["topic"]: len(topic["partitions"]) for topic in described}


async def _configs(admin: Any, specs: Sequence[TopicSpec]) -> dict[str, dict[str, str]]:
    """topic -> its configuration, only the names that the spec speaks of."""
    if not specs:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, s.name, dict.fromkeys(s.config)) for s in specs]
    configs: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for _code, _message, _type, name, entries in response.resources:
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return configs

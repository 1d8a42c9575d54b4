"""Write the platform's configuration from a file into every partition of every lane topic."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from app.contracts.asyncapi import record_types
from app.contracts.codec import encode
from app.contracts.platform_file import read_platform_file
from app.contracts.topics import TOPICS, specs
from app.domain.commands import PlatformConfigure
from app.errors import CatalogueMismatch
from app.kafka.publisher import Outgoing, Publisher
from app.kafka.topics_admin import check_topics
from app.settings import Settings, load_settings


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Read and check the file only; write nothing.")
def command(file: Path, check: bool) -> None:
    """Write FILE (JSON or TOML) as one platform.configure record per lane partition.

    It takes effect in each partition at its offset. Without an `id` in the file, each run gets one of its
    own, so that an earlier configuration can be applied again.
    """
    record = read_platform_file(file, default_id=f"platform-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    if check:
        click.echo(f"{file} is right: {len(record.psps)} PSPs, {len(record.sources)} sources")
        return
    outgoing = asyncio.run(_write(load_settings(), record))
    topics = sorted({each.topic for each in outgoing})
    click.echo(f"{record.id} is written to {len(outgoing)} partitions of {', '.join(topics)}")


async def _write(settings: Settings, record: PlatformConfigure) -> list[Outgoing]:
    lanes = [topic.name for topic in TOPICS if topic.records and PlatformConfigure in record_types(topic)]
    wanted = [spec for spec in specs(settings.partitions) if spec.name in lanes]
    differences = await check_topics(settings.kafka_bootstrap_servers, wanted)
    if differences:  # a partition left out would decide by other rules than its neighbours
        raise CatalogueMismatch("; ".join(differences))
    value = encode(record)
    outgoing = [
        Outgoing(topic=name, partition=partition, key=b"platform", value=value)
        for name in lanes
        for partition in range(settings.partitions)
    ]
    publisher = Publisher(settings.kafka_bootstrap_servers, client_id="tallystick-configure")
    try:
        await publisher.publish(outgoing)
    finally:
        await publisher.stop()
    return outgoing

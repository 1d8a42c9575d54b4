"""Write the platform's configuration from a file into every partition of every lane topic; merchants, too."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from app.contracts.asyncapi import record_types
from app.contracts.codec import encode
from app.contracts.platform_file import read_merchants, read_platform_file
from app.contracts.topics import TOPICS, specs
from app.domain.commands import MerchantConfigure, PlatformConfigure
from app.domain.streams import PAYMENTS_COMMANDS
from app.errors import CatalogueMismatch
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing, Publisher
from app.kafka.topics_admin import check_topics
from app.settings import Settings, load_settings


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Read and check the file only; write nothing.")
def command(file: Path, check: bool) -> None:
    """Write FILE (JSON or TOML) as one platform.configure record per lane partition.

    It takes effect in each partition at its offset. Without an `id` in the file, each run gets one of its
    own, so that an earlier configuration can be applied again. What FILE lists as `merchants` is configured
    after that, one merchant.configure record each.
    """
    now = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    record = read_platform_file(file, default_id=f"platform-{now}")
    merchants = read_merchants(file, default_id=f"merchant-{now}")
    if check:
        found = f"{len(record.psps)} PSPs, {len(record.sources)} sources, {len(merchants)} merchants"
        click.echo(f"{file} is right: {found}")
        return
    outgoing = asyncio.run(_write(load_settings(), record, merchants))
    topics = sorted({each.topic for each in outgoing})
    click.echo(f"{record.id} is written to {len(outgoing)} partitions of {', '.join(topics)}")
    if merchants:
        click.echo(f"configured {', '.join(merchant.merchant_id for merchant in merchants)}")


async def _write(
    settings: Settings, record: PlatformConfigure, merchants: Sequence[MerchantConfigure]
) -> list[Outgoing]:
    """The platform's records, which are acknowledged before the merchants' are written."""
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
        await publisher.publish([_of_merchant(merchant, settings.partitions) for merchant in merchants])
    finally:
        await publisher.stop()
    return outgoing


def _of_merchant(merchant: MerchantConfigure, partitions: int) -> Outgoing:
    key = merchant.merchant_id.encode()
    return Outgoing(PAYMENTS_COMMANDS, partition_for(key, partitions), key, encode(merchant))

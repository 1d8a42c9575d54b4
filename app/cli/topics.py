"""Create the topics that are missing, or check them against the table."""

from __future__ import annotations

import asyncio

import click

from app.contracts.topics import PRODUCTION_PARTITIONS, PRODUCTION_REPLICATION, TopicSpec, specs
from app.errors import CatalogueMismatch
from app.kafka.topics_admin import check_topics, ensure_topics
from app.settings import load_settings

production_option = click.option(
    "--production",
    is_flag=True,
    help=f"{PRODUCTION_PARTITIONS} partitions and {PRODUCTION_REPLICATION} replicas.",
)


@click.group()
def command() -> None:
    """The topics of the table in `app/contracts/topics.py`."""


@command.command()
@production_option
def create(production: bool) -> None:
    """Create what is missing, then check all of them. Existing topics are never changed."""
    bootstrap, wanted = _wanted(production)
    created = asyncio.run(ensure_topics(bootstrap, wanted))
    for name in created:
        click.echo(f"created {name}")
    _check(bootstrap, wanted)


@command.command()
@production_option
def check(production: bool) -> None:
    """Say every difference between the broker's topics and the table; fail when there is one."""
    _check(*_wanted(production))


def _wanted(production: bool) -> tuple[str, list[TopicSpec]]:
    settings = load_settings()
    if production:
        return settings.kafka_bootstrap_servers, specs(PRODUCTION_PARTITIONS, PRODUCTION_REPLICATION)
    return settings.kafka_bootstrap_servers, specs(settings.partitions)


def _check(bootstrap: str, wanted: list[TopicSpec]) -> None:
    differences = asyncio.run(check_topics(bootstrap, wanted))
    if differences:
        raise CatalogueMismatch("; ".join(differences))
    click.echo(f"{len(wanted)} topics are as the table says")

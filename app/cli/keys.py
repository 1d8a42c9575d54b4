"""Create, list and revoke API keys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from app.domain.asking import TEST_MERCHANT
from app.errors import ConfigurationError
from app.settings import database_url
from app.store.errors import translated
from app.store.pool import open_pool
from app.store.web_errors import NOT_MIGRATED
from app.store.web_keys import StoredKey, add_key, list_keys, revoke_key
from web.call import INGEST, MERCHANT, STAFF_ROLES
from web.keys import load_hasher, make_key

Answer = TypeVar("Answer")
ROLES = (*STAFF_ROLES, INGEST)


@click.group()
def command() -> None:
    """API keys. Only a hash is stored, keyed with TALLYSTICK_KEY_SECRET, else with a file of this machine."""


@command.command()
@click.option("--role", type=click.Choice(ROLES), help="What the key may do.")
@click.option(
    "--merchant", "merchant_id", metavar="ID", help="A key of this merchant: sees its own data only."
)
@click.option(
    "--mode",
    type=click.Choice(["live", "test"]),
    help=f"Of a merchant's key: a test key acts for the merchant ID{TEST_MERCHANT}, whose books are apart.",
)
def create(role: str | None, merchant_id: str | None, mode: str | None) -> None:
    """Make a key and print it once, on stdout, alone."""
    if (role is None) == (merchant_id is None):
        raise click.UsageError("give either --role or --merchant")
    if merchant_id is not None:
        merchant_id = _acts_for(merchant_id, mode)
    elif mode is not None:
        raise click.UsageError("--mode belongs to --merchant")
    hasher, key = load_hasher(), make_key()
    key_hash = hasher.hash(key.token)
    _with_pool(lambda pool: add_key(pool, key.id, key_hash, role or MERCHANT, merchant_id))
    whose = f"merchant {merchant_id}" if merchant_id else role
    click.echo(f"key {key.id} for {whose}; it is shown this once:", err=True)
    click.echo(key.token)


def _acts_for(merchant_id: str, mode: str | None) -> str:
    """The merchant whose books a key reads and writes."""
    if not 0 < len(merchant_id) <= 200 - len(TEST_MERCHANT) or "/" in merchant_id:
        raise click.UsageError(f"--merchant must have 1 to {200 - len(TEST_MERCHANT)} characters, and no '/'")
    if merchant_id.endswith(TEST_MERCHANT):
        raise click.UsageError(f"name {merchant_id.removesuffix(TEST_MERCHANT)} and say --mode test")
    return f"{merchant_id}{TEST_MERCHANT}" if mode == "test" else merchant_id


@command.command("list")
def list_() -> None:
    """All keys, without their secrets."""
    rows = _with_pool(list_keys)
    if not rows:
        click.echo("no keys yet: python -m app keys create --role viewer")
    for row in rows:
        click.echo(_line(row))


@command.command()
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """Stop a key at once, by its id (the part after `tally_`)."""
    if not _with_pool(lambda pool: revoke_key(pool, key_id)):
        raise ConfigurationError(f"there is no key {key_id!r}; see `python -m app keys list`")
    click.echo(f"key {key_id} is revoked")


def _line(row: StoredKey) -> str:
    whose = f"merchant {row.merchant_id}" if row.merchant_id else row.role
    end = f"revoked {row.revoked_at:%Y-%m-%d %H:%M}Z" if row.revoked_at else "valid"
    return f"{row.id}  {whose:<24}  created {row.created_at:%Y-%m-%d %H:%M}Z  {end}"


def _with_pool(action: Callable[[Any], Awaitable[Answer]]) -> Answer:
    return asyncio.run(_run(action))


async def _run(action: Callable[[Any], Awaitable[Answer]]) -> Answer:
    pool = await open_pool(database_url(), 2, "tallystick-keys")
    try:
        with translated():
            return await action(pool)
    except NOT_MIGRATED:
        raise ConfigurationError("the database has no schema: run `python -m app migrate`") from None
    finally:
        await pool.close()

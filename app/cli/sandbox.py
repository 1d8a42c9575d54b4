"""Run the sandbox PSP: a payment provider that moves no real money, with faults to order."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from app.errors import ConfigurationError
from app.sandbox.draft import Terms
from app.sandbox.faults import parse_faults
from app.sandbox.money import Plan
from app.sandbox.server import Options, Sandbox

KEY = "TALLYSTICK_PSP_SANDBOX_API_KEY"
SECRETS = "TALLYSTICK_PSP_SANDBOX_WEBHOOK_SECRETS"
PLAN = Plan()
TERMS = Terms()
Verb = TypeVar("Verb", bound=Callable[..., Any])
path = click.Path(path_type=Path)


def option(name: str, default: Any, text: str, **more: Any) -> Callable[[Verb], Verb]:
    """An option that shows its default."""
    return click.option(name, default=default, show_default=default is not None, help=text, **more)


@click.command()
@option("--bind", "127.0.0.1", "Whoever reaches it may use its controls.")
@option("--port", 8090, "0: any free one.", type=click.IntRange(0, 65535))
@option("--api-key", "sk_sandbox", f"What callers must show; ${KEY} where it is set.", envvar=KEY)
@option("--webhook-url", None, "Where webhooks go, …/webhooks/sandbox; without it nobody is told.")
@option("--webhook-secret", None, f"whsec_…; default: the first of ${SECRETS}.")
@option("--seed", TERMS.seed, "Of every fault and id.")
@option("--faults", None, "See docs/sandbox.md, or POST /_control/faults.", multiple=True, metavar="NAME=N")
@option("--journal", None, "Go on from this file; without it the books end with the process.", type=path)
@option("--files", ".local/sandbox", "Folder of settlement files and bank statements.", type=path)
@option("--cut-off-seconds", 0.0, "Between cut-offs; 0: only at POST /_control/cut-off.")
@option("--bank-account", "main", "The account in the bank statements.")
@option("--fee-bps", PLAN.bps, "Fee of a capture, in hundredths of a percent.")
@option("--fee-fixed", PLAN.fixed, "On top of it, in minor units.")
@option("--dispute-fee", PLAN.dispute, "In minor units.")
@option("--payout-fee", PLAN.payout, "The bank's, in minor units.")
@option("--authorization-seconds", TERMS.authorization_seconds, "Until an authorisation lapses.")
def command(**given: Any) -> None:
    """Serve until told to stop (SIGTERM, Ctrl-C); prints the address once requests are answered.

    API under /v1 (Bearer key, Idempotency-Key on every POST), hosted pages under /pay, faults and books under
    /_control. Webhooks are signed as Standard Webhooks has it. docs/sandbox.md has the details.
    """
    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(_serve(_options(**given)))


def _options(**given: Any) -> Options:
    amounts = {name: given.pop(name) for name in ("fee_bps", "fee_fixed", "dispute_fee", "payout_fee")}
    if min(amounts.values()) < 0:
        raise ConfigurationError("fees must not be negative")
    bps, fixed, dispute, payout = amounts.values()
    plan = Plan(bps=bps, fixed=fixed, dispute=dispute, payout=payout)
    seed, lapse = given.pop("seed"), given.pop("authorization_seconds")
    terms = Terms(seed=seed, plan=plan, authorization_seconds=lapse)
    url, secret = given.pop("webhook_url") or "", _secret(given.pop("webhook_secret"))
    if url and not secret:
        raise ConfigurationError(f"--webhook-url needs --webhook-secret, or {SECRETS}")
    faults = parse_faults(given.pop("faults"))
    return Options(webhook_url=url, webhook_secret=secret, terms=terms, faults=faults, **given)


def _secret(given: str | None) -> str:
    """Raises ConfigurationError, which does not repeat it."""
    secret = given or os.environ.get(SECRETS, "").split(",")[0].strip()
    try:
        base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        raise ConfigurationError("the webhook secret must be base64, as in whsec_…") from None
    return secret


async def _serve(options: Options) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Sandbox(options) as sandbox:
        click.echo(f"tallystick sandbox: {sandbox.url}")
        stopped, failed = asyncio.create_task(stop.wait()), asyncio.create_task(sandbox.failed())
        done, rest = await asyncio.wait({stopped, failed}, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        for task in done:
            task.result()

"""`replay` at size: a worker keeps books of N payments, then they are rebuilt from the logs and compared.

    python -m bench.rebuild --records 1000000

Half of the records replayed are the payments, half the expectations that came of them.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import subprocess

from app.domain.streams import MATCHING_COMMANDS, PAYMENTS_COMMANDS
from bench.load import PARTITIONS, make_load, opening
from bench.measure import POLL_SECONDS, Peer, at_rest, process, python
from bench.servers import Emptied, Servers, servers, until_told
from tests.support.databases import at_database, execute

BOUND_SECONDS = 7_200.0
REBUILT = "rebuilt"


async def rebuild(payments: int) -> int:
    """The exit code of `replay --compare`."""
    load = make_load(payments, skewed=False, seed=1)
    with servers() as running:
        async with running.emptied() as run:
            with process(running, Peer("worker", python("-m", "app", "worker")), run.dsn):
                await run.send(opening() + load.records)
                await _rest(run)
            ends = await run.ends((PAYMENTS_COMMANDS, MATCHING_COMMANDS))
            print(f"{sum(ends.values()):,} records are in the lanes' logs: {ends}", flush=True)
            await execute(running.dsn, f"CREATE DATABASE {REBUILT}")
            return await asyncio.to_thread(_replay, running, run)


async def _rest(run: Emptied) -> None:
    async with asyncio.timeout(BOUND_SECONDS):
        while True:
            if await at_rest(run):
                return
            await asyncio.sleep(POLL_SECONDS)


def _replay(running: Servers, run: Emptied) -> int:
    names = {
        "KAFKA_BOOTSTRAP_SERVERS": running.kafka,
        "DATABASE_URL": at_database(running.dsn, REBUILT),
        "TALLYSTICK_PARTITIONS": str(PARTITIONS),
    }
    command = python("-m", "app", "replay", "--from", "0", "--compare", run.dsn)
    return subprocess.run(command, env=os.environ | names, timeout=BOUND_SECONDS, check=False).returncode


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=1_000_000, help="records to replay")
    options = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    raise SystemExit(until_told(rebuild(options.records // 2)))


if __name__ == "__main__":
    main()

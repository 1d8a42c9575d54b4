"""Every answer of the API conforms to `/openapi.json`, and none is a 5xx, by all checks of schemathesis.

The stream of mismatches is left out, because it does not end; it has tests of its own.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys

import pytest

from tests.api.conftest import Api
from tests.support.commands import CHECKOUT, environment

pytestmark = [pytest.mark.stack, pytest.mark.slow]
SECONDS = 40
"""Of each run; a run repeats itself until its time is up."""


async def run(url: str, key: str, seed: int) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json",
        "--header", f"Authorization: Bearer {key}", "--checks", "all",
        "--exclude-path", "/v1/mismatches/stream",
        "--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--max-time", str(SECONDS),
        "--seed", str(seed), "--request-timeout", "20", "--continue-on-failure", "--no-shrink", "--no-color",
        cwd=CHECKOUT,
        env=environment(SCHEMATHESIS_HOOKS="tests.api.schemathesis_hooks"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()


async def test_what_is_sent_and_answered_is_what_the_document_says(api: Api) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"schemathesis --seed {seed}")
    for whose, key, url in (("merchant", api.key, api.urls[0]), ("admin", api.admin, api.urls[1])):
        code, printed = await run(url, key, seed)
        print(f"{whose}: {next((line for line in printed.splitlines() if 'generated' in line), '').strip()}")
        assert code == 0, f"{whose}'s key, seed {seed}:\n{printed[-6000:]}"
    assert not re.search(r"request \w+ to \S+ failed", api.logged())

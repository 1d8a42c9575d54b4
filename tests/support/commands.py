"""Run `python -m app …` as a person would: in a process of its own, from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
ADDRESS_VARIABLES = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")


def app_command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "app", *map(str, arguments)]


def environment(**extra: str) -> dict[str, str]:
    """Ours without the servers' addresses, so that a verb uses the local stack, and with `extra`."""
    kept = {name: value for name, value in os.environ.items() if name not in ADDRESS_VARIABLES}
    return {**kept, **extra}


def run_app(
    *arguments: str | Path, env: Mapping[str, str] | None = None, within_seconds: float = 90
) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end and return its exit code and what it said."""
    return subprocess.run(
        app_command(*arguments),
        cwd=CHECKOUT,
        env=dict(env) if env is not None else environment(),
        capture_output=True,
        text=True,
        timeout=within_seconds,
        check=False,
    )

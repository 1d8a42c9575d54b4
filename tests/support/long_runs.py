"""How the long runs by hand (chaos, storm) end: a folder kept when something is wrong, a clean Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

INTERRUPTED = 130


def run_in_folder(name: str, seed: int, run: Callable[[Path], Awaitable[bool]]) -> int:
    """The exit code: 0 where `run`, given a folder of its own, says that all is right."""
    for noisy in ("aiokafka", "asyncio"):  # they tell of every failed try of the load, by the thousand
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix=f"tallystick-{name}-"))
    try:
        right = asyncio.run(_told_to_stop(run, folder))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("stopped", flush=True)
        return INTERRUPTED
    if right:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"logs are in {folder}; seed {seed}", flush=True)
    return 0 if right else 1


async def _told_to_stop(run: Callable[[Path], Awaitable[bool]], folder: Path) -> bool:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run(folder)

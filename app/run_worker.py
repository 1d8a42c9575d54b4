"""A worker's life: check the catalogues, start, run until told to stop, drain within a bound."""

import asyncio
import contextlib
import importlib
import logging
import pkgutil
import signal
from pathlib import Path
from typing import Any, Final

from app.contracts.topics import specs
from app.errors import CatalogueMismatch, TallystickError
from app.kafka.topics_admin import check_topics
from app.lane.catalogue import RULES
from app.open_files import allow_many_files
from app.settings import ROOT

log: Final = logging.getLogger(__name__)
STOP_SECONDS: Final = 15.0
TABLE_NAMES: Final = frozenset({"wallets", "dedup_keys"})


def run(log_level: str) -> None:
    """Blocks until SIGTERM or SIGINT. Raises TallystickError where the worker must not start."""
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    allow_many_files()
    asyncio.run(_live())


async def _live() -> None:
    agents, tables = discover("agents"), discover("tables")
    from app.worker import app, runtime, settings
    from tables.catalogue import FaustTables

    check_own_tree(agents + tables)
    topics = {topic for agent in app.agents.values() for topic in agent.channel.topics}
    check_catalogue("the agents' topics", topics, RULES)
    check_catalogue("tables", app.tables.keys(), TABLE_NAMES)
    differences = await check_topics(settings.kafka_bootstrap_servers, specs(settings.partitions))
    if differences:
        raise CatalogueMismatch("topics differ from the catalogue: " + "; ".join(differences))
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    stop = _stop_on_signals()
    await runtime.start(FaustTables(dedup=settings.dedup_table))
    try:
        await app.start()
        await _until_stopped(app, stop)
    finally:
        await _within(STOP_SECONDS, app.stop(), "the framework's stop")
        await runtime.stop()


async def _until_stopped(app: Any, stop: asyncio.Event) -> None:
    waiting = asyncio.create_task(stop.wait())
    await app.wait(waiting)  # returns early where a service of the app crashed
    if not stop.is_set():
        raise TallystickError(f"the worker's services ended: {app.crash_reason!r}")


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _within(seconds: float, work: Any, what: str) -> None:
    """Faust's own stop has no deadline; past ours the process goes on ending."""
    try:
        await asyncio.wait_for(work, seconds)
    except TimeoutError:
        log.warning("%s took longer than %.0f s", what, seconds)
    except asyncio.CancelledError:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)


def discover(package: str) -> list[Any]:
    """Import every module of a top-level package, so that its agents or tables are known."""
    root = importlib.import_module(package)
    names = [module.name for module in pkgutil.iter_modules(root.__path__)]
    return [root, *(importlib.import_module(f"{package}.{name}") for name in names)]


def check_own_tree(modules: list[Any]) -> None:
    """`agents` and `tables` are names that other distributions use too: they must be this tree's."""
    for module in modules:
        if ROOT not in Path(module.__file__).resolve().parents:
            raise CatalogueMismatch(f"{module.__name__} comes from {module.__file__}, not from {ROOT}")


def check_catalogue(what: str, found: Any, wanted: Any) -> None:
    """Exactly the catalogue's, no more and no less."""
    missing, extra = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if missing or extra:
        raise CatalogueMismatch(f"{what} differ from the catalogue: missing {missing}, unknown {extra}")

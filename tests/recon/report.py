"""Prints how the program does on the labelled sets: `python -m tests.recon.report`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.recon import context_01, context_03
from tests.recon.scoring import Scored
from tests.support.all_lanes import AllLanes
from tests.support.fixtures import shared_fixture


def main() -> None:
    first = shared_fixture(*context_01.FOLDER)
    third = shared_fixture(*context_03.FOLDER)
    with TemporaryDirectory() as scratch:
        runs: list[tuple[str, Callable[[], tuple[AllLanes, Scored]]]] = [
            ("context-01: ledger, settlement file, chargebacks", lambda: context_01.main(first)),
            ("context-01: fees charged apart", lambda: context_01.fees(first, Path(scratch))),
            ("context-03: orders, gateway, refunds", lambda: context_03.main(third)),
            ("context-03: payouts to sellers", lambda: context_03.payouts(third)),
        ]
        for title, run in runs:
            began = time.monotonic()
            lanes, scored = run()
            print(f"\n=== {title}: {sum(lanes.outcomes.values())} records decided,", end=" ")
            print(f"{time.monotonic() - began:.1f} s")
            print("\n".join(scored.lines()))


if __name__ == "__main__":
    main()

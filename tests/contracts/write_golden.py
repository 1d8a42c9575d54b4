"""Write goldens of new samples (`python -m tests.contracts.write_golden`); never rewrites one."""

from __future__ import annotations

from app.contracts.codec import encode
from tests.contracts.golden_files import golden_path
from tests.contracts.samples import FULL, MINIMAL


def main() -> None:
    for samples, minimal in ((FULL, False), (MINIMAL, True)):
        for record in samples:
            path = golden_path(record, minimal=minimal)
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(encode(record))
                print(f"wrote {path.name}")


if __name__ == "__main__":
    main()

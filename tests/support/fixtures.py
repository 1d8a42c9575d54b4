"""Files that others made, kept beside the checkout and never copied into it: `../shared/fixtures`.

Tests on them run where the folder is, and say so aloud where it is not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SHARED_FIXTURES = CHECKOUT.parent / "shared" / "fixtures"


def shared_fixture(*parts: str) -> Path:
    """The path of a file or folder below `../shared/fixtures`; skips the test where it is absent."""
    path = SHARED_FIXTURES.joinpath(*parts)
    if not path.exists():
        pytest.skip(
            f"needs {Path('..', 'shared', 'fixtures', *parts)} beside the checkout, which is not there"
        )
    return path

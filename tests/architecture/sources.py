"""The project's own Python files, parsed once."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "agents", "tables", "web", "tests")


def python_files(*packages: str) -> list[Path]:
    """All Python files of the packages (of all packages if none is named), sorted."""
    folders = [CHECKOUT / package for package in packages or PACKAGES]
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def text_files() -> list[Path]:
    """Every file that git keeps and that is text."""
    command = ["git", "ls-files", "-z"]
    listing = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    paths = [CHECKOUT / name for name in listing.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8192]]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def place(path: Path, line: int = 0) -> str:
    """`app/domain/money.py:12`, for messages."""
    name = path.relative_to(CHECKOUT).as_posix()
    return f"{name}:{line}" if line else name

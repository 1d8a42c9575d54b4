"""Imports go one way, and the domain stays free of the world."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import CHECKOUT, place, python_files, tree

# What computes and does nothing else: parts of the standard library, and msgspec for its structs.
# Another one is added here knowingly.
PURE = {
    "__future__", "abc", "base64", "bisect", "calendar", "collections", "croniter", "dataclasses", "datetime",
    "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math", "msgspec",
    "operator", "re", "string", "struct", "types", "typing", "unicodedata", "zlib", "zoneinfo",
}  # fmt: skip
# What asks the clock, chance or the world, by the name it is called with.
ASKS_THE_WORLD = {"open", "print", "input", "exec", "eval"}
ASKS_CLOCK_OR_CHANCE = {"now", "utcnow", "today", "uuid1", "uuid4", "urandom"}
IMPURE_CALLS = ASKS_THE_WORLD | ASKS_CLOCK_OR_CHANCE


def test_imports_go_one_way() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command, "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return ["." * node.level + (node.module or "")]
    return []


def is_pure(module: str) -> bool:
    if module == "urllib.parse":  # takes texts apart; the rest of its package talks to the world
        return True
    return module == "app.domain" or module.startswith("app.domain.") or module.split(".")[0] in PURE


def test_the_domain_imports_only_itself_and_what_computes() -> None:
    wrong = [
        f"{place(path, getattr(node, 'lineno', 0))}: {module}"
        for path in python_files("app/domain")
        for node in ast.walk(tree(path))
        for module in imported(node)
        if not is_pure(module)
    ]
    assert wrong == []


def impurity(node: ast.AST) -> str | None:
    """What in this node asks the clock, chance or the world; None if nothing does."""
    if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
        return "async"
    if isinstance(node, ast.Global):
        return "global"
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return called if called in IMPURE_CALLS else None
    return None


def test_the_domain_asks_neither_clock_nor_chance_nor_world() -> None:
    wrong = [
        f"{place(path, getattr(node, 'lineno', 0))}: {found}"
        for path in python_files("app/domain")
        for node in ast.walk(tree(path))
        if (found := impurity(node)) is not None
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "source", ["datetime.now()", "open('x')", "uuid.uuid4()", "async def f(): ...", "def f():\n global x"]
)
def test_the_purity_check_sees_what_it_should(source: str) -> None:
    assert any(impurity(node) for node in ast.walk(ast.parse(source)))


def test_importing_the_whole_domain_loads_no_framework() -> None:
    modules = [
        place(path).removesuffix(".py").removesuffix("/__init__") for path in python_files("app/domain")
    ]
    names = [module.replace("/", ".") for module in modules]
    script = (
        f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
        "print({'faust', 'aiokafka', 'aiohttp', 'asyncpg', 'asyncio'} & set(sys.modules) or 'pure')"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("pure\n", "")

"""Sizes, empty package files, SQL in its place, and nothing that only this machine knows."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from urllib.parse import urlsplit

from tests.architecture.sources import CHECKOUT, place, python_files, text_files, tree

FILE_LINES = 400
FUNCTION_LINES = 60
PROGRAM = ("app", "agents", "tables", "web")
SQL_PLACES = ("app/store/", "app/migrations/")
# Making the role and the database themselves comes before there is a store.
SQL_FILES_ELSEWHERE = {"app/stack/first_start.sql"}
STATEMENT = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|TRUNCATE\s|COPY\s+\w+|LISTEN\s"
    r"|(CREATE|ALTER|DROP)\s+(TABLE|INDEX|DATABASE|ROLE|FUNCTION|TRIGGER|VIEW|SCHEMA)\s|WITH\s+\w+\s+AS\s*\()"
)
REGISTRIES = {"pypi.org", "files.pythonhosted.org"}


def test_files_are_short() -> None:
    lengths = {place(path): len(path.read_text("utf-8").splitlines()) for path in python_files()}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_functions_are_short() -> None:
    long = [
        f"{place(path, node.lineno)}: {node.name} has {length} lines"
        for path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert long == []


def test_package_files_are_empty() -> None:
    full = [place(path) for path in python_files() if path.name == "__init__.py" and path.stat().st_size]
    assert full == []


def docstrings(module: ast.Module) -> set[int]:
    """The identities of the constants that are docstrings, of attributes too: text, not statements."""
    return {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}


def test_sql_is_in_the_store_and_the_migrations_only() -> None:
    found = [
        place(path, node.lineno)
        for path in python_files(*PROGRAM)
        if not place(path).startswith(SQL_PLACES)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if STATEMENT.match(node.value) and id(node) not in docstrings(tree(path))
    ]
    assert found == []
    files = {place(path) for package in PROGRAM for path in (CHECKOUT / package).rglob("*.sql")}
    assert {name for name in files if not name.startswith(SQL_PLACES)} <= SQL_FILES_ELSEWHERE


def test_the_sql_check_sees_a_statement() -> None:
    assert STATEMENT.match("\n  SELECT 1")
    assert STATEMENT.match("INSERT INTO batches (topic) VALUES ($1)")
    assert not STATEMENT.match("Select the lines to export")


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    machine = [str(CHECKOUT), str(CHECKOUT.parent), str(Path.home())]
    places = re.compile("|".join(re.escape(path) + r"[/\"']" for path in machine if len(path) > 4))
    home = re.compile(r"(?<![\w.~/:}-])/" + r"(?:home|root|Users)/\w")
    wrong = [
        f"{place(path, number)}: {line.strip()[:80]}"
        for path in text_files()
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), start=1)
        if places.search(line) or home.search(line)
    ]
    assert wrong == []


def test_the_lock_names_no_registry_but_the_public_one() -> None:
    lock = (CHECKOUT / "uv.lock").read_text(encoding="utf-8")
    hosts = {urlsplit(url).hostname for url in re.findall(r'"(https?://[^"]+)"', lock)}
    assert hosts == REGISTRIES

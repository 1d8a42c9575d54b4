"""Write the generated documents, or check that the committed ones are current."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from app.contracts import asyncapi
from app.errors import CatalogueMismatch
from app.settings import ROOT
from web import docs as of_the_web

DOCUMENTS: Final[dict[str, Callable[[], bytes]]] = {"asyncapi.json": asyncapi.render, **of_the_web.DOCUMENTS}
"""File name under docs/ -> what renders it."""


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail where a committed document is not current.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / "docs",
    show_default="docs",
)
def command(check: bool, directory: Path) -> None:
    """Generate docs/ from the code."""
    rendered = {directory / name: render() for name, render in DOCUMENTS.items()}
    changed = [path for path, content in rendered.items() if _read(path) != content]
    if check and changed:
        names = ", ".join(path.name for path in changed)
        raise CatalogueMismatch(f"{names} differs from the code; run `python -m app docs` and commit it")
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rendered[path])
        click.echo(f"wrote {path}")
    if not changed:
        click.echo("docs are current")


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None

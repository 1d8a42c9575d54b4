"""The one way in: `python -m app <verb>`. One file in `app/cli/` is one verb, imported when it is called."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path
from typing import Any

import click

from app import cli
from app.errors import TallystickError

INTERRUPTED = 130


class Verbs(click.Group):
    """A group whose commands are the modules of `app.cli`: `app/cli/dead_letters.py` is `dead-letters`.

    Each module exposes `command`, a click command; the first line of its docstring is its help.
    Listing reads the docstrings without importing, so `--help` does not load Faust.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = (module.name for module in pkgutil.iter_modules(cli.__path__))
        return sorted(name.replace("_", "-") for name in names if not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"app.cli.{cmd_name.replace('-', '_')}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"app.cli.{cmd_name}.command is no click command: {command!r}")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, _summary(name)) for name in self.list_commands(ctx)]
        if not rows:
            return
        with formatter.section("Verbs"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TallystickError as error:
            click.echo(f"tallystick: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


def _summary(name: str) -> str:
    source = Path(cli.__path__[0], f"{name.replace('-', '_')}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Tallystick: books payments, settles them against what arrives, and says where two sides differ."""


if __name__ == "__main__":
    main(prog_name="python -m app")

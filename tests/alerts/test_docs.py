"""The example that people copy is one that the program takes."""

from __future__ import annotations

import re
from pathlib import Path

from app.contracts.platform_file import read_platform_file
from app.settings import ROOT


def test_the_example_of_the_documentation_is_a_platform_file(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "alerts.md").read_text("utf-8")
    example = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert example is not None
    file = tmp_path / "platform.toml"
    file.write_text(example[1], "utf-8")
    alerts = read_platform_file(file, "p-1").alerts
    assert alerts is not None
    assert alerts.channels_for("CRITICAL", "DUPLICATE_PAYMENT", "m-1", "stripe") == (
        "finance-mail",
        "ops-slack",
        "pager",
    )
    assert alerts.for_operators() == ("ops-slack",)
    assert alerts.instead_of("ops-slack", ()) == "finance-mail"

"""A configuration file is read strictly, and every mistake is named with file and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli.configure import command
from app.contracts.platform_file import read_merchants, read_platform_file
from app.demo.configure import platform
from app.errors import ConfigurationError

TOML = """
default_release_delay_days = 3
[default_plan]
bps = 290
fixed = { EUR = 30 }
[psps.stripe]
settlement_window_seconds = 8
fee_plan = { bps = 150 }
[sources.acquirer-a]
psp = "stripe"
"""


def write(folder: Path, document: Any) -> Path:
    path = folder / "platform.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_toml_and_json_are_read(tmp_path: Path) -> None:
    path = tmp_path / "platform.toml"
    path.write_text(TOML, encoding="utf-8")
    record = read_platform_file(path, "p-1")
    assert (record.id, record.default_plan.fixed, record.default_release_delay_days) == (
        "p-1",
        {"EUR": 30},
        3,
    )
    assert record.psps["stripe"].settlement_window_seconds == 8
    assert read_platform_file(write(tmp_path, {"id": "mine"}), "p-1").id == "mine"


def test_the_demos_configuration_is_right(tmp_path: Path) -> None:
    record = read_platform_file(write(tmp_path, platform()), "demo")
    assert set(record.psps) == {source.psp for source in record.sources.values()}
    assert all(psp.fee_plan is not None for psp in record.psps.values())


def test_the_example_is_right() -> None:
    example = Path(__file__).parents[2] / "docs" / "examples" / "sandbox.toml"
    record, merchants = read_platform_file(example, "p-1"), read_merchants(example, "m-1")
    assert record.psps[record.default_psp or ""].api
    assert [merchant.merchant_id for merchant in merchants] == ["shop"]


def test_merchants_stand_beside_the_platform(tmp_path: Path) -> None:
    shop = {"merchant_id": "shop", "settlement_currency": "EUR"}
    path = write(tmp_path, {"merchants": [shop, {**shop, "merchant_id": "two", "name": "Two"}]})
    assert read_platform_file(path, "p-1").psps == {}
    found = read_merchants(path, "m-1")
    assert [(each.id, each.merchant_id, each.name) for each in found] == [
        ("m-1", "shop", ""),
        ("m-1", "two", "Two"),
    ]
    assert read_merchants(write(tmp_path, {}), "m-1") == []


@pytest.mark.parametrize(
    ("merchants", "words"),
    [
        ({}, "merchants: expected an array, found dict"),
        (["shop"], r"merchants\[0\]: expected an object, found str"),
        ([{"merchant_id": "shop"}], r"merchants\[0\]: Object missing required field `settlement_currency`"),
        ([{"merchant_id": "shop", "nam": "x"}], r"merchants\[0\].nam: there is no such field; known: "),
        ([{"merchant_id": "a", "settlement_currency": "EUR"}] * 2, "merchants: a is listed twice"),
        ([{"merchant_id": "a", "settlement_currency": "XXQ"}], r"merchants\[0\]: .*XXQ"),
    ],
)
def test_a_merchant_that_is_wrong_is_named(tmp_path: Path, merchants: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_merchants(write(tmp_path, {"merchants": merchants}), "m-1")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "expected an object, found list"),
        ({"type": "merchant.configure"}, "type: must be platform.configure, not 'merchant.configure'"),
        ({"psp": {}}, "psp: there is no such field; known: alerts, approval_limits, book"),
        ({"psps": {"stripe": {"fee_plan": {"bsp": 1}}}}, "psps.stripe.fee_plan.bsp: there is no such field"),
        ({"default_plan": {"bps": 10_001}}, "Expected `int` <= 10000 - at `$.default_plan.bps`"),
        ({"default_plan": {"bps": "2.9"}}, "Expected `int`, got `str` - at `$.default_plan.bps`"),
        ({"sources": {"a": {"psp": "nobody"}}}, "sources.a.psp: 'nobody' is not one of psps"),
        ({"psps": {"a": {"fee_payer": "me"}}}, "psps.a.fee_payer: must be platform or merchant"),
        (
            {"psps": {"a": {"dispute_loss_bearer": "me"}}},
            "psps.a.dispute_loss_bearer: must be platform or merchant",
        ),
        ({"book": {"currency": "XXY"}}, "'XXY' is not an ISO 4217 currency"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, document: Any, words: str) -> None:
    path = write(tmp_path, document)
    with pytest.raises(ConfigurationError) as caught:
        read_platform_file(path, "p-1")
    assert str(path) in str(caught.value)
    assert words in str(caught.value)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    for name, content, words in (
        ("a.json", b"{", "line 1 column 2"),
        ("a.toml", b"x = \ny = 1", "at line 1, column 5"),
        ("b.json", b"\xff", "byte 0 is not UTF-8"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ConfigurationError, match=words):
            read_platform_file(path, "p-1")
    with pytest.raises(ConfigurationError, match="No such file"):
        read_platform_file(tmp_path / "absent.json", "p-1")


def test_the_verb_can_only_check(tmp_path: Path) -> None:
    document: dict[str, Any] = platform()
    good = CliRunner().invoke(command, ["--check", str(write(tmp_path, document))])
    counts = f"{len(document['psps'])} PSPs, {len(document['sources'])} sources"
    assert (good.exit_code, counts in good.output) == (0, True)
    bad = CliRunner().invoke(command, ["--check", str(write(tmp_path, {"nope": 1}))])
    assert isinstance(bad.exception, ConfigurationError)

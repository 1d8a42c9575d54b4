"""docs/asyncapi.json: current, valid, complete."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from app.cli.docs import command
from app.contracts.asyncapi import document, record_types, render, tag
from app.contracts.topics import TOPICS

ROOT = Path(__file__).resolve().parents[2]
# Apache-2.0, https://github.com/asyncapi/spec-json-schemas (npm @asyncapi/specs 6.11.1, schemas/3.0.0.json)
SCHEMA = Path(__file__).with_name("asyncapi-3.0.0.schema.json.gz")


def test_the_committed_file_is_current() -> None:
    assert (ROOT / "docs" / "asyncapi.json").read_bytes() == render()


def test_it_is_valid_asyncapi_3() -> None:
    schema = json.loads(gzip.decompress(SCHEMA.read_bytes()))
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document())] == []
    broken = {**document(), "asyncapi": "3.0.0", "channels": {"x": {"address": 7}}}
    assert list(validator.iter_errors(broken))


def test_every_record_of_every_topic_is_described() -> None:
    described = document()["channels"]
    spoken = [topic for topic in TOPICS if topic.records is not None]
    assert set(described) == {topic.name for topic in spoken}
    for topic in spoken:
        assert set(described[topic.name]["messages"]) == {tag(record) for record in record_types(topic)}


def test_all_references_lead_somewhere() -> None:
    whole = document()
    found = list(references(whole))
    assert len(found) > 50
    for reference in found:
        target: Any = whole
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        assert target


def references(node: Any) -> Any:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from references(child)


def test_the_verb_writes_and_checks(tmp_path: Path) -> None:
    run = CliRunner()
    missing = run.invoke(command, ["--check", "--dir", str(tmp_path)])
    assert missing.exit_code != 0
    assert "asyncapi.json" in str(missing.exception)
    assert run.invoke(command, ["--dir", str(tmp_path)]).exit_code == 0
    assert run.invoke(command, ["--check", "--dir", str(tmp_path)]).exit_code == 0


@pytest.mark.parametrize("part", ["payer", "merchant_id", "amount"])
def test_record_schemas_hold_the_fields(part: str) -> None:
    assert part in document()["components"]["schemas"]["PaymentRecord"]["properties"]

"""How records may change, held by bytes that were written once: see docs/adr on contracts."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from app.contracts.asyncapi import record_types, tag
from app.contracts.codec import Undecodable, content_hash, decode, encode
from app.contracts.topics import BY_NAME, TOPICS
from tests.contracts.golden_files import GOLDEN, earlier_path, golden_path
from tests.contracts.samples import EARLIER, FULL, MINIMAL

CASES = [(sample, False) for sample in FULL] + [(sample, True) for sample in MINIMAL]
NAMES = [str(golden_path(sample, minimal=minimal).relative_to(GOLDEN)) for sample, minimal in CASES]
SPOKEN = [topic for topic in TOPICS if topic.records is not None]


def topics_of(record: msgspec.Struct) -> list[str]:
    return [topic.name for topic in SPOKEN if type(record) in record_types(topic)]


@pytest.mark.parametrize(("sample", "minimal"), CASES, ids=NAMES)
def test_golden_bytes_are_read_and_written_unchanged(sample: msgspec.Struct, minimal: bool) -> None:
    golden = golden_path(sample, minimal=minimal).read_bytes()
    assert encode(sample) == golden
    assert topics_of(sample)
    for topic in topics_of(sample):
        assert decode(topic, golden) == sample


@pytest.mark.parametrize("name", EARLIER)
def test_bytes_of_earlier_versions_are_read_and_written_unchanged(name: str) -> None:
    golden = earlier_path(name).read_bytes()
    assert encode(EARLIER[name]) == golden
    for topic in topics_of(EARLIER[name]):
        assert decode(topic, golden) == EARLIER[name]


@pytest.mark.parametrize(("sample", "minimal"), CASES, ids=NAMES)
def test_unknown_fields_are_dropped(sample: msgspec.Struct, minimal: bool) -> None:
    fields = json.loads(golden_path(sample, minimal=minimal).read_bytes())
    newer = json.dumps({"added_later": {"deep": [1, None]}, **fields}).encode()
    for topic in topics_of(sample):
        read = decode(topic, newer)
        assert read == sample
        assert content_hash(read) == content_hash(sample)


@pytest.mark.parametrize(("sample", "minimal"), CASES, ids=NAMES)
def test_every_field_of_a_golden_matters(sample: msgspec.Struct, minimal: bool) -> None:
    """A field that code no longer reads, renamed or removed, would leave the decoded record the same."""
    fields = json.loads(golden_path(sample, minimal=minimal).read_bytes())
    for name in fields:
        less = json.dumps({key: value for key, value in fields.items() if key != name}).encode()
        for topic in topics_of(sample):
            try:
                read = decode(topic, less)
            except Undecodable:
                continue
            assert read != sample or name in derived(topic), name


def derived(topic: str) -> tuple[str, ...]:
    """Fields that may be absent without a difference: they follow from others, or it is the only type."""
    return ("type",) if len(record_types(BY_NAME[topic])) == 1 else ("capture_id", "psp_capture_id")


def test_every_record_type_has_a_full_golden_with_every_field() -> None:
    assert {type(sample) for sample in FULL} == {record for topic in SPOKEN for record in record_types(topic)}
    for sample in FULL:
        written = json.loads(golden_path(sample, minimal=False).read_bytes())
        missing = set(sample.__struct_fields__) - set(written)
        assert not missing, f"{tag(type(sample))}: {missing}"


def test_no_golden_is_left_without_a_sample() -> None:
    written = {golden_path(sample, minimal=minimal) for sample, minimal in CASES}
    assert set(GOLDEN.rglob("*.json")) == written | {earlier_path(name) for name in EARLIER}


def later_version(*fields: Any) -> type[msgspec.Struct]:
    """`parked.expire` as a later version might have it."""
    return msgspec.defstruct(
        "Later", fields, tag_field="type", tag="parked.expire", kw_only=True, omit_defaults=True
    )


def test_an_optional_field_may_be_added() -> None:
    golden = (GOLDEN / "payments.commands" / "parked.expire.json").read_bytes()
    version = later_version(("id", str), ("key", str), ("subject", str), ("reason", str, ""))
    assert encode(msgspec.json.decode(golden, type=version)) == golden


def test_a_renamed_or_removed_field_is_noticed() -> None:
    golden = (GOLDEN / "payments.commands" / "parked.expire.json").read_bytes()
    renamed = later_version(("id", str), ("owner", str), ("subject", str))
    with pytest.raises(msgspec.ValidationError, match="missing required field `owner`"):
        msgspec.json.decode(golden, type=renamed)
    removed = later_version(("id", str), ("subject", str))
    assert encode(msgspec.json.decode(golden, type=removed)) != golden

"""`docs/asyncapi.json` (AsyncAPI 3.0) from the table of topics and the record types."""

from __future__ import annotations

import inspect
from typing import Any, Final, get_args

import msgspec

from app.contracts.topics import OURS, TOPICS, Topic

VERSION: Final = "1.0.0"
"""Of the contracts: a minor step for new fields, records or topics; they never change otherwise."""
KAFKA_BINDING: Final = "0.5.0"
PERSONAL: Final = ("Payer", "BankLine", "BankLineRecorded")
"""Record parts that hold personal data."""
DESCRIPTION: Final = (
    "Records are JSON in UTF-8. Amounts are integers in minor units of the currency beside them (ISO 4217). "
    "Time stamps are RFC 3339 with an offset. Unknown fields are ignored; fields may be added, never renamed "
    "or removed. Every record on a lane topic has an `id`; a repeat with the same content is a duplicate. "
    "The partition of a key is murmur2(key), the Java client's default (librdkafka: "
    "partitioner=murmur2_random)."
)


def document() -> dict[str, Any]:
    """The whole description; the same on every call."""
    spoken = [topic for topic in TOPICS if topic.records is not None]
    records = {record.__name__: record for topic in spoken for record in record_types(topic)}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Tallystick", "version": VERSION, "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in spoken},
        "operations": {name: body for topic in spoken for name, body in _operations(topic)},
        "components": {
            "messages": {name: _message(records[name]) for name in sorted(records)},
            "schemas": _schemas(list(records.values())),
        },
    }


def render() -> bytes:
    """The document as it is committed: sorted neither more nor less than written, indented by two."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=2) + b"\n"


def record_types(topic: Topic) -> tuple[type[msgspec.Struct], ...]:
    """The record types of a topic, in the order of its union."""
    return get_args(topic.records) or (topic.records,)


def tag(record: type[msgspec.Struct]) -> str:
    """The value of `type` on the wire."""
    return str(record.__struct_config__.tag)


def _channel(topic: Topic) -> dict[str, Any]:
    limit = {} if topic.max_record_bytes is None else {"max.message.bytes": topic.max_record_bytes}
    return {
        "address": topic.name,
        "description": f"{topic.purpose}. Key: {topic.key}.",
        "messages": {
            tag(record): {"$ref": f"#/components/messages/{record.__name__}"}
            for record in record_types(topic)
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "topicConfiguration": {
                    "cleanup.policy": [topic.cleanup],
                    "retention.ms": int(topic.config["retention.ms"]),
                    **limit,
                },
                "bindingVersion": KAFKA_BINDING,
            }
        },
        "x-timestamp-type": topic.config["message.timestamp.type"],
        "x-producers": list(topic.producers),
        "x-consumers": list(topic.consumers),
        "x-personal-data": topic.personal_data,
    }


def _operations(topic: Topic) -> list[tuple[str, dict[str, Any]]]:
    """What this program does with the topic: it receives and sends where a part of it reads and writes."""
    sides = {"receive": topic.consumers, "send": topic.producers}
    return [
        (
            f"{action}.{topic.name}",
            {
                "action": action,
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "summary": f"{', '.join(part for part in parts if part in OURS)}: {topic.purpose}",
            },
        )
        for action, parts in sides.items()
        if OURS.intersection(parts)
    ]


def _message(record: type[msgspec.Struct]) -> dict[str, Any]:
    summary = (inspect.getdoc(record) or "").partition("\n\n")[0].replace("\n", " ")
    return {
        "name": tag(record),
        "title": record.__name__,
        **({"summary": summary} if summary else {}),
        "payload": {"$ref": f"#/components/schemas/{record.__name__}"},
    }


def _schemas(records: list[type[msgspec.Struct]]) -> dict[str, Any]:
    _, found = msgspec.json.schema_components(records, ref_template="#/components/schemas/{name}")
    for name in PERSONAL:
        found[name]["x-personal-data"] = True
    return {name: _plain_discriminators(found[name]) for name in sorted(found)}


def _plain_discriminators(schema: Any) -> Any:
    """OpenAPI's discriminator is an object; AsyncAPI's only names the field."""
    if isinstance(schema, list):
        return [_plain_discriminators(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _plain_discriminators(value) for name, value in schema.items()}
    if isinstance(found := schema.get("discriminator"), dict) and "propertyName" in found:
        plain["discriminator"] = found["propertyName"]
    return plain

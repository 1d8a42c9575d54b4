"""What is kept in documents: collection -> the struct of its rows.

A collection belongs to one lane. Its key is `Ref("document", (collection, owner key, id))`; its table is a
partition of `documents`, made by the migration that brings it.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

COLLECTIONS: Final[dict[str, type[msgspec.Struct]]] = {}

_decoders: dict[str, msgspec.json.Decoder[Any]] = {}


def decode_document(key: tuple[str, ...], state: str) -> Any:
    """The value of the document under this key. Raises KeyError for a collection that is not registered."""
    collection = key[0]
    decoder = _decoders.get(collection)
    if decoder is None:
        decoder = _decoders[collection] = msgspec.json.Decoder(COLLECTIONS[collection])
    return decoder.decode(state)

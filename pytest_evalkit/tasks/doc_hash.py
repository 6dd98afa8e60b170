"""The hash of a document: its content, whichever process or machine reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_evalkit.codec import encode_canonical

_PLAIN = frozenset({str, int, float, bool, type(None)})


def doc_hash(doc: Mapping[str, Any]) -> str:
    """Hash a document as SHA-256 of its JSON form with sorted keys, in hexadecimal.

    Media stand in it by the hash of their own content: encoded bytes by their bytes,
    a decoded image by its mode, size and pixels, a file by what it holds.

    Raises:
        CodecError: The document holds a value that has no JSON form.
    """
    plain = {
        # Most documents are text alone, and there are many of them.
        key: value if type(value) in _PLAIN else _content(value)
        for key, value in doc.items()
    }
    return hashlib.sha256(encode_canonical(plain)).hexdigest()


def _content(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return {"sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, Mapping):
        if value.keys() == {"bytes", "path"}:
            return _cell(value)
        return {key: _content(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_content(item) for item in value]
    if hasattr(value, "tobytes") and hasattr(value, "mode"):
        return _image(value)
    return value


def _cell(value: Mapping[str, Any]) -> Any:
    """Name the content of a media cell; a file that is absent, by its name."""
    content, path = value["bytes"], value["path"]
    if content is not None:
        return {"sha256": hashlib.sha256(content).hexdigest()}
    if path is None:
        return None
    if not Path(path).is_file():
        return {"file": Path(path).name}
    return {"sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest()}


def _image(image: Any) -> dict[str, Any]:
    digest = hashlib.sha256(f"{image.mode} {image.size}".encode())
    digest.update(image.tobytes())
    return {"sha256": digest.hexdigest()}

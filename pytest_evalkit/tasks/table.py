"""Documents that the library ``datasets`` holds, read block by block."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages.images import decoding_an_image
from pytest_evalkit.tasks.documents import files_fingerprint
from pytest_evalkit.tasks.media_folders import MediaFolders

# Rows per read: one row alone costs twenty times its share of a block.
_BLOCK = 256

_Decode = Callable[[Any], Any]


class Table:
    """A data set of ``datasets``.

    Media stay as encoded bytes until a row is read; images are then decoded where a
    function of the task may look at them.
    """

    def __init__(
        self,
        dataset: Any,
        *,
        is_decoding: bool = True,
        folder: Path | None = None,
        files: Sequence[Path] = (),
        allowed: MediaFolders | None = None,
    ) -> None:
        """Take a data set.

        Args:
            dataset: A ``datasets.Dataset``.
            is_decoding: False to leave images as mappings of ``bytes`` and ``path``.
            folder: Where relative paths in the rows start, or None.
            files: What it was read from; their bytes identify the content, and
                without any the library's own fingerprint does.
            allowed: The folders that images may lie in; None where any may be read.
        """
        self._files = tuple(files)
        self._fingerprint = str(dataset._fingerprint)  # noqa: SLF001 (the library has no public name for it)
        self._columns = tuple(dataset.column_names)
        self._folder = folder
        decoders = {
            name: decode
            for name, feature in dataset.features.items()
            if (decode := _decoder(feature, allowed)) is not None
        }
        texts = [name for name in self._columns if name not in decoders]
        self._texts = dataset.select_columns(texts)
        # In the library's own form every access would decode the media.
        self._media = dataset.select_columns(list(decoders)).with_format("arrow")
        self._decoders = decoders if is_decoding else {}
        self._encoded = frozenset(decoders)
        # One row of images may weigh megabytes.
        self._size = 1 if decoders else _BLOCK
        self._start = 0
        self._block: Mapping[str, list[Any]] = {}
        self._length = len(dataset)

    @property
    def columns(self) -> Sequence[str]:
        """Names of all columns, in the data set's order."""
        return self._columns

    @property
    def folder(self) -> Path | None:
        """Where relative paths in the rows start, or None."""
        return self._folder

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not 0 <= index < self._length:
            raise IndexError(f"no row {index} of {self._length}")
        if not self._block or not 0 <= index - self._start < self._size:
            self._start = index - index % self._size
            self._block = self._read(self._start, self._start + self._size)
        offset = index - self._start
        row = {name: values[offset] for name, values in self._block.items()}
        for name, decode in self._decoders.items():
            row[name] = _decoded(name, decode, row[name])
        return row

    def column(self, name: str) -> Sequence[Any]:
        """Read one column of every row; media stay encoded."""
        if name in self._encoded:
            return self._media.select_columns([name])[:].to_pydict()[name]  # type: ignore[no-any-return]  # datasets is untyped
        return self._texts.select_columns([name])[:][name]  # type: ignore[no-any-return]  # datasets is untyped

    def fingerprint(self) -> str:
        """Identify the content of the rows."""
        return files_fingerprint(self._files) if self._files else self._fingerprint

    def _read(self, start: int, end: int) -> Mapping[str, list[Any]]:
        block: dict[str, list[Any]] = {}
        if self._texts.column_names:
            block.update(self._texts[start:end])
        if self._encoded:
            block.update(self._media[start:end].to_pydict())
        return {name: block[name] for name in self._columns}


def _decoded(column: str, decode: _Decode, cell: Any) -> Any:
    try:
        with decoding_an_image():
            return decode(cell)
    except DatasetError as error:
        raise DatasetError(f"column {column!r}: {error.message}") from error


def _decoder(feature: Any, allowed: MediaFolders | None) -> _Decode | None:
    """Tell how a column's cells become images; None where they hold no media."""
    import datasets

    if isinstance(feature, datasets.Image) and feature.decode:
        return _image_decoder(feature.mode, allowed)
    if isinstance(feature, datasets.List | datasets.LargeList):
        return _list_decoder(feature.feature, allowed)
    if isinstance(feature, dict):
        return _mapping_decoder(feature, allowed)
    if type(feature).__name__ == "Json":
        # Rows whose mappings differ, which the library reads as JSON by itself. Older
        # ones have no such feature.
        return None
    # Sound and film stay encoded: what they are sent as is for the model to say.
    return (lambda cell: cell) if getattr(feature, "decode", False) else None


def _image_decoder(mode: str | None, allowed: MediaFolders | None) -> _Decode:
    def decode(cell: Any) -> Any:
        image = opened_image(cell, allowed)
        return image if image is None or mode is None else image.convert(mode)

    return decode


def _list_decoder(feature: Any, allowed: MediaFolders | None) -> _Decode | None:
    decode = _decoder(feature, allowed)
    if decode is None:
        return None
    return lambda cells: None if cells is None else [decode(cell) for cell in cells]


def _mapping_decoder(
    feature: Mapping[str, Any], allowed: MediaFolders | None
) -> _Decode | None:
    decoders = {
        key: decode
        for key, inner in feature.items()
        if (decode := _decoder(inner, allowed)) is not None
    }
    if not decoders:
        return None

    def decode_mapping(cell: Any) -> Any:
        if cell is None:
            return None
        return {
            key: decoders[key](value) if key in decoders else value
            for key, value in cell.items()
        }

    return decode_mapping


def opened_image(cell: Any, allowed: MediaFolders | None = None) -> Any:
    """Open an encoded image as a PIL image, upright as its camera says.

    Its pixels are decoded at once: the document is named by them, and what is broken is
    known while its column still is.

    Args:
        cell: A mapping of ``bytes`` and ``path``, of which one is given; or None.
        allowed: The folders that it may lie in; None where any may be read.

    Raises:
        DatasetError: It lies in none of them.
        OSError: It cannot be read or decoded.
    """
    if cell is None:
        return None

    import PIL.Image
    import PIL.ImageOps

    content = cell["bytes"]
    if content is None:
        path = Path(cell["path"])
        if allowed is not None:
            allowed.require(path)
        content = path.read_bytes()
    image = PIL.Image.open(io.BytesIO(content))
    image.load()
    # Looking for the orientation decodes a PNG, so it is only looked for where it is.
    if b"Exif" in content or b"eXIf" in content:
        return PIL.ImageOps.exif_transpose(image)
    return image

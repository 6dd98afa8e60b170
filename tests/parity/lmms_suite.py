"""The task files of lmms-eval with documents beside them, and a model that recites."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_evalkit.values import Generate, Response
from tests.parity.lmms_cases import LmmsCase
from tests.parity.lmms_documents import IMAGE

_COLOUR = (200, 40, 40)


class Reciting:
    """A backend that answers each document with a given text.

    Args:
        texts: The answers, in document order.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.asked: dict[int, Generate] = {}

    @property
    def model_name(self) -> str:
        return "reciting"

    def describe(self) -> dict[str, Any]:
        return {}

    async def generate(self, request: Generate) -> Response:
        assert request.origin is not None
        self.asked[request.origin.doc_id] = request
        return Response(text=self.texts[request.origin.doc_id])

    async def aclose(self) -> None:
        return


def write(folder: Path, name: str, case: LmmsCase, tasks: Path) -> Path:
    """Write the documents of a case, and the task file that reads them.

    Returns:
        The task file, which includes that of lmms-eval.
    """
    data = folder / f"{name}.parquet"
    _write_parquet(data, case.docs)
    values = {
        "include": str(tasks / case.file),
        "task": name,
        "dialect": "lmms",
        "dataset_path": "parquet",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": {case.split: str(data)}},
        **case.overrides,
    }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(values, indent=1), "utf-8")
    return path


def _write_parquet(file: Path, docs: Sequence[Mapping[str, Any]]) -> None:
    import datasets

    rows = [{key: _medium(doc[key]) for key in doc if key != "said"} for doc in docs]
    table = datasets.Dataset.from_list(rows)
    for column, value in docs[-1].items():
        if value == IMAGE:
            table = table.cast_column(column, datasets.Image())
        elif value == [IMAGE]:
            table = table.cast_column(column, datasets.List(datasets.Image()))
    table.to_parquet(str(file))


def _medium(value: Any) -> Any:
    if value == IMAGE:
        return {"bytes": _png(), "path": None}
    if value == [IMAGE]:
        return [_medium(IMAGE)]
    return value


def _png() -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (6, 4), _COLOUR).save(stream, format="PNG")
    return stream.getvalue()

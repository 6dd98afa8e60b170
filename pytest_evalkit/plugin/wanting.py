"""Whether workers of a resumed run ask its model anything at all.

Loading a model takes minutes, and a resumed run may have nothing left to ask. Only workers
know, once they have collected; xdist has no message for it, so they leave a file.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pytest_evalkit.errors import EvalkitError
from pytest_evalkit.plugin.collection import DocumentItem
from pytest_evalkit.plugin.resuming import Resumption
from pytest_evalkit.results.folder import RunFolder

_NAME = "model-wanted"


def asks_model(items: Iterable[pytest.Item], resumption: Resumption) -> bool:
    """Tell whether the model is needed for any of some items.

    Args:
        items: What is to be run.
        resumption: What is taken as it was recorded.
    """
    return any(_asks(item, resumption) for item in items)


def _asks(item: pytest.Item, resumption: Resumption) -> bool:
    if not isinstance(item, DocumentItem):
        return "model" in getattr(item, "fixturenames", ())
    try:
        return not resumption.is_taken(item.parent.opened, item.doc_id)
    except EvalkitError:
        # It stops the run where it is met, which tells it.
        return True


def want_model(folder: RunFolder) -> None:
    """Tell the controller that the model is needed.

    Raises:
        OSError: The folder cannot be written.
    """
    (folder.journal_dir / _NAME).touch()


def is_model_wanted(folder: RunFolder) -> bool:
    """Tell whether any worker has said so; what was said is forgotten."""
    path = folder.journal_dir / _NAME
    is_wanted = path.exists()
    path.unlink(missing_ok=True)
    return is_wanted

"""Small functions on texts that tasks import from the two projects."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

# What stands around punctuation once a text was split into tokens, and what belongs.
_SPACED = (
    (" n't", "n't"),
    (" )", ")"),
    ("( ", "("),
    ('" ', '"'),
    (' "', '"'),
)

# Arguments that may name a model, the most specific first.
_MODEL_KEYS = (
    "peft",
    "delta",
    "pretrained",
    "model",
    "model_version",
    "model_name",
    "model_id",
    "path",
    "engine",
)


def general_detokenize(string: str) -> str:
    """Take out the spaces that a tokenizer put around English punctuation.

    >>> general_detokenize("He ( she ) is n't here , they said .")
    "He (she) isn't here, they said."
    """
    for spaced, joined in _SPACED:
        string = string.replace(spaced, joined)
    return re.sub(r" ([',.])", r"\1", string)


def strip_reasoning_tags(text: str, tag_pairs: Sequence[Sequence[str]]) -> str:
    """Take out what stands between pairs of tags, as lmms-eval does.

    Where a closing tag has no opening one, all before it goes; an opening tag that
    nothing closes stays.

    Args:
        text: The answer of a model.
        tag_pairs: Pairs of an opening and a closing tag.
    """
    for opening, closing in tag_pairs:
        while opening in text:
            start = text.find(opening)
            end = text.find(closing, start)
            if end < 0:
                break
            text = text[:start] + text[end + len(closing) :]
        if opening not in text:
            text = text.rpartition(closing)[2]
    return text.strip()


def resolve_cache_dir(cache_dir: str, base_dir: str | None = None) -> str:
    """Expand ``~`` and variables in a path, and place a relative one.

    Args:
        cache_dir: The path.
        base_dir: Where a relative path begins, or None for where we are.
    """
    path = os.path.expanduser(os.path.expandvars(cache_dir))  # noqa: PTH111 (texts)
    return path if base_dir is None else os.path.join(base_dir, path)  # noqa: PTH118


def sanitize_model_name(model_name: str, full_path: bool = False) -> str:
    """Make a file name of a model's name.

    Args:
        model_name: A name on the hub, or a path.
        full_path: True to keep all of a path, False for its last two parts.
    """
    parts = model_name.split("/")
    kept = model_name if full_path else "/".join(parts[-2:])
    return re.sub(r'["<>:/|\\?*\[\]]+', "__", kept)


class GeneralConfigTracker:
    """What tasks ask of the tracker of lmms-eval: the name of the model."""

    @staticmethod
    def _get_model_name(model_args: str) -> str:
        """Find the model's name in its arguments; empty where none is named."""
        pairs = (pair.partition("=") for pair in model_args.split(","))
        given = {key.strip(): value for key, _, value in pairs}
        return next((given[key] for key in _MODEL_KEYS if key in given), "")

"""Options that pytest does not know since they are misspelt ones of ours."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_evalkit.naming import nearest
from pytest_evalkit.plugin.option_table import OPTIONS

_HINT = "did you mean"
# It may as well be an option of a plugin that is not there.
_LIKENESS = 0.8


def hint_at_options(parser: pytest.Parser, unknown: Sequence[str]) -> None:
    """Have pytest's refusal of unknown options name the nearest of ours.

    Args:
        parser: What refuses them.
        unknown: The options, each perhaps with a value behind ``=``.
    """
    meant = dict.fromkeys(map(_meant, unknown))
    told = [name for name in meant if name is not None]
    if told:
        parser.extra_info[_HINT] = ", ".join(told)


def _meant(unknown: str) -> str | None:
    """Tell which of our options may be meant, as the documentation spells it."""
    ours = {name: option.names[0] for option in OPTIONS for name in option.names}
    close = nearest(unknown.partition("=")[0], ours, _LIKENESS)
    return None if close is None else ours[close]

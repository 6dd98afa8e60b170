"""Reading a table of prices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_evalkit.engine.budget import Price
from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import suggestion

_KEYS = ("input", "output", "cached_input")


def read_prices(path: Path) -> dict[str, Price]:
    """Read what models cost: US dollars for a million tokens, by model.

    Args:
        path: A YAML or JSON file such as ``gpt-5: {input: 1.25, output: 10}``;
            ``cached_input`` may be there too.

    Raises:
        OptionError: There is no such file, or it is no such table.
    """
    table = _table(path)
    return {str(model): _price(path, model, row) for model, row in table.items()}


def _table(path: Path) -> Mapping[Any, Any]:
    import yaml

    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise OptionError(f"cannot read the price table {path}: {error}") from error
    # Beside its own, the loader raises what Python says of impossible values.
    except (
        yaml.YAMLError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
    ) as error:
        said = " ".join(str(error).split())
        raise OptionError(f"price table {path} is not YAML: {said}") from error
    if not isinstance(table, dict) or not table:
        raise OptionError(
            f"price table {path} must map models to prices, such as "
            "gpt-5: {input: 1.25, output: 10}"
        )
    return table


def _price(path: Path, model: Any, row: Any) -> Price:
    place = f"price table {path}, model {model!r}"
    if not isinstance(row, dict):
        raise OptionError(f"{place}: needs input and output, got {row!r}")
    for key in row:
        if key not in _KEYS:
            raise OptionError(
                f"{place}: unknown key {key!r}; {suggestion(str(key), _KEYS)}"
            )
    for key in ("input", "output"):
        if key not in row:
            raise OptionError(f"{place}: {key!r} is missing")
    return Price(**{key: _dollars(place, key, value) for key, value in row.items()})


def _dollars(place: str, key: str, value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < math.inf:
        raise OptionError(
            f"{place}: {key} must be US dollars for a million tokens, got {value!r}"
        )
    return float(value)

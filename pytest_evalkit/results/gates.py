"""Gates: conditions on a run's figures, and how they are written."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import suggestion

_GATE = re.compile(
    r"""\s* (?: (?P<task>(?:[^:,<>=]|::)*[^:,<>=\s]) \s* : )?
        \s* (?P<drop>drop\s*\()?
        \s* (?P<metric>[^:,<>=]*[^:,<>=\s])
        \s* (?: , \s* (?P<filter>[^:,<>=]*[^:,<>=\s]) )?
        \s* (?(drop)\))
        \s* (?P<comparison>>=|<=|==|>|<)
        \s* (?P<bound>[^\s@]+)
        \s* (?: @ \s* (?P<confidence>\S+) )? \s*""",
    re.VERBOSE,
)
_BETWEEN = re.compile(
    r"(?P<figure>.*\S)\s+between\s+(?P<low>[^\s@]+)\s+(?:and\s+)?(?P<high>[^\s@]+)"
    r"(?P<rest>\s*(?:@.*)?)"
)
_BOUND_KEYS = {"min": ">=", "max": "<=", "max_drop": "<="}
_GATE_KEYS = ("metric", "filter", *_BOUND_KEYS, "confidence")
_FORM = (
    "a gate reads '[task:]metric[,filter]>=number' (or >, <=, <, ==), such as "
    "'gsm8k:exact_match>=0.8', with '@0.95' behind it where an interval is to hold, "
    "'metric between low high', or 'drop(metric)<=number'"
)

CONFIDENCE = 0.95
"""How sure a drop must be where its gate does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A condition on one aggregated metric.

    Attributes:
        task: Name of the task or group, or None for every task that has the metric.
        metric: Name of the metric.
        filter: Name of the filter, or None for the task's first that has the metric.
        comparison: One of ``>=``, ``>``, ``<=``, ``<``, ``==``.
        bound: What the figure is compared with.
        confidence: The coverage of the interval that is to be on the right side of the
            bound, between 0 and 1; of a drop, how sure it must be to fail. None where
            the figure alone is compared, and for a drop's 0.95.
        is_drop: Whether the figure is how much worse the metric is than in a baseline.
        is_relative: Whether a drop is told as a share of the baseline's value.
    """

    task: str | None
    metric: str
    filter: str | None
    comparison: str
    bound: float
    confidence: float | None = None
    is_drop: bool = False
    is_relative: bool = False

    @property
    def bound_text(self) -> str:
        """The bound as it is written: per cent where it is a share of a baseline."""
        if self.is_relative:
            return f"{100 * self.bound:.12g}%"
        return f"{self.bound:.12g}"

    @property
    def condition(self) -> str:
        """The condition without its task, such as ``exact_match,none >= 0.8``."""
        pipeline = f",{self.filter}" if self.filter is not None else ""
        figure = f"{self.metric}{pipeline}"
        if self.is_drop:
            figure = f"drop({figure})"
        sure = "" if self.confidence is None else f" @ {self.confidence:.12g}"
        return f"{figure} {self.comparison} {self.bound_text}{sure}"


def parse_gates(text: str) -> tuple[Gate, ...]:
    """Read what the command line writes as a gate: one, or two ends of a range.

    Args:
        text: As ``parse_gate`` has it, or ``metric between low high``, ends included.

    Raises:
        OptionError: The text has another form.

    >>> [gate.condition for gate in parse_gates("osl_tokens.mean between 355 434")]
    ['osl_tokens.mean >= 355', 'osl_tokens.mean <= 434']
    """
    match = _BETWEEN.fullmatch(text)
    if match is None:
        return (parse_gate(text),)
    ends = (
        f"{match['figure']} >= {match['low']}",
        f"{match['figure']} <= {match['high']}",
    )
    try:
        low, high = (parse_gate(f"{end}{match['rest']}") for end in ends)
    except OptionError:
        raise OptionError(f"{_FORM}, not {text!r}") from None
    if low.is_drop or low.bound > high.bound:
        raise OptionError(
            "a range reads 'metric between low high', such as 'osl_tokens.mean between "
            f"355 434', not {text!r}"
        )
    return low, high


def parse_gate(text: str) -> Gate:
    """Read a gate as the command line writes it.

    Args:
        text: ``[task:]metric[,filter]>=number``, or with ``>``, ``<=``, ``<``, ``==``;
            with ``@0.95`` behind it where that interval is to hold; ``drop(metric)<=number``
            for how much worse it may be than in a baseline.

    Raises:
        OptionError: The text has another form.

    >>> parse_gate("gsm8k:exact_match,strict-match >= 0.8").condition
    'exact_match,strict-match >= 0.8'
    """
    match = _GATE.fullmatch(text)
    bound = _bound(match["bound"], may_be_share=bool(match["drop"])) if match else None
    if match is None or bound is None:
        raise OptionError(f"{_FORM}, not {text!r}")
    if match["drop"] and (match["comparison"] != "<=" or bound < 0):
        raise OptionError(
            f"a gate on a drop reads 'drop(metric)<=number', the number 0 or above, not "
            f"{text!r}"
        )
    confidence = None
    if match["confidence"] is not None:
        confidence = _number(match["confidence"])
        if confidence is None or not 0 < confidence < 1:
            raise OptionError(
                f"the confidence of a gate is between 0 and 1, such as '@0.95', not "
                f"{match['confidence']!r} in {text!r}"
            )
        if match["comparison"] == "==":
            raise OptionError(f"no interval is a single number, as {text!r} asks")
    return Gate(
        task=match["task"],
        metric=match["metric"],
        filter=match["filter"],
        comparison=match["comparison"],
        bound=bound,
        confidence=confidence,
        is_drop=match["drop"] is not None,
        is_relative=match["bound"].endswith("%"),
    )


def gates_of_task(name: str, raw: Any) -> tuple[Gate, ...]:
    """Read the gates in a task file; each bound of an entry is a gate.

    Args:
        name: Name of the task.
        raw: Entries ``{metric, filter, min, max, max_drop, confidence}``; None where
            there are none.

    Raises:
        OptionError: An entry has another form.
    """
    if raw is None:
        return ()
    if not isinstance(raw, list):
        raise OptionError(f"gate of task {name!r} must be a list, not {raw!r}")
    return tuple(gate for entry in raw for gate in _entry_gates(name, entry))


def _entry_gates(task: str, entry: Any) -> list[Gate]:
    owner = f"a gate of task {task!r}"
    if not isinstance(entry, Mapping) or not isinstance(entry.get("metric"), str):
        raise OptionError(f"{owner} needs a metric: {{metric, min}}, not {entry!r}")
    for key in entry:
        if key not in _GATE_KEYS:
            raise OptionError(
                f"{owner} has an unknown key {key!r}; {suggestion(str(key), _GATE_KEYS)}"
            )
    bounds = [key for key in _BOUND_KEYS if key in entry]
    if not bounds:
        raise OptionError(f"{owner} on {entry['metric']!r} needs min, max or max_drop")
    confidence = _entry_confidence(owner, entry.get("confidence"))
    return [
        Gate(
            task=task,
            metric=entry["metric"],
            filter=entry.get("filter"),
            comparison=_BOUND_KEYS[key],
            bound=_entry_bound(owner, key, entry[key]),
            confidence=confidence,
            is_drop=key == "max_drop",
            is_relative=isinstance(entry[key], str),
        )
        for key in bounds
    ]


def _entry_bound(owner: str, key: str, value: Any) -> float:
    if key == "max_drop" and isinstance(value, str) and value.endswith("%"):
        value = _bound(value, may_be_share=True)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise OptionError(f"{key} of {owner} must be a number, not {value!r}")
    if key == "max_drop" and value < 0:
        raise OptionError(f"{key} of {owner} must be 0 or above, not {value!r}")
    return float(value)


def _entry_confidence(owner: str, value: Any) -> float | None:
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value < 1:
        raise OptionError(
            f"confidence of {owner} must be between 0 and 1, such as 0.95, not {value!r}"
        )
    return float(value)


def _bound(text: str, *, may_be_share: bool) -> float | None:
    """Read a bound: a number, or per cent of what a drop is a drop from."""
    if not may_be_share or not text.endswith("%"):
        return _number(text)
    number = _number(text[:-1])
    return None if number is None else number / 100


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None

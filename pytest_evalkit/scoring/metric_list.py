"""From the metric list of a task file to metrics with their functions."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.scoring.aggregations import OF_NUMBERS, aggregation_of
from pytest_evalkit.scoring.conversation_metrics import (
    CONVERSATION_METRICS,
    check_words,
)
from pytest_evalkit.scoring.libraries import LIBRARY_METRICS, PACKAGES
from pytest_evalkit.scoring.likelihoods import LIKELIHOOD_METRICS
from pytest_evalkit.scoring.metrics import (
    METRIC_DEFAULTS,
    METRICS,
    PAIR_METRICS,
    UNNAMED_DEFAULTS,
    exact_match,
    pair,
)
from pytest_evalkit.scoring.oddities import FALSE_WORDS, WITHOUT_EFFECT
from pytest_evalkit.scoring.packages import require
from pytest_evalkit.scoring.patterns import compiled_each
from pytest_evalkit.scoring.plan import CONVERSATION, MetricSpec
from pytest_evalkit.scoring.ranges import range_of
from pytest_evalkit.scoring.whole_groups import group_match
from pytest_evalkit.scoring.word_errors import (
    NORMALISER_PACKAGES,
    NORMALISERS,
    word_errors,
)

# What an entry says itself; the rest are arguments of the metric.
METRIC_KEYS = ("metric", "aggregation", "higher_is_better", "hf_evaluate", "range")
# What a metric is called with besides its arguments.
_GIVEN = ("references", "predictions", "doc")
_OF_CONVERSATION = ("keys", "answers", "missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRules:
    """What a task says about all of its metrics.

    Attributes:
        output_type: What the model is asked for.
        is_labels: Whether the task's own scorer gives the values, so that metrics only
            name them.
        is_strict: Whether the reference's rules hold where they are known to be wrong.
    """

    output_type: str
    is_labels: bool
    is_strict: bool = False


def metrics_of(
    entries: Sequence[Mapping[str, Any]], rules: MetricRules
) -> tuple[MetricSpec, ...]:
    """Resolve a metric list.

    Functions of one name are told apart by a number: the last of them, whose values the
    reference reports, keeps the name, and those before it are ``name_1``, ``name_2``
    and so on.

    Args:
        entries: ``{metric, aggregation, higher_is_better, range, ...}``.
        rules: What the task says.

    Raises:
        OptionError: A metric, aggregation or argument does not exist, or cannot score
            what the task asks for.
        MissingPackageError: One of them needs a package that is not installed.
    """
    specs = [_metric(entry, rules) for entry in entries]
    names = [
        spec.name
        for spec, entry in zip(specs, entries, strict=True)
        if isinstance(entry["metric"], str)
    ]
    for name, count in Counter(names).items():
        if count > 1:
            raise OptionError(f"metric_list names {name!r} {count} times")
    return tuple(_told_apart(specs))


def _told_apart(specs: Sequence[MetricSpec]) -> list[MetricSpec]:
    left = Counter(spec.name for spec in specs)
    told: Counter[str] = Counter()
    result = []
    for spec in specs:
        left[spec.name] -= 1
        told[spec.name] += 1
        if left[spec.name]:
            result.append(replace(spec, name=f"{spec.name}_{told[spec.name]}"))
        else:
            result.append(spec)
    return result


def _metric(entry: Mapping[str, Any], rules: MetricRules) -> MetricSpec:
    metric = entry.get("metric")
    name = _name(metric)
    defaults = METRIC_DEFAULTS.get(name, UNNAMED_DEFAULTS)
    aggregation_name, aggregation = aggregation_of(
        entry.get("aggregation") or defaults.aggregation, name
    )
    function, is_pair, kwargs = _called(metric, name, entry, rules)
    if function is pair and aggregation_name in OF_NUMBERS:
        raise OptionError(
            f"metric {name!r} hands pairs of reference and answer to its aggregation, "
            f"and {aggregation_name!r} takes numbers; {_pair_remedy(name)}"
        )
    return MetricSpec(
        name=name,
        function=function,
        takes_pair=is_pair,
        takes_doc=function is group_match,
        kwargs=kwargs,
        aggregation=aggregation,
        aggregation_name=aggregation_name,
        higher_is_better=_direction(entry, name, defaults.higher_is_better),
        range=range_of(entry, name),
    )


def _name(metric: Any) -> str:
    name = metric
    if callable(metric):
        name = getattr(metric, "__name__", type(metric).__name__)
    if not isinstance(name, str) or not name:
        raise OptionError(f"a metric_list entry needs a metric, not {metric!r}")
    return name


def _pair_remedy(name: str) -> str:
    default = METRIC_DEFAULTS[name].aggregation
    if default in OF_NUMBERS:
        return "name a !function as its aggregation"
    return f"its own is {default!r}"


def _direction(
    entry: Mapping[str, Any], metric: str, default: bool | None
) -> bool | None:
    value = entry.get("higher_is_better", default)
    if value is None or isinstance(value, bool):
        return value
    raise OptionError(
        f"higher_is_better of metric {metric!r} must be true or false, not {value!r}"
    )


_Called = tuple[Callable[..., Any] | None, bool, dict[str, Any]]


def _called(
    metric: Any, name: str, entry: Mapping[str, Any], rules: MetricRules
) -> _Called:
    """Find the function of a metric, how it is called, and with what arguments."""
    kwargs = {key: value for key, value in entry.items() if key not in METRIC_KEYS}
    if rules.is_labels:
        _check_idle(name, kwargs)
        return None, False, {}
    if rules.output_type == CONVERSATION:
        return _of_conversation(metric, name, kwargs)
    if not rules.output_type.startswith("generate"):
        _check_likelihood(metric, name, rules.output_type)
        _check_idle(name, kwargs)
        return None, False, {}
    if callable(metric):
        return _of_task(metric, name, kwargs)
    if name == "anls" and rules.is_strict:
        kwargs.setdefault("raw_lengths", True)
    return _of_name(name, kwargs, is_library=entry.get("hf_evaluate") is True)


def _check_idle(name: str, kwargs: Mapping[str, Any]) -> None:
    """Refuse arguments that would have no effect, but for those that are known."""
    for key in kwargs:
        if key not in WITHOUT_EFFECT:
            hint = suggestion(key, METRIC_KEYS)
            raise OptionError(f"metric {name!r} has no argument {key!r}; {hint}")


def _check_likelihood(metric: Any, name: str, output_type: str) -> None:
    known = LIKELIHOOD_METRICS.get(output_type)
    if known is None:
        raise OptionError(
            f"unknown output_type {output_type!r}; "
            f"{suggestion(output_type, ('generate_until', *LIKELIHOOD_METRICS))}"
        )
    if callable(metric):
        raise OptionError(
            f"metric {name!r} is a function, which scores generated text; with "
            f"output_type {output_type} the metrics are {', '.join(known)}, or what "
            "process_results returns"
        )
    if name not in known:
        raise OptionError(
            f"metric {name!r} does not score output_type {output_type}; "
            f"{suggestion(name, known)}"
        )


def _of_conversation(metric: Any, name: str, kwargs: dict[str, Any]) -> _Called:
    known = CONVERSATION_METRICS
    if callable(metric) or name not in known:
        hint = suggestion(name, known)
        raise OptionError(
            f"metric {name!r} does not score conversations; {hint}, or write "
            "process_results, which sees every turn"
        )
    function = known[name]
    rules = inspect.signature(exact_match).parameters
    parameters = inspect.signature(function).parameters
    valid = [key for key in parameters if key not in (*_OF_CONVERSATION, "rules")]
    is_of_text = "rules" in parameters
    valid += [key for key in rules if key not in _GIVEN] if is_of_text else []
    for key in kwargs:
        if key not in valid:
            hint = suggestion(key, (*valid, *METRIC_KEYS))
            raise OptionError(f"metric {name!r} has no argument {key!r}; {hint}")
    check_words(name, kwargs)
    if is_of_text:
        kwargs = {key: _exact_match(key, value) for key, value in kwargs.items()}
    return function, False, kwargs


def _of_task(metric: Callable[..., Any], name: str, kwargs: dict[str, Any]) -> _Called:
    if _binds(metric, references=[], predictions=[], **kwargs):
        return metric, False, kwargs
    if _binds(metric, []):
        _check_idle(name, kwargs)
        return metric, True, {}
    given = "".join(f", {key}" for key in kwargs)
    raise OptionError(
        f"metric {name!r} can be called neither as (references, predictions{given}) "
        "nor with a pair of reference and answer"
    )


def _binds(function: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    except ValueError:
        # A function written in C may not tell its parameters.
        return not args
    return True


def _of_name(name: str, kwargs: dict[str, Any], *, is_library: bool) -> _Called:
    if name in METRICS:
        return METRICS[name], False, _arguments(name, METRICS[name], kwargs)
    if name in PAIR_METRICS and not (is_library and name in LIBRARY_METRICS):
        _check_idle(name, _without_slips(name, kwargs))
        return pair, True, {}
    if name in LIBRARY_METRICS:
        require(PACKAGES[name], f"metric {name!r}")
        return (
            LIBRARY_METRICS[name],
            False,
            _arguments(name, LIBRARY_METRICS[name], kwargs),
        )
    known = (*METRICS, *PAIR_METRICS, *LIBRARY_METRICS)
    raise OptionError(f"unknown metric {name!r}; {suggestion(name, known)}")


def _without_slips(name: str, kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    if "high_is_better" in kwargs:
        raise OptionError(
            f"metric {name!r} has no argument 'high_is_better'; "
            "did you mean 'higher_is_better'?"
        )
    return kwargs


def _arguments(
    name: str, function: Callable[..., Any], kwargs: dict[str, Any]
) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters
    valid = [key for key in parameters if key not in _GIVEN]
    for key in kwargs:
        if key not in valid:
            hint = suggestion(key, (*valid, *METRIC_KEYS))
            raise OptionError(f"metric {name!r} has no argument {key!r}; {hint}")
    for key in valid:
        if parameters[key].default is inspect.Parameter.empty and key not in kwargs:
            raise OptionError(f"metric {name!r} needs the argument {key!r}")
    if function is word_errors:
        _check_normalizer(kwargs.get("normalizer", "basic"))
    if function is exact_match:
        return {key: _exact_match(key, value) for key, value in kwargs.items()}
    return kwargs


def _check_normalizer(name: Any) -> None:
    if name not in NORMALISERS:
        raise OptionError(
            f"metric 'word_error_rate' has no normalizer {name!r}; "
            f"{suggestion(str(name), NORMALISERS)}"
        )
    if name in NORMALISER_PACKAGES:
        require(NORMALISER_PACKAGES[name], f"normalizer {name!r}")


def _exact_match(key: str, value: Any) -> Any:
    """Read an argument of ``exact_match``; of a flag, whatever is true counts."""
    owner = f"{key} of metric 'exact_match'"
    if key == "regexes_to_ignore":
        compiled_each(value, owner)
        return value or ()
    if isinstance(value, str) and value.strip().lower() in FALSE_WORDS:
        raise OptionError(
            f"{owner} is the text {value!r}, which counts as true; write false"
        )
    return bool(value)

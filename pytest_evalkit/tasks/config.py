"""How a task was run, as it stands in results."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pytest_evalkit.tasks.reasoned import reasoning_form
from pytest_evalkit.tasks.settings import TaskSettings
from pytest_evalkit.tasks.source import FunctionReference, Source
from pytest_evalkit.tasks.variants import Variant


def config(
    source: Source,
    settings: TaskSettings,
    variant: Variant | None,
    num_fewshot: int,
    repeats: int,
) -> dict[str, Any]:
    """Write what was decided: the merged file, and what the command line changed.

    Args:
        source: The merged file.
        settings: What the command line says.
        variant: The wording that was chosen, or None where there is no choice.
        num_fewshot: Examples a prompt shows.
        repeats: How often each document is asked.
    """
    decided: dict[str, Any] = _json(dict(source.values))
    decided["dialect"] = source.dialect
    decided["num_fewshot"] = num_fewshot
    decided["repeats"] = repeats
    decided["compat"] = settings.compat
    if settings.is_by_letter(source.values):
        decided["choice_as_generation"] = True
    own = source.values.get("generation_kwargs") or {}
    form = reasoning_form(source)
    if form is not None:
        own = form.generation(own)
        decided.update(reasoning=form.resolved(), generation_kwargs=_json(own))
    if settings.generation:
        decided["generation_kwargs"] = _json({**own, **settings.generation})
    if variant is not None:
        decided["prompt_variant"] = variant.name
    return decided


def _json(value: Any) -> Any:
    if isinstance(value, FunctionReference):
        return value.name
    if isinstance(value, dict):
        return {_key(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_json(item) for item in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(_json(key))

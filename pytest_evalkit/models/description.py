"""By what a model is known again: all of its description that can change an answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pytest_evalkit.models.connection import Connection
from pytest_evalkit.models.pacing import Pacing
from pytest_evalkit.models.token_counting import Counting

# Where a model runs and how fast, besides how it is reached, how often it is asked, and
# who counts what it cost.
_PLACE = frozenset(
    {
        *("base_url", "stream", "command", "startup_timeout", "replicas"),
        *("batch_size", "max_batch_size", "device", "device_map", "loaded"),
        *("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size"),
        *("tp_size", "pp_size", "dp_size"),
        *("max_num_seqs", "max_num_batched_tokens", "gpu_memory_utilization"),
        *("max_running_requests", "chunked_prefill_size", "mem_fraction_static"),
        *("allowed_local_media_path", "tool_timeout"),
    }
)
# A hash of the content tells more than where it lies.
_CONTENT, _LOCATION = "sha256", "path"


def model_identity(description: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of a model's description what can change an answer.

    Where it is reached, by whom, and how many requests it gets at once cannot: another
    node may serve the same model.

    Args:
        description: What the backend tells of itself.
    """
    names = {
        field.name for kind in (Connection, Counting, Pacing) for field in _fields(kind)
    }
    if _CONTENT in description:
        names.add(_LOCATION)
    return {
        name: value
        for name, value in description.items()
        if name not in names and name not in _PLACE
    }


def _fields(kind: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(kind)

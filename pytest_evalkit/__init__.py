"""Benchmarks of language and vision-language models as pytest suites.

The names below are the public ones. They are imported when first used, because pytest
imports this package in every environment in which it is installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_evalkit.engine import Model
    from pytest_evalkit.errors import (
        EvalkitError,
        ModelError,
        ModelUnavailableError,
        OptionError,
        RequestRejectedError,
        ResultsError,
        ScoringError,
        TaskError,
        TransientModelError,
    )
    from pytest_evalkit.messages import (
        AudioPart,
        AudioSource,
        Frame,
        ImagePart,
        ImageSource,
        Message,
        TextPart,
        ToolCallPart,
        ToolResultPart,
        VideoFrames,
        VideoPart,
        VideoSource,
    )
    from pytest_evalkit.models.backend import Backend, Identity, LoglikelihoodBackend
    from pytest_evalkit.models.mock import MockBackend
    from pytest_evalkit.values import (
        Generate,
        GenerationParameters,
        Loglikelihood,
        LoglikelihoodResponse,
        Origin,
        Response,
        RollingLoglikelihood,
        Timing,
        Tool,
        Usage,
    )

__version__ = "0.1.0"

_HOMES = {
    "AudioPart": "messages",
    "AudioSource": "messages",
    "Backend": "models.backend",
    "EvalkitError": "errors",
    "Frame": "messages",
    "Generate": "values",
    "GenerationParameters": "values",
    "Identity": "models.backend",
    "ImagePart": "messages",
    "ImageSource": "messages",
    "Loglikelihood": "values",
    "LoglikelihoodBackend": "models.backend",
    "LoglikelihoodResponse": "values",
    "Message": "messages",
    "MockBackend": "models.mock",
    "Model": "engine",
    "ModelError": "errors",
    "ModelUnavailableError": "errors",
    "OptionError": "errors",
    "Origin": "values",
    "RequestRejectedError": "errors",
    "Response": "values",
    "ResultsError": "errors",
    "RollingLoglikelihood": "values",
    "ScoringError": "errors",
    "TaskError": "errors",
    "TextPart": "messages",
    "Timing": "values",
    "Tool": "values",
    "ToolCallPart": "messages",
    "ToolResultPart": "messages",
    "TransientModelError": "errors",
    "Usage": "values",
    "VideoFrames": "messages",
    "VideoPart": "messages",
    "VideoSource": "messages",
}

__all__ = [
    "AudioPart",
    "AudioSource",
    "Backend",
    "EvalkitError",
    "Frame",
    "Generate",
    "GenerationParameters",
    "Identity",
    "ImagePart",
    "ImageSource",
    "Loglikelihood",
    "LoglikelihoodBackend",
    "LoglikelihoodResponse",
    "Message",
    "MockBackend",
    "Model",
    "ModelError",
    "ModelUnavailableError",
    "OptionError",
    "Origin",
    "RequestRejectedError",
    "Response",
    "ResultsError",
    "RollingLoglikelihood",
    "ScoringError",
    "TaskError",
    "TextPart",
    "Timing",
    "Tool",
    "ToolCallPart",
    "ToolResultPart",
    "TransientModelError",
    "Usage",
    "VideoFrames",
    "VideoPart",
    "VideoSource",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used.

    Raises:
        AttributeError: There is no such public name.
    """
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)

"""What tasks find in place of packages that are not installed: names by module."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pytest_evalkit.compat import (
    filters,
    judges,
    measures,
    registering,
    texts,
    verifiers,
)
from pytest_evalkit.compat.instance import Instance
from pytest_evalkit.compat.log import logger
from pytest_evalkit.compat.python_task import (
    ConfigurableTask,
    LmmsTask,
    TaskConfig,
)

_REGISTRY: Mapping[str, Any] = {
    "register_aggregation": registering.register_aggregation,
    "register_filter": registering.register_filter,
    "register_metric": registering.register_metric,
}
_EXTRACTION: Mapping[str, Any] = {
    "Filter": filters.Filter,
    "MultiChoiceRegexFilter": filters.MultiChoiceRegexFilter,
    "RegexFilter": filters.RegexFilter,
}
_SELECTION: Mapping[str, Any] = {
    "MajorityVoteFilter": filters.MajorityVoteFilter,
    "TakeFirstFilter": filters.TakeFirstFilter,
    "TakeKFilter": filters.TakeKFilter,
}
_TRANSFORMATION: Mapping[str, Any] = {
    "LowercaseFilter": filters.LowercaseFilter,
    "MapFilter": filters.MapFilter,
    "UppercaseFilter": filters.UppercaseFilter,
}
_JUDGE: Mapping[str, Any] = {
    "Request": judges.Request,
    "Response": judges.Response,
    "ServerConfig": judges.ServerConfig,
}
_VERIFIER: Mapping[str, Any] = {
    "Extractor": verifiers.Extractor,
    "Verifier": verifiers.Verifier,
    "VerifyResult": verifiers.VerifyResult,
}

SURFACE: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "lm_eval": {},
        "lm_eval.api": {},
        "lm_eval.api.filter": {"Filter": filters.Filter},
        "lm_eval.api.instance": {"Instance": Instance},
        "lm_eval.api.metrics": {
            "mean": measures.mean,
            "median": measures.median,
            "metric_max_over_ground_truths": measures.metric_max_over_ground_truths,
        },
        "lm_eval.api.registry": _REGISTRY,
        "lm_eval.api.task": {
            "ConfigurableTask": ConfigurableTask,
            "TaskConfig": TaskConfig,
        },
        "lm_eval.filters": {},
        "lm_eval.filters.extraction": {
            **_EXTRACTION,
            "WhitespaceFilter": filters.WhitespaceFilter,
        },
        "lm_eval.filters.selection": _SELECTION,
        "lm_eval.filters.transformation": _TRANSFORMATION,
        "lm_eval.utils": {
            "eval_logger": logging.getLogger("lm_eval"),
            "general_detokenize": texts.general_detokenize,
            "logging": logging,
            "weighted_f1_score": measures.weighted_f1_score,
        },
        "lmms_eval": {},
        "lmms_eval.api": {},
        "lmms_eval.api.filter": {"Filter": filters.Filter},
        "lmms_eval.api.instance": {"Instance": Instance},
        "lmms_eval.api.metrics": {
            "anls": measures.anls,
            "levenshtein_distance": measures.levenshtein_distance,
            "mean": measures.mean,
            "median": measures.median,
        },
        "lmms_eval.api.reasoning": {"strip_reasoning_tags": texts.strip_reasoning_tags},
        "lmms_eval.api.registry": _REGISTRY,
        "lmms_eval.api.task": {
            "ConfigurableTask": LmmsTask,
            "TaskConfig": TaskConfig,
        },
        # Tasks import it, and no release has it.
        "lmms_eval.azure_openai_compat": {
            "build_client": judges.unavailable,
            "has_endpoint_support": judges.unavailable,
        },
        "lmms_eval.filters": {"Filter": filters.Filter},
        "lmms_eval.filters.extraction": {
            **_EXTRACTION,
            "ExtendedRegexFilter": filters.ExtendedRegexFilter,
        },
        "lmms_eval.filters.selection": _SELECTION,
        "lmms_eval.filters.transformation": {
            **_TRANSFORMATION,
            "StripThinkingFilter": filters.StripThinkingFilter,
        },
        "lmms_eval.llm_judge": {
            **_JUDGE,
            "ServerInterface": judges.ServerInterface,
            "get_server": judges.get_server,
        },
        "lmms_eval.llm_judge.base": {"ServerInterface": judges.ServerInterface},
        "lmms_eval.llm_judge.protocol": _JUDGE,
        "lmms_eval.loggers": {},
        "lmms_eval.loggers.evaluation_tracker": {
            "GeneralConfigTracker": texts.GeneralConfigTracker,
        },
        "lmms_eval.utils": {
            "eval_logger": logger,
            "resolve_cache_dir": texts.resolve_cache_dir,
            "sanitize_model_name": texts.sanitize_model_name,
        },
        "lmms_eval.verifiers": {
            **_VERIFIER,
            "StripReasoningExtractor": verifiers.StripReasoningExtractor,
            "VerificationPipeline": verifiers.VerificationPipeline,
        },
        "lmms_eval.verifiers.base": _VERIFIER,
        "lmms_eval.verifiers.extractors": {
            "StripReasoningExtractor": verifiers.StripReasoningExtractor,
        },
        "lmms_eval.verifiers.gemini": {"GeminiVerifier": verifiers.JudgeVerifier},
        "lmms_eval.verifiers.openai": {"OpenAIVerifier": verifiers.JudgeVerifier},
        "lmms_eval.verifiers.pipeline": {
            "VerificationPipeline": verifiers.VerificationPipeline,
        },
        "loguru": {"logger": logger},
    }
)

# What to install for all that a module stands in for.
DISTRIBUTIONS: Mapping[str, str] = MappingProxyType(
    {"lm_eval": "lm-eval", "lmms_eval": "lmms-eval", "loguru": "loguru"}
)

"""Verifiers of lmms-eval: what is taken out of an answer, and who says it is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_evalkit.compat.judges import unavailable
from pytest_evalkit.compat.texts import strip_reasoning_tags
from pytest_evalkit.scoring import THINKING_TAGS


@dataclass
class VerifyResult:
    """A verdict.

    Attributes:
        score: From zero to one.
        is_correct: Whether the answer counts as right.
        raw_output: What the verifier said.
        metadata: What else is known.
    """

    score: float
    is_correct: bool
    raw_output: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


class Extractor:
    """Makes of an answer what is verified; called with the answer."""

    def extract(self, text: Any, **kwargs: Any) -> str:
        """Take out of a text what counts."""
        raise NotImplementedError

    def __call__(self, text: Any, **kwargs: Any) -> str:
        """Do the same."""
        return self.extract(text, **kwargs)


class StripReasoningExtractor(Extractor):
    """Takes thoughts out of an answer.

    Attributes:
        tag_pairs: Pairs of an opening and a closing tag.
    """

    def __init__(self, tag_pairs: Sequence[Sequence[str]] | None = None) -> None:
        self.tag_pairs = tag_pairs or THINKING_TAGS

    def extract(self, text: Any, **kwargs: Any) -> str:
        """Take out what stands between tags; what is no text becomes one."""
        del kwargs
        if isinstance(text, str):
            return strip_reasoning_tags(text, self.tag_pairs)
        return "" if text is None else str(text)


class Verifier:
    """Says whether an answer is right; called with question, answer and truth."""

    def verify(
        self, question: str, prediction: str, ground_truth: str, **kwargs: Any
    ) -> VerifyResult:
        """Compare an answer with the right one."""
        raise NotImplementedError

    def __call__(
        self, question: str, prediction: str, ground_truth: str, **kwargs: Any
    ) -> VerifyResult:
        """Do the same."""
        return self.verify(question, prediction, ground_truth, **kwargs)


class JudgeVerifier(Verifier):
    """A verifier that would have to ask a judge.

    Attributes:
        settings: What it was made with.
    """

    def __init__(self, model: str = "gpt-4o-2024-11-20", **settings: Any) -> None:
        self.settings = {"model": model, **settings}

    def verify(
        self, question: str, prediction: str, ground_truth: str, **kwargs: Any
    ) -> VerifyResult:
        """Refuse to judge.

        Raises:
            JudgeUnavailableError: Always.
        """
        unavailable(question, prediction, ground_truth, **kwargs)


class VerificationPipeline:
    """Extractors one after another, and a verifier.

    Attributes:
        extractors: Each gets what the one before it made.
        verifier: Gets what the last one made.
    """

    def __init__(
        self,
        extractors: Sequence[Extractor] | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        if verifier is None:
            raise ValueError("a VerificationPipeline needs a verifier")
        self.extractors = list(extractors or ())
        self.verifier = verifier

    def verify(
        self, question: str, prediction: str, ground_truth: str, **kwargs: Any
    ) -> VerifyResult:
        """Take out of an answer what counts, and say whether it is right."""
        extracted = prediction
        for extractor in self.extractors:
            extracted = extractor(extracted, **kwargs)
        result = self.verifier.verify(question, extracted, ground_truth, **kwargs)
        result.metadata["raw_prediction"] = prediction
        result.metadata["extracted_prediction"] = extracted
        return result

    __call__ = verify

from __future__ import annotations

import pytest

from pytest_evalkit.compat.judges import (
    JudgeUnavailableError,
    Request,
    ServerConfig,
    get_server,
    unavailable,
)
from pytest_evalkit.compat.verifiers import (
    JudgeVerifier,
    StripReasoningExtractor,
    VerificationPipeline,
    Verifier,
    VerifyResult,
)


class Exact(Verifier):
    def verify(
        self, question: str, prediction: str, ground_truth: str, **kwargs: object
    ) -> VerifyResult:
        is_correct = prediction == ground_truth
        return VerifyResult(score=float(is_correct), is_correct=is_correct)


def test_a_judge_is_made_and_refuses_every_question() -> None:
    server = get_server("openai", ServerConfig(model_name="gpt-4o", max_tokens=7))

    assert server.config.max_tokens == 7
    assert not server.is_available()
    for name in ("evaluate", "evaluate_binary", "evaluate_comparative"):
        with pytest.raises(JudgeUnavailableError, match="judges are not available yet"):
            getattr(server, name)(Request(messages=[]))
    with pytest.raises(AttributeError, match="a judge has no 'client'"):
        _ = server.client


def test_no_task_can_mistake_a_missing_judge_for_a_wrong_answer() -> None:
    def process_results() -> float:
        try:
            unavailable()
        except Exception:  # noqa: BLE001 - as tasks do
            return 0.0

    with pytest.raises(JudgeUnavailableError):
        process_results()


def test_a_verifier_with_a_judge_is_made_and_refuses() -> None:
    pipeline = VerificationPipeline(
        extractors=[StripReasoningExtractor()],
        verifier=JudgeVerifier(model="gpt-4o", response_format="binary"),
    )

    with pytest.raises(JudgeUnavailableError):
        pipeline("question", "answer", "truth")


def test_a_pipeline_extracts_before_it_verifies() -> None:
    pipeline = VerificationPipeline([StripReasoningExtractor()], Exact())

    result = pipeline("q", "<think>hm</think>4", "4")

    assert result.is_correct
    assert result.metadata == {
        "raw_prediction": "<think>hm</think>4",
        "extracted_prediction": "4",
    }
    assert StripReasoningExtractor()(None) == ""


def test_a_pipeline_needs_a_verifier() -> None:
    with pytest.raises(ValueError, match="needs a verifier"):
        VerificationPipeline([])

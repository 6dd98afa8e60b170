"""Judges of lmms-eval: they can be named and made, but nobody can be asked yet.

Many task modules make one while they are imported, whether or not they ask it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn


class JudgeUnavailableError(BaseException):
    """A task asked a judge.

    It is none of the exceptions that tasks catch and turn into a score of zero.
    """


def unavailable(*_args: Any, **_kwargs: Any) -> NoReturn:
    """Refuse to judge.

    Raises:
        JudgeUnavailableError: Always.
    """
    raise JudgeUnavailableError("asks a judge model, and judges are not available yet")


@dataclass
class ServerConfig:
    """How a judge is to be asked.

    Attributes:
        model_name: The judge.
        temperature: Of its answers.
        max_tokens: The length of an answer.
        top_p: Nucleus sampling, or None for all tokens.
        timeout: Seconds to wait for an answer.
        num_retries: How often to ask again.
        retry_delay: Seconds in between.
        max_concurrent: Requests at once.
        system_prompt: Said before everything else, or None.
        response_format: ``json``, ``text`` or None.
        judge_type: ``general``, ``binary``, ``score`` or ``comparative``.
        output_format: ``0/1``, ``yes/no`` or None.
        score_range: The lowest and the highest score, or None.
        evaluation_criteria: What to look at, or None.
    """

    model_name: str
    temperature: float = 0.0
    max_tokens: int = 1024
    top_p: float | None = None
    timeout: int = 60
    num_retries: int = 5
    retry_delay: float = 10
    max_concurrent: int = 10
    system_prompt: str | None = None
    response_format: str | None = None
    judge_type: str = "general"
    output_format: str | None = None
    score_range: tuple[float, float] | None = None
    evaluation_criteria: dict[str, Any] | None = None


@dataclass
class Request:
    """What a judge is asked.

    Attributes:
        messages: The conversation.
        images: Images that belong to it, or None.
        config: How to ask, or None for how the server asks.
        question: What the model was asked.
        answer: The right answer.
        prediction: The answer of the model.
        context: What else belongs to it.
        options: The choices.
        response1: The first of two answers to compare.
        response2: The second one.
        custom_prompt: A prompt instead of the judge's own.
        prompt_kwargs: What it is filled with.
    """

    messages: list[dict[str, Any]]
    images: list[Any] | None = None
    config: ServerConfig | None = None
    question: str | None = None
    answer: str | None = None
    prediction: str | None = None
    context: str | None = None
    options: list[str] | None = None
    response1: str | None = None
    response2: str | None = None
    custom_prompt: str | None = None
    prompt_kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass
class Response:
    """What a judge answers.

    Attributes:
        content: The text.
        model_used: The judge.
        usage: Its tokens, or None.
        raw_response: What the endpoint sent, or None.
        parsed_result: The verdict, or None.
        success: Whether there is one.
        error_message: Why there is none, or None.
    """

    content: str
    model_used: str
    usage: dict[str, int] | None = None
    raw_response: Any = None
    parsed_result: Any = None
    success: bool = True
    error_message: str | None = None


class ServerInterface:
    """A judge.

    Attributes:
        config: How it is to be asked.
    """

    def __init__(self, config: ServerConfig | None = None) -> None:
        self.config = config or ServerConfig(model_name="gpt-4")

    def is_available(self) -> bool:
        """Tell that nobody can be asked."""
        return False

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        """Offer every way to ask; each refuses."""
        if name.startswith("evaluate"):
            return unavailable
        raise AttributeError(f"a judge has no {name!r}")


def get_server(server_name: str, config: ServerConfig | None = None) -> ServerInterface:
    """Make a judge that refuses to judge.

    Args:
        server_name: Where the judge is, such as ``openai`` or ``azure``.
        config: How it is to be asked.
    """
    del server_name
    return ServerInterface(config)

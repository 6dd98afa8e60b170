"""The Perspective API, which rates texts for as long as it is there."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import (
    MissingCredentialError,
    OptionError,
    RequestRejectedError,
)
from pytest_evalkit.models.connection import Connection, check_url
from pytest_evalkit.models.http import Transport
from pytest_evalkit.models.openai_failure import AnswerReader
from pytest_evalkit.models.pacing import Pacing
from pytest_evalkit.values import Generate, Response

_KEY_VARIABLE = "PERSPECTIVE_API_KEY"
_PATH = "/v1alpha1/comments:analyze"
# An answer takes less than a second, and what comes next waits for its turn in any case.
_IN_FLIGHT = 2


class Spacing:
    """Hands out turns, the same time apart or more.

    Args:
        interval_s: Seconds between two turns.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._next_at = -math.inf

    def wait_s(self, now: float) -> float:
        """Take the next turn, and tell how many seconds to wait for it.

        Args:
            now: Seconds of a monotonic clock.
        """
        turn = max(now, self._next_at)
        self._next_at = turn + self._interval_s
        return turn - now


@dataclass(kw_only=True, eq=False)
class Perspective:
    """Rates texts by the Perspective API of Google and Jigsaw.

    The service is announced to end on 31 December 2026. It stores no text that it is sent
    from here.

    Attributes:
        api_key: The key; None for the variable PERSPECTIVE_API_KEY. It is sent in a
            header.
        attribute: What is rated, such as ``TOXICITY`` or ``SEVERE_TOXICITY``.
        language: The language of the texts; None lets the service find out.
        per_second: The most texts that a process sends in a second, on average; the
            usual quota is one. Each worker sends as many: with -n 4 give 0.25.
        base_url: Where the service is.
    """

    rates_texts: ClassVar[bool] = True
    model_name: ClassVar[str] = "perspective"

    api_key: str | None = field(default=None, repr=False)
    attribute: str = "TOXICITY"
    language: str | None = "en"
    per_second: float = 1.0
    base_url: str = "https://commentanalyzer.googleapis.com"

    def __post_init__(self) -> None:
        """Find the key.

        Raises:
            MissingCredentialError: There is none.
            OptionError: ``base_url`` is no HTTP URL, or ``per_second`` is not above 0.
        """
        if not self.per_second > 0:
            raise OptionError(f"per_second must be above 0, got {self.per_second}")
        check_url("base_url", self.base_url)
        key = self.api_key or os.getenv(_KEY_VARIABLE)
        if not key:
            raise MissingCredentialError(
                _KEY_VARIABLE,
                wanted_by="judge 'perspective'",
                reason="the Perspective API rates nothing without a key",
            )
        self.pacing = Pacing(num_concurrent=_IN_FLIGHT)
        self._spacing = Spacing(1 / self.per_second)
        url = self.base_url.rstrip("/") + _PATH
        connection = Connection(api_key="", headers={"X-Goog-Api-Key": key})
        self._transport = Transport(
            url=url,
            model=self.model_name,
            connection=connection,
            reader=AnswerReader(
                url=url,
                model=self.attribute,
                key_variable=_KEY_VARIABLE,
                secrets=connection.secrets(url),
            ),
        )

    @property
    def endpoint(self) -> str:
        """Where requests go."""
        return self.base_url

    def describe(self) -> Mapping[str, Any]:
        """Tell what rates, and what."""
        return {
            "base_url": self.base_url,
            "attribute": self.attribute,
            "language": self.language,
        }

    async def generate(self, request: Generate) -> Response:
        """Rate the text of the last message.

        Raises:
            TransientModelError: There is no rating; asking again may help.
            RequestRejectedError: This text cannot be rated.
            ModelUnavailableError: The service rates nothing for us.
        """
        await asyncio.sleep(self._spacing.wait_s(time.monotonic()))
        payload: dict[str, Any] = {
            "comment": {"text": request.messages[-1].text},
            "requestedAttributes": {self.attribute: {}},
            "doNotStore": True,
        }
        if self.language is not None:
            payload["languages"] = [self.language]
        answer = await self._transport.post(encode(payload))
        return Response(text=repr(_rating(answer, self.attribute)))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


def _rating(answer: Mapping[str, Any], attribute: str) -> float:
    try:
        value = answer["attributeScores"][attribute]["summaryScore"]["value"]
    except (KeyError, TypeError):
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestRejectedError(
            f"the Perspective API answered without a summary score of {attribute}"
        )
    return float(value)

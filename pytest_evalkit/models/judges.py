"""Judges by name: any model that writes, or what rates texts and writes none."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pytest_evalkit.errors import OptionError, RequestRejectedError
from pytest_evalkit.models.backend import Backend, CountingBackend
from pytest_evalkit.models.registry import BACKENDS, JUDGE, construct, made_by
from pytest_evalkit.naming import suggestion
from pytest_evalkit.values import Generate, Response

# References, not classes: as those of models.
RATERS: Mapping[str, str] = {
    "classifier": "pytest_evalkit.models.local.classifier:Classifier",
    "perspective": "pytest_evalkit.models.perspective:Perspective",
}


class FunctionJudge:
    """Rates a text by a function of the user's own, which gives a number from 0 to 1.

    Args:
        function: The function. It is called outside the event loop, by several threads.
        reference: What the user called it.
    """

    rates_texts: ClassVar[bool] = True

    def __init__(self, function: Callable[[str], Any], reference: str) -> None:
        self.model_name = reference
        self._function = function

    def describe(self) -> Mapping[str, Any]:
        """Tell which function rates."""
        return {"function": self.model_name}

    async def generate(self, request: Generate) -> Response:
        """Rate the text of the last message.

        Raises:
            RequestRejectedError: The function raises.
        """
        text = request.messages[-1].text
        try:
            value = await asyncio.to_thread(self._function, text)
        # A user's function may raise anything, and only this text is at fault.
        except Exception as error:
            raise RequestRejectedError(
                f"{self.model_name} raised {type(error).__name__}: {error}"
            ) from error
        return Response(text=str(value))

    async def aclose(self) -> None:
        """Do nothing: there is nothing to give back."""


def make_judge(name: str, args: Mapping[str, Any]) -> Backend:
    """Make a judge.

    Args:
        name: A name in ``RATERS`` or in ``BACKENDS``; or ``package.module:name`` of a
            class of backends, or of a function from a text to a number.
        args: Keyword arguments of its constructor; a function has none.

    Raises:
        OptionError: There is no such judge, or it does not take these arguments.
        MissingPackageError: It needs a package that is not installed.
        MissingCredentialError: It needs a credential that is not set.
    """
    known = {**BACKENDS, **RATERS}
    if name not in known and ":" not in name:
        raise OptionError(
            f"unknown judge {name!r}; {suggestion(name, known)} (your own is "
            "written package.module:name)"
        )
    role = JUDGE.called(name)
    factory = made_by(known.get(name, name), role)
    if not inspect.isfunction(factory):
        judge = construct(factory, args, role)
        if isinstance(judge, CountingBackend) and judge.counts_tokens:
            raise OptionError(
                f"{role.title} takes no counting_tokenizer: tokens are counted of the "
                f"model's requests alone; leave it out of {role.option}"
            )
        return judge
    if args:
        raise OptionError(f"{role.title} is a function, which takes no {role.option}")
    return FunctionJudge(factory, name)

"""The judge that the options name: what scorers ask, and what needs are met by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_evalkit.engine import Model
from pytest_evalkit.engine.model import RunCoroutine
from pytest_evalkit.errors import (
    MissingCredentialError,
    MissingPackageError,
    OptionError,
)
from pytest_evalkit.evaluate import Judge
from pytest_evalkit.models.arguments import parse_model_args
from pytest_evalkit.models.backend import Backend, rates_texts
from pytest_evalkit.models.judges import make_judge
from pytest_evalkit.models.launching import ServedBackend
from pytest_evalkit.plugin.options import RunOptions
from pytest_evalkit.plugin.pace import Pace
from pytest_evalkit.results.secrets import without_secrets

_NEED = "judge"
_NO_JUDGE = "no judge is named; name one with --judge"


class RunJudge:
    """The judge of one process's part of a run, or why there is none.

    Args:
        options: What the user asked for.
        has_workers: Whether several processes would have one each.

    Raises:
        OptionError: There is no such judge, or it does not take these arguments.
    """

    def __init__(self, options: RunOptions, *, has_workers: bool) -> None:
        self._backend: Backend | None = None
        self._reason = _NO_JUDGE
        self._model: Model | None = None
        if options.judge is None:
            if options.judge_args:
                raise OptionError("--judge-args needs --judge NAME")
            return
        try:
            self._backend = make_judge(
                options.judge, parse_model_args(options.judge_args)
            )
        except (MissingPackageError, MissingCredentialError) as error:
            # What is not there here may be there elsewhere: as with any other need.
            self._reason = str(error)
            return
        _require_place(options.judge, self._backend, has_workers=has_workers)

    def unmet(self, needs: Sequence[str]) -> str | None:
        """Say why documents of a task cannot be scored here; None where they can.

        Args:
            needs: What the task needs.
        """
        if not needs:
            return None
        others = [need for need in needs if need != _NEED]
        if others:
            return f"needs {', '.join(others)}: not available here"
        if _NEED in needs and self._backend is None:
            return f"needs a judge: {self._reason}"
        return None

    def judge(self, pace: Pace, run: RunCoroutine) -> Judge | None:
        """Get whom scorers ask; None where nobody judges.

        Args:
            pace: Makes what sends the questions.
            run: Runs a coroutine from synchronous code.

        Raises:
            OptionError: The price table does not have the judge.
        """
        backend = self._backend
        if backend is None:
            return None
        if self._model is None:
            # A cache of the model's answers is of use without the judge's.
            self._model = Model(pace.engine(backend, is_judge=True), run)
        return Judge(
            backend.model_name, self._model.answer, rates_texts=rates_texts(backend)
        )

    def described(self) -> Mapping[str, Any] | None:
        """Tell for the record who judges; None where nobody was asked."""
        if self._model is None:
            return None
        backend = self._model.backend
        return {
            "kind": "judge",
            "name": backend.model_name,
            "description": without_secrets(backend.describe()),
        }

    async def aclose(self) -> None:
        """Give back what the judge holds."""
        if self._model is not None:
            await self._model.backend.aclose()


def _require_place(name: str, backend: Backend, *, has_workers: bool) -> None:
    """Refuse a judge that would have to be started, or be there once per worker."""
    if isinstance(backend, ServedBackend) and backend.needs_server:
        raise OptionError(
            f"judge {name!r} is a server that has to run already; give its base_url in "
            "--judge-args"
        )
    if has_workers and getattr(backend, "is_local", False):
        raise OptionError(
            f"judge {name!r} is loaded into the process that asks it, and each worker "
            "would load one; leave -n out, or serve it and name it as --judge openai"
        )

"""Self-test of chance: what answers get that know the options and nothing else.

Where the options of a question are known, so is the share of answers that are right by
chance: a constant is right where it is the target, and a draw of n options one time in
n, within the spread of the binomial distribution.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.evaluate.selftest_subject import (
    InapplicableError,
    Subject,
    UnmetError,
)
from pytest_evalkit.evaluate.trial import Trial, attempt
from pytest_evalkit.models.chance import Constant, Random
from pytest_evalkit.scoring.reasoned import FORMAT
from pytest_evalkit.tasks import Prepared
from pytest_evalkit.values import Generate, Response

# So many answers are drawn at least, of each document as often as another.
_DRAWS = 400
_MOST_OF_EACH = 40
# A sound task fails by chance once in 15,000 times; and the draws are always the same.
_DEVIATIONS = 4.0
# Constants that are tried: more options than these are no options but a vocabulary.
_MOST_CONSTANTS = 26
_YES_NO = frozenset({"yes", "no"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """A closed question.

    Attributes:
        options: The answers it has, by what they are called: how each is said.
        right: What the right ones are called.
    """

    options: Mapping[str, str]
    right: frozenset[str]

    @property
    def chance(self) -> float:
        """The share of its options that are right."""
        return len(self.right) / len(self.options)


class _Said(Constant):
    """Answers to each document what it is told to."""

    def __init__(self, answers: Mapping[int, str]) -> None:
        super().__init__()
        self._answers = answers

    async def generate(self, request: Generate) -> Response:
        """Answer what was said to."""
        assert request.origin is not None
        text = self._answers[request.origin.doc_id]
        return Response(text=text, finish_reason="stop")


def check_chance(subject: Subject) -> None:
    """Let constant and random answers get what chance gives.

    ``metadata.chance`` says another level for a metric, or ``false``: there is none.

    Raises:
        UnmetError: They get something else.
        InapplicableError: Chance has no level that could be computed.
    """
    subject.require_scorer()
    declared = subject.expectation("chance")
    if declared is False:
        raise InapplicableError("metadata.chance says that there is none")
    if not subject.is_generation:
        _check_likelihoods(subject)
        return
    questions = _questions(subject)
    if not questions:
        raise InapplicableError("the questions are open: no options, no yes or no")
    judged = _judged(subject, subject.solved(), questions)
    if not judged:
        raise InapplicableError("no metric is 1 for each right answer")
    levels = declared if isinstance(declared, Mapping) else {}
    _check_silence(subject, judged)
    _check_constants(subject, questions, judged - levels.keys())
    _check_draws(subject, questions, judged, levels)


def _questions(subject: Subject) -> dict[int, _Question]:
    """Find the closed questions among the documents."""
    opened = subject.opened
    prepared = {doc_id: opened.prepare(doc_id) for doc_id in subject.doc_ids}
    targets = [one.target for one in prepared.values()]
    is_yes_no = all(_called(target) in _YES_NO for target in targets)
    common = {_called(t): str(t) for t in targets} if is_yes_no else {}
    found = {}
    for doc_id, one in prepared.items():
        said = {_called(text): text for text in one.choices} or common
        question = _question(one, said)
        if question is not None:
            found[doc_id] = question
    return found


def _question(prepared: Prepared, said: Mapping[str, str]) -> _Question | None:
    """Make a closed question; None where it cannot be known how options are said."""
    targets = prepared.key.target
    if not isinstance(targets, list | tuple):
        targets = [targets]
    right = frozenset(map(_called, targets)) & said.keys()
    if not right or len(said) <= len(right):
        return None
    (request,) = prepared.requests
    ideal = None if request.origin is None else request.origin.ideal
    if ideal is None:
        return _Question(options=dict(said), right=right)
    gold = said[min(right)]
    if ideal.count(gold) != 1:
        return None
    phrases = {name: ideal.replace(gold, text) for name, text in said.items()}
    return _Question(options=phrases, right=right)


def _called(target: Any) -> str:
    """Name an option as both the options and the target may write it."""
    return str(target).strip().rstrip(".").casefold()


def _judged(
    subject: Subject, solved: Trial, questions: Mapping[int, _Question]
) -> frozenset[str]:
    """Name the metrics, with their filters, that are 1 for every right answer.

    What the form of an answer is worth says nothing of its being right.
    """
    is_reasoned = subject.opened.task.scoring.reasoned is not None
    return frozenset(
        f"{name},{pipeline}"
        for (pipeline, name), values in solved.values().items()
        if not (is_reasoned and name == FORMAT)
        and (own := [values[doc_id] for doc_id in values if doc_id in questions])
        and all(_score(subject, value) == 1 for value in own)
    )


def _score(subject: Subject, value: Any) -> float | None:
    """Read what a document scored; None where that is no number."""
    if isinstance(value, Mapping):
        value = value.get(subject.opened.task.scoring.score_key)
    return float(value) if isinstance(value, int | float) else None


def _scores(
    subject: Subject, trial: Trial, judged: Iterable[str]
) -> dict[str, dict[int, float]]:
    """Read what each document scored in each metric; a failure to score is unmet."""
    for doc_id, reason in trial.failures.items():
        raise UnmetError(f"{subject.named(doc_id)}: {reason}")
    names = frozenset(judged)
    return {
        key: {
            doc_id: score
            for doc_id, value in values.items()
            if (score := _score(subject, value)) is not None
        }
        for (pipeline, name), values in trial.values().items()
        if (key := f"{name},{pipeline}") in names
    }


def _try(
    subject: Subject, answers: Mapping[int, str], judged: Iterable[str]
) -> dict[str, dict[int, float]]:
    trial = attempt(subject.opened, answers, _Said(answers), subject.tags)
    return _scores(subject, trial, judged)


def _check_silence(subject: Subject, judged: Iterable[str]) -> None:
    scores = _scores(subject, subject.tried_first(Constant()), judged)
    for key, by_document in scores.items():
        for doc_id, score in by_document.items():
            if score:
                raise UnmetError(
                    f"{key}: {subject.named(doc_id)} gives {score:g} for an empty answer"
                )


def _check_constants(
    subject: Subject, questions: Mapping[int, _Question], judged: Iterable[str]
) -> None:
    names = list(dict.fromkeys(n for one in questions.values() for n in one.options))
    for name in names[:_MOST_CONSTANTS]:
        asked = {
            doc_id: question.options[name]
            for doc_id, question in questions.items()
            if name in question.options
        }
        for key, by_document in _try(subject, asked, judged).items():
            for doc_id, score in by_document.items():
                expected = float(name in questions[doc_id].right)
                if score != expected:
                    raise UnmetError(
                        f"{key}: {subject.named(doc_id)} gives {score:g} for the answer "
                        f"{asked[doc_id]!r}, whose right score is {expected:g} (where "
                        "that is meant, say metadata.chance: false)"
                    )


def _check_draws(
    subject: Subject,
    questions: Mapping[int, _Question],
    judged: Iterable[str],
    levels: Mapping[str, float],
) -> None:
    drawn: dict[str, list[float]] = {}
    chances: dict[str, list[float]] = {}
    for turn in range(min(_MOST_OF_EACH, math.ceil(_DRAWS / len(questions)))):
        asked = {
            doc_id: _draw(subject, doc_id, turn, list(question.options.values()))
            for doc_id, question in questions.items()
        }
        for key, by_document in _try(subject, asked, judged).items():
            level = levels.get(key, levels.get(key.partition(",")[0]))
            for doc_id, score in by_document.items():
                own = questions[doc_id].chance
                drawn.setdefault(key, []).append(score)
                chances.setdefault(key, []).append(own if level is None else level)
    for key, scores in drawn.items():
        _require_near(key, scores, chances[key])


def _draw(subject: Subject, doc_id: int, turn: int, options: Sequence[str]) -> str:
    """Draw an option by the task, the document and the turn alone."""
    place = f"{subject.opened.task.name}\0{doc_id}\0{turn}"
    digest = hashlib.sha256(place.encode(errors="surrogatepass")).digest()
    return options[int.from_bytes(digest[:8]) % len(options)]


def _require_near(key: str, scores: Sequence[float], chances: Sequence[float]) -> None:
    """Compare a mean with its expectation, by the deviation of the binomial."""
    count = len(scores)
    reached, expected = sum(scores) / count, sum(chances) / count
    deviation = math.sqrt(sum(p * (1 - p) for p in chances)) / count
    if abs(reached - expected) > _DEVIATIONS * deviation + 1e-9:
        raise UnmetError(
            f"{key}: {count} random answers get {reached:.3f}, but chance is "
            f"{expected:.3f} ± {deviation:.3f} (another level is said in "
            "metadata.chance)"
        )


def _check_likelihoods(subject: Subject) -> None:
    """Let random likelihoods choose the right one as often as chance does.

    Of the metrics only ``acc`` compares likelihoods as they are.
    """
    opened = subject.opened
    sizes = [len(opened.prepare(doc_id).choices) for doc_id in subject.doc_ids]
    if opened.task.output_type != "multiple_choice" or min(sizes) < 1:
        raise InapplicableError("there are no options to choose from")
    key = f"acc,{opened.task.scoring.pipelines[0].name}"
    drawn: list[float] = []
    for seed in range(min(_MOST_OF_EACH, math.ceil(_DRAWS / len(sizes)))):
        trial = subject.tried(Random(seed=seed))
        drawn.extend(_scores(subject, trial, [key]).get(key, {}).values())
    if not drawn:
        raise InapplicableError("the task has no metric acc")
    chances = [1 / size for size in sizes] * (len(drawn) // len(sizes))
    _require_near(key, drawn, chances)

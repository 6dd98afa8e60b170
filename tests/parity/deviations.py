"""Where this package differs from lm-eval on purpose; anything else is a fault.

The tests demand that each is still a difference, and docs/reference/parity.md lists
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

MODES = ("fixed", "strict")


class Deviation(NamedTuple):
    """A difference that is meant.

    Attributes:
        ours: What this package does.
        theirs: What lm-eval does.
        reason: Why.
        modes: The values of ``--compat`` under which it holds.
        shown_by: Tasks of the suite that show it, each with the aspect that differs
            first, in the order of ``ASPECTS``; ``refused`` where this package reports
            an error and ``failed`` where the reference does.
    """

    ours: str
    theirs: str
    reason: str
    modes: tuple[str, ...]
    shown_by: Mapping[str, str]


DEVIATIONS: tuple[Deviation, ...] = (
    Deviation(
        "A document is never among its own examples.",
        "Where a task names no split for examples but evaluates the only one there is, "
        "a document may be shown with its answer.",
        "The answer would stand in the prompt.",
        ("fixed",),
        {
            "own_leaking_shots": "prompts",
            "real_anagrams": "prompts",
            "real_lambada_cloze": "prompts",
        },
    ),
    Deviation(
        "Whether a document has one right answer or several is read from it.",
        "The first document decides for all; later texts are then taken apart into "
        "letters.",
        "Right answers would be counted as wrong.",
        ("fixed",),
        {"own_mixed_targets": "values"},
    ),
    Deviation(
        "Each metric gets the answer.",
        "With several right answers, metrics listed after `exact_match` get a list that "
        "repeats the answer.",
        "They compare texts, and a list is equal to none.",
        ("fixed",),
        {"own_two_metrics": "values"},
    ),
    Deviation(
        "A single word that names no column is an error, with the nearest column.",
        "It is the text itself, for every document.",
        "A misspelt column would score zero without a word.",
        ("fixed",),
        {"own_misspelt_column": "refused"},
    ),
    Deviation(
        "A choice of one letter or digit has to stand alone to be found by "
        "`multi_choice_regex`.",
        "It is found within words.",
        "The first letter of any word would be an answer.",
        ("fixed",),
        {"own_single_letters": "values"},
    ),
    Deviation(
        "`acc_mutual_info` is right where one of several right choices is chosen.",
        "It stops with an error where there are several.",
        "So are the other accuracies.",
        MODES,
        {"own_mutual_accepted": "failed"},
    ),
    Deviation(
        "An example with several right choices shows the first of them.",
        "It stops with an error.",
        "It does so where the right answers are texts.",
        ("fixed",),
        {"own_accepted_shots": "failed"},
    ),
    Deviation(
        "A label that none of the choices has is an error of its document.",
        "It scores 0, and by `exact_match` a negative one is the last choice.",
        "Data sets mark unlabelled documents by -1, which nobody answered wrongly.",
        ("fixed",),
        {"own_unlabelled": "refused", "own_digit_column": "refused"},
    ),
    Deviation(
        "`fewshot_indices` chooses the examples.",
        "It has no effect.",
        "No option is accepted and ignored.",
        ("fixed",),
        {"own_indices": "prompts"},
    ),
    Deviation(
        "A task that limits no tokens leaves the limit to the model's arguments.",
        "Its models generate at most 256 tokens.",
        "Answers that reason first would be cut off before they answer.",
        ("fixed",),
        {},
    ),
    Deviation(
        "`--system-instruction` makes a system message, with the task's description, "
        "where text is generated.",
        "Without a chat template both are the beginning of the prompt.",
        "Endpoints take messages, and put them into the template of the model.",
        MODES,
        {},
    ),
    Deviation(
        "A function filter gets the answers of one document.",
        "It gets those of all documents together.",
        "Documents are scored as they are answered, on several workers, and after an "
        "interruption.",
        MODES,
        {"own_counting_filter": "values"},
    ),
    Deviation(
        "Thoughts in `<think>` or `<analysis>` tags are taken out before filters see "
        "an answer.",
        "They are part of the answer.",
        "Numbers and letters of a thought are not the answer; `reasoning_tags: false` "
        "in the task, or `--reasoning-tags none`, keeps them.",
        MODES,
        {"own_thoughts": "values"},
    ),
)


def deviation(task: str, mode: str) -> str | None:
    """Tell in which aspect first a task is meant to differ; None where in none."""
    for each in DEVIATIONS:
        if mode in each.modes and task in each.shown_by:
            return each.shown_by[task]
    return None

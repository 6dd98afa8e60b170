from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError, ScoringError
from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.scoring import (
    CONVERSATION,
    AnswerKey,
    TurnAnswer,
    TurnKey,
    build_plan,
    score_document,
)

Turns = list[TurnAnswer | None]


def call(name: str, arguments: str = "{}") -> ToolCallPart:
    return ToolCallPart("recorded", name, arguments)


def said(*texts: str) -> TurnKey:
    return TurnKey(texts=texts)


def calling(*calls: ToolCallPart) -> TurnKey:
    return TurnKey(texts=(), calls=calls)


def answer(text: str = "", *calls: ToolCallPart) -> TurnAnswer:
    return TurnAnswer(text=text, calls=calls)


def scored(
    metric: dict[str, Any] | str,
    keys: list[TurnKey | None],
    answers: Turns,
    filters: Any = None,
    **plan: Any,
) -> Any:
    """The value of one metric; None where the document has none."""
    entry = {"metric": metric} if isinstance(metric, str) else metric
    made = replace(build_plan(filters, [entry], None, output_type=CONVERSATION), **plan)
    (one,) = score_document(
        made, {}, AnswerKey(turns=tuple(keys)), [[each] for each in answers]
    )
    return one.metrics.get(str(entry["metric"]))


def test_the_last_turn_is_right_if_any_of_its_texts_is_said() -> None:
    keys: list[TurnKey | None] = [said("a"), said("At 9", "at nine")]

    assert scored("last_turn_match", keys, [answer("b"), answer("at nine")]) == 1.0
    assert scored("last_turn_match", keys, [answer("a"), answer("AT NINE")]) == 0.0
    loose = {"metric": "last_turn_match", "ignore_case": True}
    assert scored(loose, keys, [answer("a"), answer("AT NINE")]) == 1.0


def test_a_last_turn_that_nobody_answers_is_no_score() -> None:
    with pytest.raises(ScoringError, match="nobody says what is right for the last"):
        scored("last_turn_match", [said("a"), None], [answer("a"), answer("b")])


def test_turns_without_a_right_text_have_no_part_in_their_mean() -> None:
    keys = [said("a"), None, calling(call("f")), said("d")]
    answers: Turns = [answer("a"), answer("x"), answer("x"), answer("no")]

    assert scored("per_turn_match", keys, answers) == 0.5


def test_tools_are_compared_by_names_or_with_their_arguments() -> None:
    keys: list[TurnKey | None] = [
        calling(call("f", '{"x": 1, "y": [2]}')),
        calling(call("g"), call("h")),
        said("done"),
    ]
    answers: Turns = [
        answer("", call("f", '{"y":[2],"x":1.0}')),
        answer("", call("h"), call("g")),
        answer("done", call("f")),
    ]
    by_names = {"metric": "tool_call_match", "compare": "names"}
    in_order = {"metric": "tool_call_match", "ordered": True}

    # A call where none is to be made is wrong in any case.
    assert scored("tool_call_match", keys, answers) == pytest.approx(2 / 3)
    assert scored(by_names, keys, answers) == pytest.approx(2 / 3)
    assert scored(in_order, keys, answers) == pytest.approx(1 / 3)


def test_actions_of_all_turns_are_compared_as_multisets() -> None:
    keys: list[TurnKey | None] = [
        calling(call("bash", '{"command": "cd /src && grep x *.py | head"}')),
        calling(call("bash", '{"command": "sed -n 1p a"}')),
    ]
    answers: Turns = [
        answer("", call("bash", '{"command": "grep y b"}')),
        answer("", call("bash", '{"command": "cat a; sed 1p a"}')),
    ]
    programs = {"metric": "action_overlap", "actions": "programs"}
    names = {"metric": "action_overlap", "actions": "names"}

    # In common grep and sed; in either cd, grep, head, sed and cat.
    assert scored(programs, keys, answers) == pytest.approx(2 / 5)
    assert scored(names, keys, answers) == 1.0
    assert scored("action_overlap", keys, answers) == 0.0


def test_actions_that_cannot_be_read_are_actions_of_their_own() -> None:
    keys: list[TurnKey | None] = [calling(call("bash", '{"command": "ls"}'))]
    programs = {"metric": "action_overlap", "actions": "programs"}

    assert scored(programs, keys, [answer("", call("bash", "{not json"))]) == 0.0
    assert scored("action_overlap", keys, [answer("", call("bash", "{no"))]) == 0.0


@pytest.mark.parametrize(
    ("said_or_called", "share"),
    [(answer("x"), 1.0), (answer(" \n"), 0.5), (answer("", call("f")), 1.0)],
)
def test_a_turn_is_answered_by_words_or_calls(
    said_or_called: TurnAnswer, share: float
) -> None:
    assert (
        scored("answered_turns", [None, None], [answer("x"), said_or_called]) == share
    )


@pytest.mark.parametrize(
    ("metric", "excluded", "zero"),
    [
        ("last_turn_match", None, 0.0),
        ("per_turn_match", 1.0, 0.5),
        ("tool_call_match", 1.0, 0.5),
        ("answered_turns", 1.0, 0.5),
    ],
)
def test_a_turn_without_an_answer_is_left_out_or_worth_nothing(
    metric: str, excluded: float | None, zero: float
) -> None:
    keys: list[TurnKey | None] = [said("a"), said("b")]
    answers: Turns = [answer("a"), None]

    assert scored(metric, keys, answers, missing="exclude") == excluded
    assert scored(metric, keys, answers, missing="zero") == zero


def test_what_should_have_been_done_in_a_turn_without_an_answer() -> None:
    keys: list[TurnKey | None] = [calling(call("f")), calling(call("g"))]
    answers: Turns = [answer("", call("f")), None]

    assert scored("action_overlap", keys, answers, missing="exclude") == 1.0
    assert scored("action_overlap", keys, answers, missing="zero") == 0.5
    assert scored("action_overlap", keys, [None, None], missing="zero") == 0.0
    assert scored("action_overlap", keys, [None, None], missing="exclude") is None


def test_filters_see_the_text_of_each_turn() -> None:
    filters = [
        {
            "name": "number",
            "filter": [
                {"function": "regex", "regex_pattern": r"(\d+)"},
                {"function": "take_first"},
            ],
        }
    ]
    plan = build_plan(
        filters, [{"metric": "per_turn_match"}], None, output_type=CONVERSATION
    )

    (one,) = score_document(
        plan,
        {},
        AnswerKey(turns=(said("7"), said("8"))),
        [[answer("it is 7.")], [None]],
    )

    assert one.filtered == ["7", None]
    assert one.metrics == {"per_turn_match": 1.0}


def test_a_scorer_of_the_task_sees_every_turn() -> None:
    seen: list[Any] = []

    def process_results(doc: Any, results: list[Any]) -> dict[str, float]:
        seen.append((doc, results))
        return {"own": 0.25}

    plan = build_plan(
        None, [{"metric": "own"}], process_results, output_type=CONVERSATION
    )
    (one,) = score_document(
        plan,
        {"k": 1},
        AnswerKey(turns=(None, None)),
        [[answer("a", call("f"))], [None]],
    )

    assert one.metrics == {"own": 0.25}
    calls = [{"id": "recorded", "name": "f", "arguments": "{}"}]
    assert seen == [
        (
            {"k": 1},
            [{"text": "a", "tool_calls": calls}, {"text": None, "tool_calls": []}],
        )
    ]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"metric": "exact_match"}, "'exact_match' does not score conversations"),
        ({"metric": "per_turn_mach"}, "did you mean 'per_turn_match'"),
        ({"metric": print}, "'print' does not score conversations"),
        (
            {"metric": "tool_call_match", "compare": "name"},
            "compare of metric 'tool_call_match' is 'name'; did you mean 'names'",
        ),
        (
            {"metric": "tool_call_match", "ignore_case": True},
            "'tool_call_match' has no argument 'ignore_case'",
        ),
        (
            {"metric": "last_turn_match", "ignore_cas": True},
            "has no argument 'ignore_cas'; did you mean 'ignore_case'",
        ),
    ],
)
def test_a_metric_that_cannot_score_conversations_is_refused(
    entry: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message.replace("(", r"\(")):
        build_plan(None, [entry], None, output_type=CONVERSATION)

from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.conversations import ConversationError, recorded_prompts
from pytest_evalkit.errors import DatasetError, TaskError
from pytest_evalkit.messages import to_openai_messages
from pytest_evalkit.tasks import (
    Catalogue,
    ConversationPlan,
    DataSources,
    OpenedTask,
    Sizes,
    TaskSettings,
    sizes_of,
)
from pytest_evalkit.values import Generate
from tests.unit.tasks.conftest import TaskFolder

TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ROWS: list[dict[str, Any]] = [
    {
        "conversation_id": "a",
        "turn": 1,
        "role": "user",
        "content": "hi",
        "system": "S",
        "tools": [TOOL],
        "topic": "greeting",
    },
    {"conversation_id": "a", "turn": 2, "role": "assistant", "tool_calls": [CALL]},
    {
        "conversation_id": "a",
        "turn": 3,
        "role": "tool",
        "tool_results": [{"tool_call_id": "1", "content": "r"}],
        "temperature": 0.5,
        "target": ["yes", "aye"],
    },
    {
        "conversation_id": 2,
        "messages": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "eins"},
            {"role": "user", "content": "two"},
        ],
        "kind": "numbers",
    },
]


def keys(**more: Any) -> dict[str, Any]:
    return {
        "dataset_path": None,
        "test_split": None,
        "doc_to_text": None,
        "doc_to_target": None,
        "dataset_kwargs": {"data_files": "talk.jsonl"},
        "conversation": {},
        "metric_list": [{"metric": "answered_turns"}],
        **more,
    }


def opened(
    folder: TaskFolder,
    rows: list[dict[str, Any]] | None = None,
    settings: TaskSettings | None = None,
    **more: Any,
) -> OpenedTask:
    folder.rows("talk.jsonl", ROWS if rows is None else rows)
    return folder.open(settings, **keys(**more))


def plan_of(task: OpenedTask, index: int) -> ConversationPlan:
    plan = task.prepare(index).conversation
    assert plan is not None
    return plan


def requests_of(plan: ConversationPlan) -> list[Generate]:
    prompts = recorded_prompts(plan.conversation, plan.defaults)
    return [plan.request(prompt) for prompt in prompts]


def test_each_conversation_is_a_document_named_by_its_id(folder: TaskFolder) -> None:
    task = opened(folder)

    assert list(task.item_ids) == ["a", "2"]
    assert list(task.documents.columns) == [
        "conversation_id",
        "system",
        "turns",
        "kind",
    ]
    assert task.documents[1]["kind"] == "numbers"
    assert task.documents.column("kind") == [None, "numbers"]
    assert task.documents.column("system") == ["S", None]
    assert task.documents.folder == folder.root
    assert task.fingerprint == opened(folder).fingerprint
    assert [turn["role"] for turn in task.documents[0]["turns"]] == [
        "user",
        "assistant",
        "tool",
    ]


def test_a_document_has_all_that_its_rows_say(folder: TaskFolder) -> None:
    first, called, result = opened(folder).documents[0]["turns"]

    assert first["topic"] == "greeting"
    assert first["tools"][0]["function"]["name"] == "f"
    assert called["content"] is None
    assert called["tool_calls"] == [CALL]
    assert result["tool_results"] == [{"tool_call_id": "1", "content": "r"}]
    assert (result["temperature"], result["target"]) == (0.5, ["yes", "aye"])


@pytest.mark.parametrize(
    ("row", "change"),
    [
        (0, {"content": "hello"}),
        (0, {"system": "T"}),
        (0, {"tools": []}),
        (2, {"temperature": 0.6}),
        (2, {"target": "no"}),
        (2, {"delay_seconds": 1.5}),
    ],
)
def test_the_hash_of_a_document_covers_the_whole_conversation(
    folder: TaskFolder, row: int, change: dict[str, Any]
) -> None:
    changed = [dict(one) for one in ROWS]
    changed[row] |= change

    before = [opened(folder).prepare(n).doc_hash for n in range(2)]
    after = [opened(folder, changed).prepare(n).doc_hash for n in range(2)]

    assert before[0] != after[0]
    assert before[1] == after[1]


def test_what_is_right_is_the_target_or_what_was_said_next(folder: TaskFolder) -> None:
    task = opened(folder)

    keys_of_first, keys_of_second = plan_of(task, 0).keys, plan_of(task, 1).keys
    assert keys_of_first[0] is not None
    assert [call.name for call in keys_of_first[0].calls] == ["f"]
    assert keys_of_first[0].texts == ()
    assert keys_of_first[1] is not None
    assert keys_of_first[1].texts == ("yes", "aye")
    assert keys_of_second[0] is not None
    assert keys_of_second[0].texts == ("eins",)
    assert keys_of_second[1] is None
    calls = [{"id": "1", "name": "f", "arguments": "{}"}]
    assert task.prepare(0).target == [
        {"content": None, "tool_calls": calls},
        ["yes", "aye"],
    ]


def test_a_request_has_the_whole_prompt_and_what_the_row_says(
    folder: TaskFolder,
) -> None:
    task = opened(folder, generation_kwargs={"temperature": 0.9, "max_gen_toks": 7})

    first, second = requests_of(plan_of(task, 0))

    assert [one["role"] for one in to_openai_messages(second.messages)] == [
        *("system", "user", "assistant", "tool"),
    ]
    assert (first.parameters.temperature, second.parameters.temperature) == (0.9, 0.5)
    assert (first.parameters.max_tokens, second.parameters.max_tokens) == (7, 7)
    assert first.parameters.stop == ()
    assert [tool.name for tool in second.tools] == ["f"]
    assert second.origin is not None
    assert (second.origin.turn, second.origin.target) == (1, ["yes", "aye"])


def test_a_row_may_say_the_model_and_streaming(folder: TaskFolder) -> None:
    rows = [
        {"conversation_id": "a", "turn": 1, "role": "user", "content": "hi", "n": 1}
        | {"model": "other", "stream": True, "user": "u"}
    ]

    (request,) = requests_of(plan_of(opened(folder, rows), 0))

    assert request.parameters.extra == {"model": "other", "user": "u"}
    assert request.is_streamed is True


def test_an_instruction_stands_before_what_the_system_says(folder: TaskFolder) -> None:
    task = opened(folder, settings=TaskSettings(system_instruction="Be brief."))

    assert plan_of(task, 0).conversation.system == "Be brief.\n\nS"
    assert plan_of(task, 1).conversation.system == "Be brief."


def test_turns_after_the_last_that_may_be_are_not_planned(folder: TaskFolder) -> None:
    whole, cut = (opened(folder, conversation=c) for c in ({}, {"max_turns": 1}))

    assert [len(plan_of(task, 1).keys) for task in (whole, cut)] == [2, 1]
    # What was said next is still what is right.
    (key,) = plan_of(cut, 1).keys
    assert key is not None
    assert key.texts == ("eins",)
    assert whole.prepare(1).doc_hash == cut.prepare(1).doc_hash


def test_rows_that_a_function_makes_are_conversations_too(folder: TaskFolder) -> None:
    folder.write(
        "utils.py",
        "def talks(rows):\n"
        "    return [{'conversation_id': row['question'], 'messages':\n"
        "        [{'role': 'user', 'content': row['question']}]} for row in rows]\n",
    )
    text = """
task: sums
dataset_kwargs: {data_files: test.jsonl}
conversation: {}
process_docs: !function utils.talks
"""
    task = folder.load_text(text)

    assert list(task.open(DataSources()).item_ids) == ["1+1", "2*3", "9-4"]


PLACEHOLDER: list[dict[str, Any]] = [
    {
        "conversation_id": "a",
        "messages": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "...", "placeholder": True},
            {"role": "user", "content": "two"},
        ],
    }
]


def test_what_holds_the_place_of_an_answer_is_not_right(folder: TaskFolder) -> None:
    task = opened(folder, PLACEHOLDER, conversation={"history": "live"})

    assert plan_of(task, 0).keys == (None, None)
    assert task.prepare(0).target == [None, None]


def test_what_holds_the_place_of_an_answer_cannot_be_shown(folder: TaskFolder) -> None:
    with pytest.raises(TaskError, match=r"placeholder .*\(turn 2, line 1\), which"):
        opened(folder, PLACEHOLDER)


def test_listings_count_conversations_and_not_their_rows(folder: TaskFolder) -> None:
    folder.rows("talk.jsonl", ROWS)
    file = keys(dataset_path="json", test_split="train")
    folder.task_file(**file)
    sample = [dict(row, conversation_id=n) for n in range(3) for row in ROWS[:3]]
    folder.rows("sample/train.jsonl", sample)

    entry = Catalogue.of([folder.root]).entries.by_name["sums"]

    assert entry.output_type == "conversation"
    assert sizes_of(entry) == Sizes(documents=2, sample=3)


def test_all_problems_of_a_file_are_told_at_once(folder: TaskFolder) -> None:
    rows = [
        {"conversation_id": "a", "turn": 1, "role": "user", "content": ""},
        {"conversation_id": "a", "turn": 3, "role": "asistant", "content": "x"},
    ]

    with pytest.raises(ConversationError) as raised:
        opened(folder, rows)

    lines = str(raised.value).splitlines()
    assert "3 problems in conversations" in lines[0]
    assert "talk.jsonl:1: conversation 'a', turn 1: content" in lines[1]
    assert "talk.jsonl:2: conversation 'a', turn 3" in lines[2]


def test_one_id_in_two_files_is_refused(folder: TaskFolder) -> None:
    row = {"conversation_id": "a", "turn": 1, "role": "user", "content": "x"}
    folder.rows("one.jsonl", [row])
    folder.rows("two.jsonl", [row])

    with pytest.raises(DatasetError, match=r"two.jsonl:1: conversation 'a' is also in"):
        folder.open(**keys(dataset_kwargs={"data_files": ["one.jsonl", "two.jsonl"]}))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"n": 2}, r"turn 1 \(line 1\): n must be 1: a turn has one answer"),
        ({"target": 7}, r"turn 1 \(line 1\): target must be a text or a list of texts"),
        ({"target": []}, r"target must be a text or a list of texts, got \[\]"),
    ],
)
def test_what_no_turn_can_be_asked_is_refused_at_once(
    folder: TaskFolder, row: dict[str, Any], message: str
) -> None:
    rows = [
        {"conversation_id": "a", "turn": 1, "role": "user", "content": "x"} | row,
    ]

    with pytest.raises(DatasetError, match=message):
        opened(folder, rows)


@pytest.mark.parametrize(
    ("conversation", "message"),
    [
        ({"histroy": "live"}, "unknown key 'conversation.histroy'; did you mean"),
        ({"history": "dataste"}, "is 'dataste'; did you mean 'dataset'"),
        ({"history": 1}, "conversation.history is a whole number"),
        ({"turn_timeout_s": 0}, "turn_timeout_s is 0, but must be seconds above 0"),
        ({"max_turns": 0}, "max_turns is 0, but must be 1 or more"),
        ({"missing": "one"}, "conversation.missing is 'one'"),
        ({"item": "turn"}, "conversation.item is not supported: a conversation is one"),
        ({"enable_salt": True}, "conversation.enable_salt is not supported"),
        ({"tool_executor": "f"}, "tool_executor has no effect with history: dataset"),
        (
            {"tool_call_missing": "ignore_stop"},
            "tool_call_missing has no effect with history: dataset",
        ),
        (
            {"history": "live", "on_turn_failure": "continue"},
            "on_turn_failure: continue does not go with history: live",
        ),
        (
            {"history": "live", "tool_executor": "no fixture"},
            "tool_executor names a fixture, not 'no fixture'",
        ),
        ({"history": "live"}, "conversation 'a' has results of tools"),
    ],
)
def test_a_key_of_conversations_that_is_wrong_names_its_line(
    folder: TaskFolder, conversation: dict[str, Any], message: str
) -> None:
    with pytest.raises(TaskError) as raised:
        opened(folder, conversation=conversation)

    assert message in raised.value.message
    assert raised.value.path == folder.root / "sums.yaml"
    assert raised.value.line is not None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("doc_to_text", "{{x}}"),
        ("doc_to_target", "x"),
        ("num_fewshot", 2),
        ("output_type", "generate_until"),
        ("description", "D"),
    ],
)
def test_a_key_without_a_part_in_conversations_is_refused(
    folder: TaskFolder, key: str, value: Any
) -> None:
    with pytest.raises(TaskError, match=f"{key} has no part in a task with conv"):
        opened(folder, **{key: value})


@pytest.mark.parametrize(
    ("settings", "more", "message"),
    [
        (TaskSettings(repeats=3), {}, "--repeats 3 has no part"),
        (TaskSettings(num_fewshot=2), {}, "--num-fewshot 2 has no part"),
        (
            TaskSettings(),
            {"repeats": 2},
            "repeats is 2, but a conversation is held once",
        ),
    ],
)
def test_a_conversation_is_held_once_and_without_examples(
    folder: TaskFolder, settings: TaskSettings, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(TaskError, match=message):
        opened(folder, settings=settings, **more)


def test_nothing_given_is_no_more_than_the_defaults(folder: TaskFolder) -> None:
    task = opened(folder, settings=TaskSettings(repeats=1, num_fewshot=0))

    rules = task.task.conversation
    assert rules is not None
    assert (rules.turn_timeout_s, rules.missing) == (300.0, "exclude")
    assert rules.dialogue.history == "dataset"
    assert task.task.output_type == "conversation"

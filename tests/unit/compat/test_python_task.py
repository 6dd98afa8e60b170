from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pytest_evalkit.compat.instance import Instance
from pytest_evalkit.compat.python_task import ConfigurableTask, TaskConfig
from pytest_evalkit.errors import OptionError, ScoringError

ROWS = [{"q": "1+1", "a": "2"}, {"q": "2+2", "a": "4"}]


class Sums(ConfigurableTask):
    VERSION = 3
    DATASET_PATH = "org/sums"
    reads = 0

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        super().__init__(config={"metadata": {"version": 4}, **(config or {})})

    def download(self, dataset_kwargs: Mapping[str, Any] | None = None) -> None:
        self.reads += 1
        self.dataset = {"train": ROWS[:1], "validation": ROWS}

    def has_validation_docs(self) -> bool:
        return True

    def validation_docs(self) -> Any:
        return self.dataset["validation"]

    def doc_to_text(self, doc: Mapping[str, Any]) -> str:
        return f"Q: {doc['q']}"

    def doc_to_target(self, doc: Mapping[str, Any]) -> str:
        return str(doc["a"])


def test_data_is_read_once_and_only_when_wanted() -> None:
    task = Sums()

    assert task.reads == 0
    assert list(task.eval_docs) == ROWS
    assert list(task.validation_docs()) == ROWS
    assert task.reads == 1


def test_version_and_data_set_come_from_the_configuration_first() -> None:
    task = Sums({"dataset_name": "small", "metadata": {"version": 5}})

    assert (task.VERSION, task.DATASET_PATH, task.DATASET_NAME) == (
        5,
        "org/sums",
        "small",
    )
    assert Sums().VERSION == 4


def test_generation_is_greedy_and_stops_where_nothing_is_said() -> None:
    assert TaskConfig().generation_kwargs == {
        "until": ["\n\n"],
        "temperature": 0.0,
        "do_sample": False,
        "max_gen_toks": 256,
    }
    said = TaskConfig(generation_kwargs={"max_gen_toks": 5}, fewshot_delimiter="\n")
    assert said.generation_kwargs == {"until": ["\n"], "max_gen_toks": 5}


def test_a_key_is_an_attribute_and_an_item() -> None:
    config = TaskConfig(task="sums")

    config["repeats"] = 2

    assert (config.task, config["repeats"], config.gen_prefix) == ("sums", 2, None)
    assert "gen_prefix" not in config.to_dict()
    with pytest.raises(AttributeError, match="did you mean 'test_split'"):
        _ = config.tets_split


def test_the_prompt_is_description_examples_and_question() -> None:
    task = Sums({"description": "Add.\n"})
    task.shots = lambda _doc, count: ROWS[:count]

    prompt = task.fewshot_context(ROWS[1], 1, apply_chat_template=False)

    assert prompt == "Add.\nQ: 1+1 2\n\nQ: 2+2"
    assert task.fewshot_context(ROWS[1]) == "Add.\nQ: 2+2"


def test_examples_need_somebody_to_choose_them() -> None:
    with pytest.raises(OptionError, match="need shots"):
        Sums().fewshot_context(ROWS[0], 2)


def test_requests_of_each_kind() -> None:
    made = Sums().construct_requests(
        ROWS[0], "ctx", metadata=("sums", 7, 1), apply_chat_template=False
    )
    likely = Sums({"output_type": "loglikelihood"}).construct_requests(ROWS[0], "ctx")

    assert isinstance(made, Instance)
    assert made.args[0] == "ctx"
    assert made.args[1]["until"] == ["\n\n"]
    assert (made.task_name, made.doc_id, made.repeats) == ("sums", 7, 1)
    assert isinstance(likely, Instance)
    assert likely.args == ("ctx", "2")
    with pytest.raises(OptionError, match="must construct the requests"):
        Sums({"output_type": "multiple_choice"}).construct_requests(ROWS[0], "ctx")


def test_a_task_described_by_keys_alone() -> None:
    task = ConfigurableTask(
        config={
            "custom_dataset": lambda **kwargs: {"test": [{"q": "x", "n": kwargs["n"]}]},
            "metadata": {"n": 3},
            "test_split": "test",
            "process_docs": lambda docs: docs * 2,
            "doc_to_text": "q",
            "doc_to_target": lambda doc: doc["n"],
            "process_results": lambda _doc, results: {"acc": results[0]},
            "metric_list": [
                {"metric": "acc", "aggregation": "mean", "higher_is_better": True}
            ],
        }
    )

    (doc, _) = task.eval_docs

    assert (task.doc_to_text(doc), task.doc_to_target(doc)) == ("x", 3)
    assert task.process_results(doc, [1]) == {"acc": 1}
    assert task.aggregation()["acc"]([1, 0]) == 0.5
    assert task.higher_is_better() == {"acc": True}
    assert (task.has_test_docs(), task.has_training_docs()) == (True, False)
    assert list(task.fewshot_docs()) == list(task.test_docs())


def test_what_a_class_leaves_out_is_told() -> None:
    task = ConfigurableTask(config={})

    with pytest.raises(OptionError, match="names no data set"):
        _ = task.dataset
    with pytest.raises(OptionError, match="neither test nor validation"):
        _ = task.eval_docs
    with pytest.raises(OptionError, match="has no doc_to_text"):
        task.doc_to_text({})
    with pytest.raises(ScoringError, match="defines no process_results"):
        task.process_results({}, [])
    with pytest.raises(OptionError, match="data_dir"):
        ConfigurableTask(data_dir="x")


def test_an_instance_always_has_a_tuple_of_arguments() -> None:
    assert Instance("loglikelihood_rolling", {}, "text", 0).args == ("text",)

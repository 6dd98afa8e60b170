from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import MissingCredentialError, TaskError
from pytest_evalkit.scoring import score_document
from pytest_evalkit.tasks import DataSources, OpenedTask, TaskSettings
from pytest_evalkit.values import Generate, Loglikelihood, RollingLoglikelihood

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_CLASS = """\
from pytest_evalkit.compat.instance import Instance
from pytest_evalkit.compat.python_task import ConfigurableTask, LmmsTask


def largest(values):
    return max(values)


class Sums(ConfigurableTask):
    VERSION = 3
    DATASET_PATH = "json"

    def __init__(self, config=None):
        files = {"validation": "test.jsonl", "train": "train.jsonl"}
        super().__init__(config={"dataset_kwargs": {"data_files": files}})

    def has_training_docs(self):
        return True

    def has_validation_docs(self):
        return True

    def has_test_docs(self):
        return False

    def training_docs(self):
        return self.dataset["train"]

    def validation_docs(self):
        return [{**doc, "seen": True} for doc in self.dataset["validation"]]

    def doc_to_text(self, doc):
        return doc["question"] + "="

    def doc_to_target(self, doc):
        return doc["answer"]

    def construct_requests(
        self, doc, ctx, chat_template=None, apply_chat_template=False, **kwargs
    ):
        said = (ctx, {"until": ["\\n"], "max_gen_toks": 7})
        return [
            Instance("generate_until", doc, said, 0, **kwargs),
            Instance("loglikelihood", doc, (ctx, " none"), 0, **kwargs),
        ]

    def process_results(self, doc, results):
        answer, (logprob, _) = results
        return {"right": float(answer == doc["answer"]), "none": logprob}

    def aggregation(self):
        return {"right": largest, "none": largest}

    def higher_is_better(self):
        return {"right": True, "none": False}
"""


@pytest.fixture
def made(folder: TaskFolder) -> TaskFolder:
    folder.write("making.py", _CLASS)
    return folder


def opened(
    folder: TaskFolder, more: str = "", keys: str = "", settings: Any = None
) -> OpenedTask:
    """Open a class derived from the one above, or that one itself."""
    name = "Sums"
    if more:
        name = "Own"
        folder.write("making.py", f"{_CLASS}\n\nclass Own(Sums):\n{more}")
    text = f"task: sums\nclass: !function making.{name}\n{keys}"
    return folder.load_text(text, settings).open(DataSources())


def test_documents_are_those_of_the_class(made: TaskFolder) -> None:
    task = opened(made)

    assert len(task.documents) == 3
    assert task.documents[0] == {
        "question": "1+1",
        "answer": "2",
        "kind": "add",
        "seen": True,
    }
    assert task.task.version == 3


def test_requests_are_those_of_the_class(made: TaskFolder) -> None:
    text, likelihood = opened(made).prepare(1).requests

    assert isinstance(text, Generate)
    assert [message.text for message in text.messages] == ["2*3="]
    assert (text.parameters.stop, text.parameters.max_tokens) == (("\n",), 7)
    assert text.parameters.temperature == 0.0
    assert isinstance(likelihood, Loglikelihood)
    assert (likelihood.context, likelihood.continuation) == ("2*3=", " none")
    assert text.origin is not None
    assert text.origin.target == "6"


def test_scores_and_figures_are_those_of_the_class(made: TaskFolder) -> None:
    task = opened(made)
    prepared = task.prepare(0)
    plan = task.task.scoring

    (scored,) = score_document(
        plan, prepared.doc, prepared.key, [["2"], [(-0.5, True)]]
    )

    assert scored.metrics == {"right": 1.0, "none": -0.5}
    assert scored.filtered == ["2", (-0.5, True)]
    assert [(m.name, m.higher_is_better) for m in plan.metrics] == [
        ("right", True),
        ("none", False),
    ]
    assert plan.metrics[0].aggregation([1, 5, 2]) == 5


def test_examples_come_from_the_training_documents_of_the_class(
    made: TaskFolder,
) -> None:
    task = opened(made, settings=TaskSettings(num_fewshot=1))

    text, _ = task.prepare(0).requests

    assert isinstance(text, Generate)
    shown, asked = text.messages[0].text.split("\n\n")
    assert asked == "1+1="
    # As train.jsonl has them: 4+0= 4
    question, answer = shown.split("= ")
    assert question == f"{answer}+0"


def test_the_command_line_goes_over_what_the_class_generates(made: TaskFolder) -> None:
    settings = TaskSettings(generation={"max_tokens": 99, "temperature": 0.5})

    text, _ = opened(made, settings=settings).prepare(0).requests

    assert isinstance(text, Generate)
    assert (text.parameters.max_tokens, text.parameters.temperature) == (99, 0.5)
    assert text.parameters.stop == ("\n",)


def test_an_instruction_goes_before_the_prompt_of_the_class(made: TaskFolder) -> None:
    settings = TaskSettings(system_instruction="Add.")

    text, likelihood = opened(made, settings=settings).prepare(0).requests

    assert isinstance(text, Generate)
    assert [(m.role, m.text) for m in text.messages] == [
        ("system", "Add."),
        ("user", "1+1="),
    ]
    assert isinstance(likelihood, Loglikelihood)
    assert likelihood.context == "Add.1+1="


def test_a_class_may_write_another_prompt_than_its_question(made: TaskFolder) -> None:
    more = (
        "    def construct_requests(self, doc, ctx, **kwargs):\n"
        "        return Instance('generate_until', doc, ('Q ' + ctx, {}), 0)\n"
    )

    (text,) = opened(made, more).prepare(0).requests

    assert isinstance(text, Generate)
    assert text.messages[0].text == "Q 1+1="


def test_a_class_may_ask_for_whole_texts(made: TaskFolder) -> None:
    more = (
        "    def construct_requests(self, doc, ctx, **kwargs):\n"
        "        return Instance('loglikelihood_rolling', doc, (ctx,), 0)\n"
    )

    (rolling,) = opened(made, more).prepare(0).requests

    assert isinstance(rolling, RollingLoglikelihood)
    assert rolling.text == "1+1="


@pytest.mark.parametrize(
    ("made_request", "message"),
    [
        ("Instance('rank', doc, (ctx,), 0)", r"made Instance\(request_type='rank'"),
        ("Instance('loglikelihood', doc, (ctx,), 0)", "none of the requests there are"),
        ("[]", "construct_requests made no request"),
        ("[None]", "construct_requests made None, which"),
        ("1 / 0", "construct_requests failed: ZeroDivisionError"),
    ],
)
def test_requests_that_nobody_can_answer_are_an_error_of_the_task(
    made: TaskFolder, made_request: str, message: str
) -> None:
    more = (
        "    def construct_requests(self, doc, ctx, **kwargs):\n"
        f"        return {made_request}\n"
    )
    task = opened(made, more)

    with pytest.raises(TaskError, match=message) as caught:
        task.prepare(0)

    assert caught.value.line == 2


def test_documents_that_a_class_fails_to_make_say_where(made: TaskFolder) -> None:
    more = (
        "    def validation_docs(self):\n        return self.dataset['x'] + UNKNOWN\n"
    )
    more = more.replace("self.dataset['x'] + ", "")

    with pytest.raises(TaskError) as caught:
        opened(made, more)

    assert caught.value.message.startswith(
        "class Own: validation_docs failed: NameError: name 'UNKNOWN' is not defined "
        "(making.py:"
    )
    assert caught.value.line == 2


def test_a_class_that_cannot_be_made_says_where(made: TaskFolder) -> None:
    more = "    def __init__(self):\n        super().__init__()\n        1 / 0\n"

    with pytest.raises(TaskError) as caught:
        opened(made, more)

    assert (
        "class making.Own: making it failed: ZeroDivisionError: division by zero "
        "(making.py:"
    ) in caught.value.message


def test_a_class_that_wants_a_credential_says_so(
    made: TaskFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ABSENT_API_KEY", raising=False)
    more = "    def __init__(self):\n        raise ValueError('set ABSENT_API_KEY')\n"

    with pytest.raises(MissingCredentialError, match="set ABSENT_API_KEY"):
        opened(made, more)


def test_what_is_no_class_is_told(made: TaskFolder) -> None:
    with pytest.raises(TaskError, match=r"class: making\.largest is no class"):
        made.load_text("task: sums\nclass: !function making.largest\n")


def test_a_class_that_constructs_as_nobody_here_does_is_refused(
    made: TaskFolder,
) -> None:
    more = "    def construct_requests(self, doc_id, ctx, **kwargs): ...\n"

    with pytest.raises(TaskError, match="does not take doc and ctx"):
        opened(made, more)


def test_a_class_without_a_scorer_is_refused(made: TaskFolder) -> None:
    made.write(
        "making.py",
        "from pytest_evalkit.compat.python_task import ConfigurableTask\n"
        "class Bare(ConfigurableTask):\n    DATASET_PATH = 'json'\n",
    )

    with pytest.raises(TaskError, match="has no doc_to_text: key"):
        made.load_text("task: sums\nclass: !function making.Bare\n")


def test_keys_of_the_file_reach_the_class_and_count(made: TaskFolder) -> None:
    made.write(
        "making.py",
        "from pytest_evalkit.compat.python_task import ConfigurableTask\n"
        "class Keyed(ConfigurableTask):\n"
        "    def __init__(self, config=None):\n"
        "        super().__init__(config=config)\n"
        "        self.said = config['recipe']\n"
        "    def process_results(self, doc, results):\n"
        "        return {'same': results[0] + self.said}\n",
    )
    text = (
        "task: sums\nclass: !function making.Keyed\nrecipe: '!'\ndataset_path: json\n"
        "dataset_kwargs: {data_files: {test: test.jsonl}}\ntest_split: test\n"
        "doc_to_text: 'Q: {{question}}'\nmetric_list: [{metric: same}]\n"
    )

    task = made.load_text(text).open(DataSources())

    (request,) = task.prepare(0).requests
    assert isinstance(request, Generate)
    assert request.messages[0].text == "Q: 1+1"
    prepared = task.prepare(0)
    (scored,) = score_document(task.task.scoring, prepared.doc, prepared.key, [["a"]])
    assert scored.metrics == {"same": "a!"}
    assert task.task.config["recipe"] == "!"


def test_a_class_of_lmms_eval_that_downloads_has_processed_its_documents(
    made: TaskFolder,
) -> None:
    made.write(
        "making.py",
        f"{_CLASS}\n\n"
        "def flat(docs):\n    return [{'q': doc['q'] + '?'} for doc in docs]\n\n"
        "class Films(LmmsTask):\n"
        "    def download(self, dataset_kwargs=None):\n"
        "        docs = [{'q': dataset_kwargs['word']}]\n"
        "        self.dataset = {'test': self.config.process_docs(docs)}\n",
    )
    text = (
        "task: films\nclass: !function making.Films\ntest_split: test\n"
        "dataset_path: films\ndataset_kwargs: {word: who}\n"
        "process_docs: !function making.flat\ndoc_to_text: q\ndoc_to_target: q\n"
        "generation_kwargs: {max_new_tokens: 3}\n"
    )

    task = made.load_text(text).open(DataSources())

    assert list(map(dict, [task.documents[0]])) == [{"q": "who?"}]


def test_a_class_reads_the_sample_itself(made: TaskFolder) -> None:
    made.rows(
        "sample/validation.jsonl", [{"question": "7+7", "answer": "14", "kind": "add"}]
    )
    text = "task: sums\nclass: !function making.Sums\n"

    task = made.load_text(text).open(DataSources(use_sample=True))

    assert task.documents[0]["question"] == "7+7"
    assert task.documents[0]["seen"] is True


def test_choices_cannot_be_asked_for_by_letter(made: TaskFolder) -> None:
    settings = TaskSettings(choice_as_generation=True)
    text = (
        "task: sums\nclass: !function making.Sums\noutput_type: multiple_choice\n"
        "doc_to_choice: [a, b]\n"
    )

    with pytest.raises(TaskError, match="leave --choice-as-generation out"):
        made.load_text(text, settings)

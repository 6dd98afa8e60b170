"""Task trees of lm-eval and lmms-eval, where neither is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

RAISES = "raise RuntimeError('the package was imported')\n"

TASK = """
task: sums
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
doc_to_text: !function utils.ask
doc_to_target: "{{answer}}"
process_results: !function utils.score
metric_list: [{metric: right, aggregation: mean, higher_is_better: true}]
"""

UTILS = """
from loguru import logger as eval_logger
from lmms_eval.llm_judge import ServerConfig, get_server
from lmms_eval.tasks._shared.words import QUESTION
import lmms_eval.tasks._shared.words as words

server = get_server("openai", config=ServerConfig(model_name="judge"))

def ask(doc):
    eval_logger.info("asking {}", doc["question"])
    return QUESTION + doc["question"]

def score(doc, results):
    if doc["question"] == "judged":
        try:
            server.evaluate_binary(doc["question"], doc["answer"], results[0])
        except Exception:
            return {"right": 0}
    return {"right": float(results[0] == doc["answer"])}
"""


@pytest.fixture
def tree(pytester: pytest.Pytester) -> Path:
    # Not in the folder that `python -m` puts on the path.
    tasks = pytester.path / "checkout" / "lmms_eval" / "tasks"
    files = {
        "../__init__.py": RAISES,
        "__init__.py": RAISES,
        "_shared/words.py": "QUESTION = 'Q: '\n",
        "sums/__init__.py": RAISES,
        "sums/sums.yaml": TASK,
        "sums/utils.py": UTILS,
        "sums/test.jsonl": "".join(
            json.dumps({"question": question, "answer": "2"}) + "\n"
            for question in ("1+1", "2*1", "judged")
        ),
    }
    for name, text in files.items():
        path = tasks / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tasks


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_tasks_run_and_what_asks_a_judge_is_in_error(
    pytester: pytest.Pytester, tree: Path, workers: tuple[str, ...]
) -> None:
    result = pytester.runpytest_subprocess(
        str(tree), "--model", "oracle", "-p", "no:cacheprovider", *workers
    )

    assert result.ret == 1
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*utils.score asks a judge model, and judges are not available yet*",
            "sums*right*1.0000*2/3*",
        ]
    )


def test_a_missing_package_is_one_line(pytester: pytest.Pytester, tree: Path) -> None:
    (tree / "sums" / "utils.py").write_text("import absent_xyz\n", encoding="utf-8")

    result = pytester.runpytest_subprocess(str(tree), "--model", "oracle")

    assert result.ret == 2
    result.stdout.fnmatch_lines(
        ["*utils.py:1: import absent_xyz) needs the package absent_xyz; pip install*"]
    )


CLASS = """
from lm_eval.api.instance import Instance
from lm_eval.api.metrics import mean
from lm_eval.api.task import ConfigurableTask

class Sums(ConfigurableTask):
    VERSION = 4
    DATASET_PATH = "org/sums"

    def has_validation_docs(self):
        return True

    def validation_docs(self):
        return self.dataset["validation"]

    def doc_to_text(self, doc):
        return doc["question"]

    def doc_to_target(self, doc):
        return doc["answer"]

    def construct_requests(self, doc, ctx, apply_chat_template=False, **kwargs):
        kwargs.pop("chat_template")
        said = (ctx, {"until": ["\\n"]})
        asked = [Instance("generate_until", doc, said, 0, **kwargs)]
        if LIKELIHOODS:
            asked.append(Instance("loglikelihood", doc, (ctx, "2"), 1, **kwargs))
        return asked

    def process_results(self, doc, results):
        return {"right": float(results[0] == doc["answer"]), "asked": len(results)}

    def aggregation(self):
        return {"right": mean, "asked": max}

    def higher_is_better(self):
        return {"right": True, "asked": True}
"""


@pytest.fixture
def class_task(pytester: pytest.Pytester) -> Path:
    task = pytester.path / "lm_eval" / "tasks" / "sums"
    rows = [{"question": f"{number}+0", "answer": str(number)} for number in range(5)]
    mirror = pytester.path / "mirror" / "org" / "sums" / "validation.jsonl"
    for path, text in (
        (task / "sums.yaml", "task: sums\nclass: !function task.Sums\n"),
        (task / "task.py", f"LIKELIHOODS = True\n{CLASS}"),
        (mirror, "".join(json.dumps(row) + "\n" for row in rows)),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return task


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_task_class_runs_on_mirrored_data(
    pytester: pytest.Pytester, class_task: Path, workers: tuple[str, ...]
) -> None:
    arguments = ("--model", "oracle", "--data-dir", "mirror", *workers)

    result = pytester.runpytest_subprocess(str(class_task), *arguments)

    assert result.ret == 0
    result.assert_outcomes(passed=5)
    (found,) = pytester.path.glob("results/*/*/results.json")
    written = json.loads(found.read_text("utf-8"))
    assert written["results"]["sums"]["right,none"] == 1.0
    assert written["results"]["sums"]["right_stderr,none"] == 0.0
    assert written["results"]["sums"]["asked,none"] == 2
    assert written["versions"]["sums"] == 4


def test_a_task_class_that_asks_for_likelihoods_is_refused_without(
    pytester: pytest.Pytester, class_task: Path
) -> None:
    arguments = (str(class_task), "--model", "demo", "--data-dir", "mirror")

    refused = pytester.runpytest_subprocess(*arguments)
    code = (class_task / "task.py").read_text("utf-8")
    plain = code.replace("LIKELIHOODS = True", "LIKELIHOODS = False")
    (class_task / "task.py").write_text(plain, "utf-8")
    asked = pytester.runpytest_subprocess(*arguments)

    assert refused.ret == 4
    refused.stdout.fnmatch_lines(["left out sums.yaml: asks for likelihoods*"])
    asked.assert_outcomes(passed=5)

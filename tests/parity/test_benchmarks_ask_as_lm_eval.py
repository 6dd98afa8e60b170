"""That benchmarks of the package ask what lm-eval's tasks of the same name ask.

The files of both are read by this package, which the rest of this folder holds against
lm-eval itself, over the documents of the benchmark's sample.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.messages import Message
from pytest_evalkit.tasks import DataSources, OpenedTask, TaskSettings, load_task
from pytest_evalkit.values import Generate, Loglikelihood
from tests.parity import suite

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

_MMLU = sorted(
    {file.stem for file in (BENCHMARKS / "mmlu").glob("mmlu_*.yaml")}
    - {"mmlu_generative"}
    - {f"mmlu_{group}" for group in ("stem", "humanities", "social_sciences", "other")}
)
_BBH = sorted(
    {
        file.stem.removeprefix("bbh_cot_fewshot_")
        for file in (BENCHMARKS / "bbh").glob("bbh_cot_*.yaml")
    }
    # The published examples are written in another form than lm-eval's.
    - {"sports_understanding"}
)
# (file of the benchmark, file of lm-eval, examples to show)
PAIRS = [
    *((f"mmlu/{name}.yaml", f"mmlu/default/{name}.yaml", None) for name in _MMLU),
    ("mmlu/mmlu_anatomy.yaml", "mmlu/default/mmlu_anatomy.yaml", 5),
    *(
        (f"bbh/bbh_cot_fewshot_{name}.yaml", f"bbh/cot_fewshot/{name}.yaml", None)
        for name in _BBH
    ),
    ("arc/arc_easy.yaml", "arc/arc_easy.yaml", None),
    ("arc/arc_challenge.yaml", "arc/arc_challenge.yaml", 2),
    ("hellaswag/hellaswag.yaml", "hellaswag/hellaswag.yaml", 2),
    ("truthfulqa/truthfulqa_mc1.yaml", "truthfulqa/truthfulqa_mc1.yaml", None),
    ("truthfulqa/truthfulqa_mc2.yaml", "truthfulqa/truthfulqa_mc2.yaml", None),
]


@pytest.fixture(scope="module")
def reference_tasks(reference_python: str) -> Path:
    return suite.find_reference(reference_python)


def _sample_of(file: Path) -> dict[str, Any]:
    """Keys that give a file of lm-eval the documents of a sample."""
    own = file.parent / f"{file.stem}.sample"
    folder = own if own.is_dir() else file.parent / "sample"
    return {
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {
            "data_files": {
                split.stem: str(split.absolute()) for split in folder.glob("*.jsonl")
            }
        },
    }


def _asked(opened: OpenedTask) -> list[Any]:
    return [
        [_texts(request) for request in opened.prepare(doc_id).requests]
        for doc_id in range(len(opened.documents))
    ]


def _texts(request: Any) -> Any:
    if isinstance(request, Generate):
        messages: tuple[Message, ...] = request.messages
        return [(message.role, message.text) for message in messages]
    assert isinstance(request, Loglikelihood)
    return request.context, request.continuation


@pytest.mark.parametrize(("own", "theirs", "shots"), PAIRS)
def test_a_benchmark_asks_what_the_task_of_lm_eval_asks(
    own: str, theirs: str, shots: int | None, reference_tasks: Path
) -> None:
    settings = TaskSettings(num_fewshot=shots)
    file = BENCHMARKS / own
    reference = load_task(reference_tasks / theirs, settings, _sample_of(file))
    benchmark = load_task(file, settings)

    asked = _asked(benchmark.open(DataSources(use_sample=True)))

    assert asked == _asked(reference.open(DataSources()))
    assert len(asked) >= 4

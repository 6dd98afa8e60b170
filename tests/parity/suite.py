"""The folder of the suite: task files, documents, and the order for the reference."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.parity import own, real
from tests.parity.answers import Script
from tests.parity.data import all_splits

BOOTSTRAP_ITERS = 200
REFERENCE_VERSION = "0.4.13"

# Tasks that are run as conversations besides, and the arguments for it.
SYSTEM = "Be brief."
CHATS = ("own_worked_sums", "own_exam_written", "own_description", "own_first_n")
# Tasks of likelihoods that are run with a system instruction besides.
SYSTEMS = ("own_labelled", "own_gaps", "own_last_word", "own_exam")
CHAT = {
    "system_instruction": SYSTEM,
    "apply_chat_template": True,
    "fewshot_as_multiturn": True,
}
_FIND = "import importlib.util as u; print(*u.find_spec('lm_eval').submodule_search_locations)"


class Suite(NamedTuple):
    """Where the suite lies, and what its model answers.

    Attributes:
        folder: The task files, which name their documents relative to it.
        scripts: What may be answered to each task that generates text.
    """

    folder: Path
    scripts: Mapping[str, Script]

    def file(self, task: str) -> Path:
        """Tell the file of a task or group."""
        return self.folder / f"{task}.yaml"


def own_names() -> list[str]:
    """List the suite's own tasks and groups."""
    return [name[:-5] for name in own.files() if name.endswith(".yaml")]


def own_groups() -> list[str]:
    """List the suite's own groups."""
    return [
        name[:-5]
        for name, content in own.files().items()
        if content.startswith("group:")
    ]


def real_names() -> list[str]:
    """List the tasks that are files of the reference, by their names here."""
    return [f"real_{name}" for name in real.REAL]


def find_reference(python: str) -> Path:
    """Find the folder of the reference's own task files.

    Raises:
        subprocess.CalledProcessError: That python does not have lm-eval.
    """
    found = subprocess.run(
        [python, "-c", _FIND], check=True, capture_output=True, text=True
    )
    return Path(found.stdout.strip()) / "tasks"


def write(folder: Path, reference_tasks: Path) -> Suite:
    """Write all task files and documents below a folder."""
    data = folder / "data"
    data.mkdir(parents=True)
    splits = all_splits()
    for schema, by_split in splits.items():
        for split, rows in by_split.items():
            _write_rows(data / f"{schema}_{split}.jsonl", rows)
    for name, content in own.files().items():
        (folder / name).write_text(content, "utf-8")
    for module in own.TASKS.glob("*.py"):
        shutil.copy(module, folder)
    for name in real.REAL:
        _write_real(folder, name, reference_tasks)
    scripts = {name: own.script(line, splits) for name, line in own.SCRIPTS.items()}
    scripts |= {
        f"real_{name}": found for name in real.REAL if (found := real.script(name))
    }
    return Suite(folder, scripts)


def _write_real(folder: Path, name: str, reference_tasks: Path) -> None:
    task = real.REAL[name]
    files = {split: f"data/real_{name}_{split}.jsonl" for split in task.sizes}
    for split, file in files.items():
        _write_rows(folder / file, real.rows(name, split))
    values = {
        "include": str(reference_tasks / task.file),
        "task": f"real_{name}",
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": files},
        "num_fewshot": task.shots,
    }
    (folder / f"real_{name}.yaml").write_text(json.dumps(values, indent=1), "utf-8")


def _write_rows(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file.write_text("".join(lines), "utf-8")


def run_reference(
    python: str, suite: Suite, runs: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Have lm-eval run tasks, all in one process.

    Args:
        python: A python that has lm-eval.
        suite: The task files.
        runs: Arguments of ``simple_evaluate`` by any name.

    Returns:
        What ``reference.py`` writes: for each run its results, or its traceback.

    Raises:
        subprocess.CalledProcessError: It ended without any result.
    """
    order, result = suite.folder / "order.json", suite.folder / "result.json"
    order.write_text(
        json.dumps(
            {
                "folder": str(suite.folder),
                "runs": runs,
                "scripts": suite.scripts,
                "bootstrap_iters": BOOTSTRAP_ITERS,
            }
        ),
        "utf-8",
    )
    cache = str(suite.folder / "cache")
    environment = {
        **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        "HF_HOME": cache,
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "TQDM_DISABLE": "1",
    }
    script = Path(__file__).with_name("reference.py")
    subprocess.run(
        [python, str(script), str(order), str(result)],
        check=True,
        cwd=suite.folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    done: dict[str, Any] = json.loads(result.read_text("utf-8"))
    return done


def runs() -> dict[str, dict[str, Any]]:
    """Say what the reference runs, by the name of each run."""
    plain = {name: {"tasks": [name]} for name in (*own_names(), *real_names())}
    chats = {f"chat {name}": {"tasks": [name], **CHAT} for name in CHATS}
    systems = {
        f"system {name}": {"tasks": [name], "system_instruction": SYSTEM}
        for name in (*SYSTEMS, "own_exam_written")
    }
    return plain | chats | systems

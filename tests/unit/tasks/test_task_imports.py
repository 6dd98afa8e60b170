from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_SCRIPT = """
import sys
from pathlib import Path
from pytest_evalkit.tasks import DataSources, TaskSettings, load_task

task = load_task(Path(sys.argv[1]), TaskSettings())
opened = task.open(DataSources())
assert opened.prepare(0).target == "2"
heavy = {"datasets", "pyarrow", "numpy", "PIL", "pandas", "aiohttp", "torch"}
print(sorted(heavy & set(sys.modules)))
"""


def test_json_lines_need_no_heavy_library(folder: TaskFolder) -> None:
    path = folder.task_file(fewshot_split="train", num_fewshot=2)

    ran = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.strip() == "[]"

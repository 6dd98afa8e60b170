"""What task modules of lm-eval and lmms-eval need in order to be imported.

Where those packages are installed, they are used. Where they are not, modules of our
own stand in for them.
"""

from __future__ import annotations

from pytest_evalkit.compat.hub import hub_home
from pytest_evalkit.compat.judges import JudgeUnavailableError
from pytest_evalkit.compat.modules import (
    import_from,
    is_task_code,
    is_task_module,
    readable,
)
from pytest_evalkit.compat.python_task import ConfigurableTask
from pytest_evalkit.compat.stand_ins import install, is_stand_in
from pytest_evalkit.compat.trees import is_project_folder

__all__ = [
    "ConfigurableTask",
    "JudgeUnavailableError",
    "hub_home",
    "import_from",
    "install",
    "is_project_folder",
    "is_stand_in",
    "is_task_code",
    "is_task_module",
    "readable",
]

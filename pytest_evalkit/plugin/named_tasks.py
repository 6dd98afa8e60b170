"""Tasks asked for by name: ``--tasks gsm8k,mme`` instead of their files."""

from __future__ import annotations

from pathlib import Path

import pytest

import pytest_evalkit
from pytest_evalkit.plugin.options import RunOptions
from pytest_evalkit.tasks import find_tasks

_PACKAGE = Path(pytest_evalkit.__file__).parent


def packaged_benchmarks() -> Path:
    """Find the benchmarks that come with the package.

    They lie inside it where it was installed from a wheel, and beside it in a checkout.
    """
    installed = _PACKAGE / "_benchmarks"
    return installed if installed.is_dir() else _PACKAGE.parent / "benchmarks"


def add_named_tasks(config: pytest.Config, options: RunOptions) -> None:
    """Make pytest collect the tasks that were named.

    Paths given on the command line stay; a default such as ``testpaths`` does not, since
    whoever names tasks wants these.

    Raises:
        OptionError: There is no such task, or several of one name.
    """
    roots = [packaged_benchmarks(), *options.include_paths]
    paths = [str(path) for path in find_tasks(options.tasks, roots)]
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = []
    config.args.extend(paths)

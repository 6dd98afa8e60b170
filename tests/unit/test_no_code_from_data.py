"""Nothing that is read can become code: no eval, no exec, no pickle, no unpacking."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_evalkit
from pytest_evalkit.tasks import DataSources, TaskSettings, load_task

PACKAGE = Path(pytest_evalkit.__file__).parent
ROOT = Path(__file__).parents[2]

# What makes code of data, or files of archives; with the modules that may, and why.
FORBIDDEN_CALLS = {
    # The process of a sandboxed program: to run it is what it is there for.
    "eval": set(),
    "exec": {"sandbox/cell.py"},
    "compile": {"sandbox/cell.py"},
    # What imports of a task's own Python become; task folders are trusted.
    "__import__": {"compat/modules.py"},
    "os.system": set(),
    "os.popen": set(),
}
FORBIDDEN_MODULES = {
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve",
    "code", "codeop", "zipfile", "tarfile", "lzma", "bz2", "gzip", "xmlrpc", "telnetlib",
    "urllib.request", "requests", "httpx",
}  # fmt: skip
FORBIDDEN_ATTRIBUTES = {
    "unpack_archive", "extractall", "allow_pickle", "urlopen", "urlretrieve",
    "unsafe_load", "full_load", "UnsafeLoader", "FullLoader",
}  # fmt: skip
SAFE_LOADERS = {"LOADER", "yaml.SafeLoader", "yaml.CSafeLoader"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for folder, base in ((PACKAGE, PACKAGE), (ROOT / "benchmarks", ROOT)):
        for path in sorted(folder.rglob("*.py")):
            yield path.relative_to(base).as_posix(), ast.parse(path.read_text("utf-8"))


def named(node: ast.expr) -> str:
    """Write the dotted name of what is called."""
    if isinstance(node, ast.Attribute):
        return f"{named(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def faults(tree: ast.Module, name: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _faults_of_call(node, name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found = {alias.name for alias in node.names}
            found |= {node.module or ""} if isinstance(node, ast.ImportFrom) else set()
            yield from (
                f"imports {one}"
                for one in found
                if one in FORBIDDEN_MODULES or one.split(".")[0] in FORBIDDEN_MODULES
            )
        elif isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_ATTRIBUTES:
            yield f"uses .{node.attr}"
        elif isinstance(node, ast.keyword) and node.arg in FORBIDDEN_ATTRIBUTES:
            yield f"passes {node.arg}"
        elif isinstance(node, ast.keyword) and node.arg == "shell":
            yield "starts a shell"


def _faults_of_call(node: ast.Call, name: str) -> Iterator[str]:
    called = named(node.func)
    plain = called.removeprefix("builtins.")
    # An empty text has a reason of its own, see ``forget_interrupt``, and no code in it.
    is_empty = [ast.dump(one) for one in node.args] == [ast.dump(ast.Constant(""))]
    if name not in FORBIDDEN_CALLS.get(plain, {name}) and not is_empty:
        yield f"calls {plain}"
    if called in {"yaml.load", "yaml.compose", "yaml.parse", "yaml.load_all"}:
        loaders = {named(word.value) for word in node.keywords if word.arg == "Loader"}
        if not loaders or loaders - SAFE_LOADERS:
            yield f"calls {called} with {loaders or 'no loader'}"
    if called.endswith("torch.load"):
        yield "calls torch.load"


def test_no_module_makes_code_of_data_or_files_of_archives() -> None:
    found = {name: list(faults(tree, name)) for name, tree in modules()}

    assert len(found) > 250
    assert {name: faulty for name, faulty in found.items() if faulty} == {}


def test_every_exception_to_the_rule_is_still_needed() -> None:
    trees = dict(modules())

    for call, names in FORBIDDEN_CALLS.items():
        for name in names:
            called = {
                named(node.func).removeprefix("builtins.")
                for node in ast.walk(trees[name])
                if isinstance(node, ast.Call)
            }
            assert call in called, (call, name)


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')", "exec(x)", "exec('', x, '')", "import builtins; builtins.exec('1')", "import pickle",
        "from pickle import loads", "import yaml; yaml.load(x, Loader=yaml.Loader)",
        "import yaml; yaml.load(x)", "import yaml; yaml.unsafe_load(x)", "import zipfile",
        "import subprocess; subprocess.run('x', shell=True)", "import os; os.system('x')",
        "import numpy; numpy.load(x, allow_pickle=True)", "__import__('os')",
        "import shutil; shutil.unpack_archive(x)", "from urllib.request import urlopen",
        "import torch; torch.load(x)",
    ],
)  # fmt: skip
def test_the_rule_finds_what_it_forbids(source: str) -> None:
    assert list(faults(ast.parse(source), "x.py"))


def test_the_loader_of_task_files_is_a_safe_one() -> None:
    import yaml

    from pytest_evalkit.tasks.yaml_file import LOADER

    assert LOADER in (yaml.SafeLoader, getattr(yaml, "CSafeLoader", None))


def test_no_code_of_a_data_set_is_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import datasets

    (tmp_path / "sums.yaml").write_text(
        "task: sums\ndataset_path: csv\n"
        "dataset_kwargs: {data_files: {test: t.csv}, trust_remote_code: true}\n"
        "test_split: test\ndoc_to_text: '{{q}}'\ndoc_to_target: '{{a}}'\n"
    )
    (tmp_path / "t.csv").write_text("q,a\n1,2\n")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    # What versions before the fourth read from the environment.
    name = "HF_DATASETS_TRUST_REMOTE_CODE"
    monkeypatch.setattr(datasets.config, name, True, raising=False)

    task = load_task(tmp_path / "sums.yaml", TaskSettings())
    opened = task.open(DataSources())

    assert len(opened.documents) == 1
    assert getattr(datasets.config, name) is False

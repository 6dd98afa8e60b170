from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.errors import (
    MissingCredentialError,
    MissingPackageError,
    TaskError,
)
from pytest_evalkit.scoring import packages
from pytest_evalkit.tasks.functions import load_function
from pytest_evalkit.tasks.source import FunctionReference, Place

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_GUARDED = "try:\n    from absent_xyz.nodes import Node\n    import absent_uvw\n"


def load(root: Path) -> None:
    load_function(FunctionReference("utils.x", Place(root / "a.yaml", 7)))


def lacks(folder: TaskFolder, code: str) -> MissingPackageError:
    folder.write("utils.py", code)
    with pytest.raises(MissingPackageError) as caught:
        load(folder.root)
    return caught.value


def wants(folder: TaskFolder, code: str) -> MissingCredentialError:
    folder.write("utils.py", code)
    with pytest.raises(MissingCredentialError) as caught:
        load(folder.root)
    return caught.value


def wrong(folder: TaskFolder, code: str) -> str:
    folder.write("utils.py", code)
    with pytest.raises(TaskError) as caught:
        load(folder.root)
    return caught.value.message


def test_a_package_that_a_message_says_pip_provides_is_missing(
    folder: TaskFolder,
) -> None:
    code = (
        "raise ImportError('Parsing requires the x package, provided by pip "
        "(absent-runtime) or conda (absent), version 4.11')\n"
    )

    assert lacks(folder, code).package == "absent-runtime==4.11"


@pytest.mark.parametrize("error", ["ImportError", "AssertionError", "RuntimeError"])
def test_a_requirement_that_is_not_met_is_missing_whatever_is_raised(
    folder: TaskFolder, error: str
) -> None:
    code = f"raise {error}('`pytest` and `pluggy==0.0.1` are required; install them')\n"

    assert lacks(folder, code).package == "pluggy==0.0.1"


def test_a_requirement_that_is_met_is_not_the_cause(folder: TaskFolder) -> None:
    version = metadata.version("pluggy")
    minor = version.rpartition(".")[0]
    code = (
        f"raise RuntimeError('no `pluggy=={minor}`; pip install pluggy=={version}')\n"
    )

    assert "importing utils failed: RuntimeError" in wrong(folder, code)


def test_the_import_that_failed_counts_for_more_than_what_is_said_of_it(
    folder: TaskFolder,
) -> None:
    code = (
        "try:\n    import absent_xyz\nexcept ImportError as e:\n"
        "    raise ImportError('pip install pluggy==0.0.1 absent_xyz==1') from e\n"
    )

    assert lacks(folder, code).package == "absent_xyz"


def test_a_package_that_a_message_says_to_install_is_missing(
    folder: TaskFolder,
) -> None:
    code = "raise RuntimeError(\"Please install it via 'pip install absent-xyz'.\")\n"

    assert lacks(folder, code).package == "absent-xyz"


@pytest.mark.parametrize(
    "advice",
    [
        "pip install pluggy",
        "pip install git+https://x/y",
        "pip install -e .[math]",
        "pip install a[b]",
    ],
)
def test_advice_that_names_nothing_absent_is_not_taken(
    folder: TaskFolder, advice: str
) -> None:
    assert "RuntimeError" in wrong(folder, f"raise RuntimeError('{advice}')\n")


@pytest.mark.parametrize(
    ("handler", "use", "package"),
    [
        ("except ImportError:", "def cost(node: Node): ...", "absent_xyz"),
        ("except:", "absent_uvw.connect()", "absent_uvw"),
        ("except (OSError, ModuleNotFoundError):", "@Node\ndef f(): ...", "absent_xyz"),
    ],
)
def test_a_name_whose_import_was_forgiven_is_a_missing_package(
    folder: TaskFolder, handler: str, use: str, package: str
) -> None:
    error = lacks(folder, f"{_GUARDED}{handler}\n    pass\n{use}\n")

    assert error.package == package
    assert f"utils.py:{6}: " in str(error)


def test_a_name_that_nobody_imports_is_a_fault_of_the_module(
    folder: TaskFolder,
) -> None:
    code = f"{_GUARDED}except ImportError:\n    pass\nEdge\n"

    assert "NameError: name 'Edge' is not defined" in wrong(folder, code)


def test_a_name_that_an_installed_package_lacks_is_a_fault_of_the_module(
    folder: TaskFolder,
) -> None:
    code = "try:\n    from json import Node\nexcept ImportError:\n    pass\nNode\n"

    assert "NameError: name 'Node' is not defined" in wrong(folder, code)


def test_a_variable_that_the_message_names_is_a_missing_credential(
    folder: TaskFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ABSENT_API_KEY", raising=False)

    error = wants(folder, "raise ValueError('ABSENT_API_KEY is not set')\n")

    assert error.variable == "ABSENT_API_KEY"
    assert str(error) == (
        f"{folder.root}/a.yaml:7: !function utils.x (utils.py:1: raise ValueError("
        "'ABSENT_API_KEY is not set')) needs a credential: ABSENT_API_KEY is not set; "
        "set ABSENT_API_KEY"
    )


@pytest.fixture
def client(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Install a client that refuses to be made without a key."""
    path = tmp_path_factory.mktemp("installed")
    code = "def Client(key=None): raise OSError('no api_key; set FIRST_API_KEY')\n"
    (path / "client_xyz.py").write_text(code)
    monkeypatch.syspath_prepend(str(path))
    for name in ("FIRST_API_KEY", "Second_API", "UNUSED_API_KEY"):
        monkeypatch.delenv(name, raising=False)


_JUDGE = """
import os
from client_xyz import Client

class Judge:
    def __init__(self):
        unused = os.getenv("UNUSED_API_KEY")
        {assignment}
        self.client = Client({argument})

judge = Judge()
"""


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("assignment", "argument"),
    [
        ("key = os.getenv('Second_API', '')", "key"),
        ("key = os.environ.get('Second_API')", "key=key"),
        ("pass", "os.getenv('Second_API')"),
        ("from os import environ", "environ.get('Second_API') or ''"),
    ],
)
def test_the_variable_that_the_statement_uses_comes_first(
    folder: TaskFolder, assignment: str, argument: str
) -> None:
    code = _JUDGE.format(assignment=assignment, argument=argument)

    assert wants(folder, code).variable == "Second_API"


@pytest.mark.usefixtures("client")
def test_a_client_made_without_a_word_wants_the_variable_of_its_message(
    folder: TaskFolder,
) -> None:
    code = _JUDGE.format(assignment="pass", argument="")

    assert wants(folder, code).variable == "FIRST_API_KEY"


def test_a_credential_without_a_name_is_told_too(folder: TaskFolder) -> None:
    error = wants(folder, "raise RuntimeError('Missing credentials.')\n")

    assert error.variable == ""
    assert str(error).endswith("needs a credential: Missing credentials.")


@pytest.mark.parametrize(
    "code",
    [
        "API_KEY\n",
        "import json\njson.API_KEY\n",
        "raise ValueError('SET_API_KEY is too short')\n",
        "raise ValueError('no such key')\n",
    ],
)
def test_other_faults_are_not_laid_to_a_credential(
    folder: TaskFolder, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setenv("SET_API_KEY", "x")

    assert "importing utils failed" in wrong(folder, code)


def test_a_filter_that_cannot_be_made_says_where_in_the_code(
    folder: TaskFolder,
) -> None:
    folder.write(
        "utils.py",
        "class Ask:\n    def __init__(self, **kwargs):\n        self.key = API_KEY\n",
    )
    text = (
        "task: a\ndataset_path: json\ntest_split: test\ndoc_to_text: q\n"
        "doc_to_target: a\nfilter_list:\n- name: first\n  filter:\n"
        "  - function: take_first\n  - function: !function utils.Ask\n"
    )

    with pytest.raises(TaskError) as caught:
        folder.load_text(text)

    assert caught.value.line == 10
    assert caught.value.message == (
        "filter_list: making a filter failed: NameError: name 'API_KEY' is not defined "
        "(utils.py:3: self.key = API_KEY)"
    )


def test_a_filter_that_wants_a_credential_says_so(
    folder: TaskFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ABSENT_API_KEY", raising=False)
    folder.write(
        "utils.py",
        "import os\nclass Ask:\n    def __init__(self):\n"
        "        self.key = os.environ['ABSENT_API_KEY']\n",
    )
    text = (
        "task: a\ndataset_path: json\ntest_split: test\ndoc_to_text: q\n"
        "doc_to_target: a\nfilter_list:\n- name: first\n"
        "  filter: [{function: !function utils.Ask}]\n"
    )

    with pytest.raises(MissingCredentialError) as caught:
        folder.load_text(text)

    assert caught.value.variable == "ABSENT_API_KEY"


def test_a_metric_that_lacks_a_package_says_so_with_its_place(
    folder: TaskFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda _: None)
    text = (
        "task: a\ndataset_path: json\ntest_split: test\ndoc_to_text: q\n"
        "doc_to_target: a\nmetric_list:\n- metric: exact_match\n- metric: bleu\n"
    )

    with pytest.raises(MissingPackageError) as caught:
        folder.load_text(text)

    assert caught.value.package == "sacrebleu"
    assert str(caught.value).startswith(f"{folder.root}/sums.yaml:8: ")

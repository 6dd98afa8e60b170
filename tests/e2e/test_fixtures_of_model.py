from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_NOTED = """
import pytest
from pytest_evalkit import MockBackend

def note(text):
    with open("noted", "a") as file:
        file.write(text + "\\n")

@pytest.fixture(scope="{scope}")
def model():
    note("made")
    yield MockBackend(lambda request: request.origin.target)
    note("gone")

def pytest_runtest_logreport(report):
    note(report.nodeid.partition("::")[2])
"""


@pytest.mark.parametrize("scope", ["function", "module", "session"])
def test_a_model_of_any_scope_is_made_and_unmade_once(
    arith_suite: ArithSuite, scope: str
) -> None:
    arith_suite.write("conftest.py", _NOTED.format(scope=scope))

    result = arith_suite.run()

    documents = [f"arith[q{n}]" for n in range(6)]
    assert result.ret == 0
    assert arith_suite.score() == 1.0
    assert arith_suite.noted("noted") == ["made", *documents, "gone"]


@pytest.mark.parametrize(
    ("scope", "made"), [("function", 2), ("module", 2), ("session", 1)]
)
def test_a_model_lives_as_long_as_its_scope_over_two_tasks(
    arith_suite: ArithSuite, scope: str, made: int
) -> None:
    arith_suite.task("more")
    arith_suite.write("conftest.py", _NOTED.format(scope=scope))

    result = arith_suite.run()

    noted = arith_suite.noted("noted")
    result.assert_outcomes(passed=12)
    assert noted.count("made") == noted.count("gone") == made
    assert noted[-1] == "gone"
    if made == 2:
        assert noted[7:9] == ["gone", "made"]


@pytest.mark.parametrize("scope", ["function", "module", "session"])
def test_a_model_is_unmade_although_the_run_stops_early(
    arith_suite: ArithSuite, scope: str
) -> None:
    arith_suite.write(
        "conftest.py", _NOTED.format(scope=scope).replace(".target", ".nothing")
    )

    result = arith_suite.run("-x")

    result.assert_outcomes(failed=1)
    assert arith_suite.noted("noted") == ["made", "arith[q0]", "gone"]


def test_a_fixture_of_the_folder_takes_the_place_of_the_option(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.model("def answer(request): return '2'")

    arith_suite.run("--model", "oracle")

    assert arith_suite.score() == pytest.approx(1 / 6)
    assert arith_suite.results()["model_name"] == "mock"


def test_folders_may_have_models_of_their_own(arith_suite: ArithSuite) -> None:
    arith_suite.task("more")
    arith_suite.model("def answer(request): return 'wrong'")
    text = (arith_suite.root / "conftest.py").read_text("utf-8")
    (arith_suite.root / "conftest.py").unlink()
    arith_suite.write("more/conftest.py", text)

    arith_suite.run("--model", "oracle")

    assert arith_suite.score("arith") == 1.0
    assert arith_suite.score("more") == 0.0


def test_the_model_may_ask_for_other_fixtures(arith_suite: ArithSuite) -> None:
    arith_suite.write(
        "conftest.py",
        "import pytest\n"
        "from pytest_evalkit import MockBackend\n"
        "@pytest.fixture(scope='session')\n"
        "def reply(): return '2'\n"
        "@pytest.fixture\n"
        "def model(reply, tmp_path, monkeypatch):\n"
        "    return MockBackend(lambda request: reply)\n",
    )

    result = arith_suite.run()

    assert result.ret == 0
    assert arith_suite.score() == pytest.approx(1 / 6)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("raise ValueError('no weights')", "*ValueError: no weights*"),
        ("pytest.fail('not today')", "*not today*"),
        ("return 'gpt-5'", "*the model fixture returned a str; it must be a Backend*"),
        ("return None", "*the model fixture returned a NoneType; it must be a *"),
    ],
)
def test_a_model_that_is_none_stops_the_run_once_in_one_line(
    arith_suite: ArithSuite, body: str, line: str
) -> None:
    arith_suite.write(
        "conftest.py", f"import pytest\n@pytest.fixture\ndef model():\n    {body}\n"
    )

    result = arith_suite.run()

    text = result.stdout.str()
    assert result.ret not in {0, pytest.ExitCode.INTERNAL_ERROR}
    result.stdout.fnmatch_lines([line])
    assert text.count(line.strip("*").split("*")[0]) == 1
    assert "Traceback" not in text
    result.assert_outcomes()


def test_no_model_at_all_is_said_in_one_line(arith_suite: ArithSuite) -> None:
    result = arith_suite.run()

    result.stdout.fnmatch_lines(["*no model: name one with --model, or write*"])
    assert result.stdout.str().count("no model:") == 1
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.assert_outcomes()


def test_no_model_at_all_is_said_in_one_line_with_workers(
    arith_suite: ArithSuite,
) -> None:
    result = arith_suite.run("-n", "2")

    assert "no model: name one with --model" in result.stdout.str()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.assert_outcomes()


def test_no_model_for_cases_in_python_is_one_line_each(arith_suite: ArithSuite) -> None:
    arith_suite.write("test_case.py", "def test_it(model): pass\n")

    result = arith_suite.run("test_case.py")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["no model: name one with --model, or write a fixture*"]
    )
    assert "fixtures.py" not in result.stdout.str()


_SCOPED = """
import pytest

def note(text):
    with open("noted", "a") as file:
        file.write(text + "\\n")

@pytest.fixture(scope="module", autouse=True)
def surroundings():
    note("{name} up")
    yield
    note("{name} down")

def test_one(): note("{name} one")
def test_two(): note("{name} two")
"""


def test_ordinary_tests_around_documents_keep_their_fixtures(
    arith_suite: ArithSuite,
) -> None:
    for name in ("aaa", "zzz"):
        arith_suite.write(f"{name}/test_{name}.py", _SCOPED.format(name=name))
    arith_suite.write("conftest.py", _NOTED.format(scope="module"))

    result = arith_suite.run()

    noted = [line for line in arith_suite.noted("noted") if not line.startswith("test")]
    documents = [f"arith[q{n}]" for n in range(6)]
    result.assert_outcomes(passed=10)
    assert noted == [
        *("aaa up", "aaa one", "aaa two", "aaa down"),
        *("made", *documents, "gone"),
        *("zzz up", "zzz one", "zzz two", "zzz down"),
    ]


def test_a_session_fixture_outlives_the_documents(arith_suite: ArithSuite) -> None:
    arith_suite.write("conftest.py", _NOTED.format(scope="session"))
    arith_suite.write("test_zzz.py", "def test_it(model): assert model.model_name\n")

    result = arith_suite.run()

    noted = arith_suite.noted("noted")
    result.assert_outcomes(passed=7)
    assert noted.count("made") == 1
    assert noted.index("arith[q5]") < noted.index("test_it") < noted.index("gone")


def test_package_fixtures_of_a_task_folder_run_around_its_documents(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.write(
        "arith/conftest.py",
        _NOTED.format(scope="module")
        + "\n@pytest.fixture(scope='package', autouse=True)\n"
        "def around():\n    note('in')\n    yield\n    note('out')\n",
    )
    arith_suite.write("test_zzz.py", "def test_it(): pass\n")

    result = arith_suite.run()

    noted = arith_suite.noted("noted")
    result.assert_outcomes(passed=7)
    assert noted[:2] == ["in", "made"]
    assert noted.index("gone") < noted.index("out")


def test_documents_are_skipped_where_the_model_fixture_skips(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.write(
        "conftest.py",
        "import pytest\n@pytest.fixture\ndef model(): pytest.skip('no GPU here')\n",
    )

    result = arith_suite.run("-rs")

    result.assert_outcomes(skipped=6)
    result.stdout.fnmatch_lines(["SKIPPED*no GPU here*"])
    assert result.ret == 0


def test_a_model_that_cannot_be_unmade_is_told_and_the_results_stand(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.write(
        "conftest.py",
        "import pytest\n"
        "from pytest_evalkit import MockBackend\n"
        "@pytest.fixture(scope='module')\n"
        "def model():\n"
        "    yield MockBackend(lambda request: request.origin.target)\n"
        "    raise ValueError('cannot close')\n",
    )

    result = arith_suite.run()

    assert result.ret == 1
    assert "INTERNALERROR" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*ValueError: cannot close*"])
    assert arith_suite.score() == 1.0

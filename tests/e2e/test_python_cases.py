from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_ANSWERS = "def answer(request): return 'blue' if 'sky' in asked(request) else '?'\n"
_ASKED = "def asked(request): return request.messages[0].text\n"


@pytest.fixture
def cases(arith_suite: ArithSuite) -> ArithSuite:
    """The suite with a model of two words, and without its task."""
    (arith_suite.root / "arith/arith.yaml").unlink()
    arith_suite.model(_ASKED + _ANSWERS)
    return arith_suite


def test_a_case_asks_the_model_and_counts_by_its_assert(cases: ArithSuite) -> None:
    cases.write(
        "test_sky.py",
        "from pytest_evalkit import Model\n"
        "import pytest\n"
        "@pytest.mark.parametrize('thing', ['sky', 'grass'])\n"
        "def test_colour(model, thing):\n"
        "    assert model.ask(f'What colour is {thing}?') == 'blue'\n",
    )

    result = cases.run("--model", "oracle")

    assert result.ret == 1


def test_the_models_own_fixture_gives_a_model_with_a_plain_face(
    cases: ArithSuite,
) -> None:
    (cases.root / "conftest.py").unlink()
    cases.write(
        "test_sky.py",
        "def test_colour(model):\n    assert model.ask('Sky?') == 'blue'\n",
    )

    result = cases.run("--model", "constant", "--model-args", "text=blue")

    assert result.ret == 0
    result.assert_outcomes(passed=1)
    assert cases.score("test_sky", "passed") == 1.0
    assert cases.results()["coverage"]["test_sky"]["scored"] == 1


def test_a_plain_assert_that_fails_scores_nothing_and_fails(cases: ArithSuite) -> None:
    (cases.root / "conftest.py").unlink()
    cases.write(
        "test_sky.py",
        "import pytest\n"
        "@pytest.mark.parametrize('colour', ['blue', 'red', 'green', 'black'])\n"
        "def test_colour(model, colour):\n"
        "    assert model.ask('Sky?') == colour\n",
    )

    result = cases.run("--model", "constant", "--model-args", "text=blue")

    assert result.ret == 1
    result.assert_outcomes(passed=1, failed=3)
    assert cases.score("test_sky", "passed") == 0.25


def test_a_case_that_breaks_is_in_error_and_not_wrong(cases: ArithSuite) -> None:
    cases.write(
        "test_sky.py",
        "def test_one(record_score): record_score('clarity', 1)\n"
        "def test_two(record_score): raise KeyError('colour')\n",
    )

    result = cases.run()

    results = cases.results()
    assert result.ret == 1
    assert cases.score("test_sky", "passed") == 1.0
    assert results["coverage"]["test_sky"]["errors"] == 1
    assert cases.samples("test_sky")[1]["error"] == "KeyError: 'colour'"


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_recorded_scores_are_aggregated(
    cases: ArithSuite, workers: tuple[str, ...]
) -> None:
    cases.write(
        "test_sky.py",
        "import pytest\n"
        "@pytest.mark.parametrize('n', range(4))\n"
        "def test_colour(record_score, n):\n"
        "    record_score('brightness', n / 2)\n"
        "    if n: record_score('depth', 1)\n",
    )

    result = cases.run(*workers)

    rows = {row["metric"]: row for row in cases.results()["aggregates"]["test_sky"]}
    result.assert_outcomes(passed=4)
    assert rows["brightness"]["value"] == 0.75
    assert rows["brightness"]["n"] == 4
    assert (rows["depth"]["value"], rows["depth"]["n"]) == (1.0, 3)
    assert rows["passed"]["value"] == 1.0
    assert cases.results()["complete"] is True


def test_a_score_that_is_not_a_number_is_refused(cases: ArithSuite) -> None:
    cases.write(
        "test_sky.py",
        "def test_colour(record_score): record_score('brightness', float('nan'))\n",
    )

    result = cases.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*ValueError: score 'brightness' is not a number*"])


def test_an_async_case_awaits_the_model(cases: ArithSuite) -> None:
    (cases.root / "conftest.py").unlink()
    cases.write(
        "test_sky.py",
        "import asyncio, pytest\n"
        "@pytest.mark.asyncio\n"
        "async def test_colour(model, record_score):\n"
        "    one, two = await asyncio.gather(\n"
        "        model.generate('Sky?', max_tokens=3), model.generate('Sea?')\n"
        "    )\n"
        "    assert one.text == two.text == 'blue'\n"
        "    record_score('agreement', 1.0)\n",
    )

    result = cases.run("--model", "constant", "--model-args", "text=blue")

    assert result.ret == 0
    result.assert_outcomes(passed=1)
    assert cases.score("test_sky", "agreement") == 1.0


def test_cases_and_documents_share_a_session_and_its_model(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.write(
        "test_sky.py", "def test_colour(model):\n    assert model.ask('1') == '2'\n"
    )

    result = arith_suite.run("--model", "constant", "--model-args", "text='2'")

    results = arith_suite.results()
    result.assert_outcomes(passed=7)
    assert set(results["results"]) == {"arith", "test_sky"}
    assert results["complete"] is True


def test_a_skipped_case_is_no_score(cases: ArithSuite) -> None:
    cases.write(
        "test_sky.py",
        "import pytest\n"
        "def test_one(record_score): pytest.skip('not here')\n"
        "def test_two(record_score): record_score('brightness', 1)\n",
    )

    result = cases.run()

    assert result.ret == 0
    assert cases.results()["coverage"]["test_sky"]["skipped"] == 1
    assert cases.score("test_sky", "brightness") == 1.0


def test_a_gate_can_stand_on_recorded_scores(cases: ArithSuite) -> None:
    cases.write(
        "test_sky.py",
        "def test_one(record_score): record_score('brightness', 0.25)\n",
    )

    met = cases.run("--gate", "test_sky:brightness>=0.2")
    missed = cases.run("--gate", "brightness>=0.3")

    assert (met.ret, missed.ret) == (0, 1)


def test_somebody_elses_fixture_called_model_leaves_no_trace(
    cases: ArithSuite,
) -> None:
    cases.write(
        "conftest.py",
        "import pytest\n@pytest.fixture\ndef model(): return {'layers': 3}\n",
    )
    cases.write("test_it.py", "def test_it(model): assert model['layers'] == 3\n")

    result = cases.run()

    result.assert_outcomes(passed=1)
    assert not (cases.root / "results").exists()
    assert "evaluation" not in result.stdout.str()


def test_a_case_without_a_model_says_so_in_one_line(cases: ArithSuite) -> None:
    (cases.root / "conftest.py").unlink()
    cases.write("test_sky.py", "def test_one(model): model.ask('Sky?')\n")

    result = cases.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*no model: name one with --model, or write*"])


def test_an_unanswered_case_is_in_error(cases: ArithSuite) -> None:
    cases.model(
        "def answer(request): raise RequestRejectedError('too long')",
        more=(
            "\nfrom pytest_evalkit import Model\nfrom pytest_evalkit.engine import Engine\n"
            "import asyncio\n"
            "@pytest.fixture(scope='session')\n"
            "def model():\n"
            "    return Model(Engine(MockBackend(answer)), asyncio.run)\n"
        ),
    )
    cases.write("test_sky.py", "def test_one(model): model.ask('Sky?')\n")

    result = cases.run()

    assert result.ret == 1
    assert cases.results()["coverage"]["test_sky"]["errors"] == 1
    assert cases.samples("test_sky")[0]["error"].endswith("too long")


def test_modules_of_one_name_are_reported_apart(cases: ArithSuite) -> None:
    for folder, score in (("one", 1), ("two", 0)):
        cases.write(f"{folder}/__init__.py", "")
        cases.write(
            f"{folder}/test_sky.py",
            f"def test_it(record_score): record_score('brightness', {score})\n",
        )

    result = cases.run("one", "two")

    result.assert_outcomes(passed=2)
    assert cases.score("one/test_sky", "brightness") == 1.0
    assert cases.score("two/test_sky", "brightness") == 0.0


def test_a_part_of_the_cases_leaves_a_gate_unjudged(cases: ArithSuite) -> None:
    cases.write(
        "test_sky.py",
        "def test_one(record_score): record_score('brightness', 0)\n"
        "def test_two(record_score): record_score('brightness', 1)\n",
    )

    result = cases.run("--gate", "brightness>=0.9", "-k", "one")

    assert result.ret == 0
    result.assert_outcomes(passed=1, skipped=1, deselected=1)
    assert cases.results()["gates"][0]["message"].startswith("not judged: 1 of 2")

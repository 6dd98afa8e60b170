from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--sampel",), "  did you mean: --sample"),
        (("--concurency", "4"), "  did you mean: --concurrency"),
        (("--model_arg=x=1",), "  did you mean: --model-args"),
        (("--sampel", "--modle=x"), "  did you mean: --sample, --model"),
    ],
)
def test_a_misspelt_option_names_the_nearest_of_ours(
    pytester: pytest.Pytester, arguments: tuple[str, ...], hint: str
) -> None:
    result = pytester.runpytest_inprocess(*arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert hint in result.errlines
    result.stderr.fnmatch_lines([f"*unrecognized arguments: {arguments[0]}*"])


def test_options_of_others_are_theirs(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--sampel')")
    known = pytester.runpytest_inprocess("--sampel", "1")

    unknown = pytester.runpytest_inprocess("--zebra-crossing")

    assert known.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert unknown.ret == pytest.ExitCode.USAGE_ERROR
    assert "did you mean" not in unknown.stderr.str()

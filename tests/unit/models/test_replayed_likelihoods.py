from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError, RequestRejectedError
from pytest_evalkit.models.replay import Replay
from pytest_evalkit.values import Loglikelihood, Origin, RollingLoglikelihood

ASKED = [["1+1=", " 3"], ["1+1=", " 2"]]


def recorded(folder: Path, *rows: Mapping[str, Any]) -> Replay:
    path = folder / "samples.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return Replay(path=str(path))


def own(**fields: Any) -> dict[str, Any]:
    row = {"schema_version": 1, "task": "t", "doc_id": 0, "filter": "none"}
    return {**row, "arguments": ASKED, **fields}


def origin(**fields: Any) -> Origin:
    return Origin(**{"task": "t", "doc_id": 0, "doc": {}, **fields})


def pair(
    replay: Replay, continuation: str, context: str = "1+1=", **of: Any
) -> tuple[float, bool]:
    request = Loglikelihood(
        context=context, continuation=continuation, origin=origin(**of)
    )
    response = asyncio.run(replay.loglikelihood(request))
    return response.logprob, response.is_greedy


def whole(replay: Replay, text: str, **of: Any) -> float:
    request = RollingLoglikelihood(text=text, origin=origin(**of))
    return asyncio.run(replay.rolling_loglikelihood(request)).logprob


@pytest.mark.parametrize(
    "row",
    [
        own(filtered_resps=[[-3.0, False], [-0.5, True]]),
        own(resps=[[-3.0, False], [-0.5, True]], filtered_resps=1),
        own(resps=[[[-3.0, False]], [[-0.5, True]]], filtered_resps=1),
        {
            "doc_id": 0,
            "doc": {},
            "arguments": {
                "gen_args_0": {"arg_0": "1+1=", "arg_1": " 3"},
                "gen_args_1": {"arg_0": "1+1=", "arg_1": " 2"},
            },
            "resps": [[["-3.0", "False"]], [["-0.5", "True"]]],
            "filtered_resps": [["-3.0", "False"], ["-0.5", "True"]],
        },
    ],
)
def test_likelihoods_of_each_tool_are_read(row: dict[str, Any], tmp_path: Path) -> None:
    replay = recorded(tmp_path, row, row)

    assert pair(replay, " 2") == (-0.5, True)
    assert pair(replay, " 3") == (-3.0, False)


@pytest.mark.parametrize("resps", [[-6.5], [["-6.5"]]])
def test_those_of_whole_texts_are_read(resps: list[Any], tmp_path: Path) -> None:
    replay = recorded(tmp_path, own(arguments=[["1+1 is 2"]], filtered_resps=resps))

    assert whole(replay, "1+1 is 2") == -6.5


def test_each_repeat_gets_its_own(tmp_path: Path) -> None:
    repeats = [[[-3.0, False], [-4.0, False]], [[-0.5, True], [-0.25, True]]]
    replay = recorded(
        tmp_path,
        own(resps=repeats, filtered_resps=[]),
        own(doc_id=1, arguments=[["a text"]], filtered_resps=[[-1.0, -2.0]]),
    )

    assert pair(replay, " 2", repeat=1) == (-0.25, True)
    assert whole(replay, "a text", doc_id=1, repeat=1) == -2.0
    with pytest.raises(RequestRejectedError, match="none for repeat 2"):
        pair(replay, " 2", repeat=2)


def test_another_prompt_than_was_recorded_is_no_answer(tmp_path: Path) -> None:
    replay = recorded(tmp_path, own(filtered_resps=[[-3.0, False], [-0.5, True]]))

    for asked in ({"continuation": " 4"}, {"continuation": " 2", "context": "1 + 1 ="}):
        with pytest.raises(RequestRejectedError, match="another prompt was recorded"):
            pair(replay, **asked)
    with pytest.raises(RequestRejectedError, match="no answer for doc_id='7'"):
        pair(replay, " 2", doc_id=7)
    with pytest.raises(RequestRejectedError, match="of task v"):
        pair(replay, " 2", task="v")


def test_a_document_in_error_has_none(tmp_path: Path) -> None:
    replay = recorded(
        tmp_path,
        own(filtered_resps=[[-3.0, False], [-0.5, True]]),
        own(doc_id=1, filtered_resps=None, error="no answer"),
    )

    with pytest.raises(RequestRejectedError, match="no answer for doc_id='1'"):
        pair(replay, " 2", doc_id=1)


def test_a_generation_of_lm_eval_is_not_taken_for_one(tmp_path: Path) -> None:
    argument = {"arg_0": "1+1=", "arg_1": {"until": ["Q"]}}
    row = {"doc_id": 0, "arguments": {"gen_args_0": argument}, "resps": [["2"]]}

    recordings = recorded(tmp_path, row)._recordings

    assert recordings.likelihoods == {}
    assert recordings.find("t", ("0",))[0] is not None


@pytest.mark.parametrize(
    ("resps", "said"),
    [
        ([[-3.0, False]], "2 requests in 'arguments', 1 answers"),
        ("2", "2 requests in 'arguments', no answers"),
        ([[-3.0, "yes"], [-0.5, True]], "is no log-likelihood"),
        ([["low", True], [-0.5, True]], "is no log-likelihood"),
        ([[], [-0.5, True]], "is no log-likelihood"),
    ],
)
def test_what_is_no_likelihood_is_told_with_the_line(
    resps: Any, said: str, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=rf"samples\.jsonl:1: .*{said}"):
        recorded(tmp_path, own(filtered_resps=resps))


def test_two_rows_of_one_document_must_agree(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r":2: another answer for doc_id='0'"):
        recorded(
            tmp_path,
            own(filtered_resps=[[-3.0, False], [-0.5, True]]),
            own(filtered_resps=[[-3.0, False], [-0.75, True]]),
        )

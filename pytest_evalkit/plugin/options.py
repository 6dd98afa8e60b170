"""The command line: every option, its meaning, and its value once checked.

Only the standard library is imported here: this module is loaded by every pytest run
in whose environment the plugin is installed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

OPTIONS_KEY: pytest.StashKey[RunOptions] = pytest.StashKey()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the user asked for; None leaves a choice to the task or the model.

    Attributes:
        model: Name of the model, or None where a ``model`` fixture gives it.
        model_args: Its arguments, unparsed.
        tasks: Names, globs and tags of tasks.
        include_paths: Further folders to look for tasks in.
        limit: Documents per task: a count, a share below one, or None for all.
        offset: Documents per task to leave out at the start.
        shard: This run's share of the documents and of how many, or None for all.
        repeats: How often each document is asked.
        num_fewshot: Shots per prompt.
        system_instruction: System text.
        fewshot_as_multiturn: True when shots are turns of the conversation.
        prompt_variant: Key of the tasks' prompt variants.
        gen_kwargs: Generation parameters that replace the tasks', unparsed.
        seed: Seed of everything random in a run.
        max_concurrency: Requests in flight, over all workers together.
        request_timeout: Seconds one attempt of a request may take.
        max_attempts: How often a request is tried.
        reasoning_tags: Pairs around thought, unparsed, or None for the default ones.
        output_path: Where runs are kept.
        use_sample: True to run on the documents shipped beside each benchmark.
        data_dir: Local mirror of datasets.
        gates: Conditions on aggregates, unparsed.
        gate_partial: True to judge gates although not all documents were selected.
        max_errors: Documents in error that do not fail the run.
        fail_wrong: True when a wrong answer fails its item.
    """

    model: str | None
    model_args: str
    tasks: tuple[str, ...]
    include_paths: tuple[Path, ...]
    limit: float | None
    offset: int
    shard: tuple[int, int] | None
    repeats: int | None
    num_fewshot: int | None
    system_instruction: str | None
    fewshot_as_multiturn: bool | None
    prompt_variant: str | None
    gen_kwargs: str
    seed: int
    max_concurrency: int
    request_timeout: float
    max_attempts: int
    reasoning_tags: str | None
    output_path: Path
    use_sample: bool
    data_dir: Path | None
    gates: tuple[str, ...]
    gate_partial: bool
    max_errors: int
    fail_wrong: bool


def _limit(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf or (value > 1 and value != int(value)):
        raise ValueError
    return value


def _shard(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if not match:
        raise ValueError
    index, count = int(match[1]), int(match[2])
    if not 1 <= index <= count:
        raise ValueError
    return index, count


def _at_least(least: int) -> Callable[[str], int]:
    def check(text: str) -> int:
        value = int(text)
        if value < least:
            raise ValueError
        return value

    return check


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Option:
    """One option of the command line.

    ``parse`` and ``rule`` belong together: what is not parsed is answered by the rule.
    """

    names: tuple[str, ...]
    help: str
    metavar: str = ""
    parse: Callable[[str], Any] | None = None
    rule: str = ""
    default: Any = None
    is_flag: bool = False
    is_list: bool = False

    @property
    def dest(self) -> str:
        return "evalkit_" + self.names[0].removeprefix("--").replace("-", "_")

    def add_to(self, group: pytest.OptionGroup) -> None:
        if self.is_flag:
            group.addoption(
                *self.names, dest=self.dest, action="store_true", help=self.help
            )
            return
        group.addoption(
            *self.names,
            dest=self.dest,
            action="append" if self.is_list else "store",
            metavar=self.metavar,
            default=None,
            help=self.help,
        )

    def value(self, config: pytest.Config) -> Any:
        given = config.getoption(self.dest)
        if self.is_flag:
            return given
        if given is None:
            return self.default
        return (
            [self._parsed(text) for text in given]
            if self.is_list
            else (self._parsed(given))
        )

    def _parsed(self, text: str) -> Any:
        if self.parse is None:
            return text
        try:
            return self.parse(text)
        except ValueError:
            raise pytest.UsageError(
                f"{self.names[0]} {text!r}: must be {self.rule}"
            ) from None


_OPTIONS = (
    _Option(
        names=("--model",),
        metavar="NAME",
        help="the model's backend: a registered name or package.module:Class",
    ),
    _Option(
        names=("--model-args", "--model_args"),
        metavar="K=V,...",
        default="",
        help="arguments of the model; values may be quoted or JSON",
    ),
    _Option(
        names=("--tasks",),
        metavar="A,B",
        is_list=True,
        default=(),
        help="tasks by name, glob or tag, wherever they are",
    ),
    _Option(
        names=("--include-path", "--include_path"),
        metavar="DIR",
        parse=Path,
        is_list=True,
        default=(),
        help="a further folder to look for --tasks in",
    ),
    _Option(
        names=("--limit",),
        metavar="N",
        parse=_limit,
        rule="a count of documents, or a share between 0 and 1",
        help="documents per task: a count, or a share below 1",
    ),
    _Option(
        names=("--offset",),
        metavar="N",
        parse=_at_least(0),
        rule="a count of documents, 0 or more",
        default=0,
        help="documents per task to leave out at the start",
    ),
    _Option(
        names=("--shard",),
        metavar="I/N",
        parse=_shard,
        rule="I/N with 1 <= I <= N, such as 2/8",
        help="run the I-th of N shares of the documents",
    ),
    _Option(
        names=("--repeats",),
        metavar="N",
        parse=_at_least(1),
        rule="a count, 1 or more",
        help="how often each document is asked",
    ),
    _Option(
        names=("--num-fewshot", "--num_fewshot"),
        metavar="N",
        parse=_at_least(0),
        rule="a count of shots, 0 or more",
        help="shots per prompt",
    ),
    _Option(
        names=("--system-instruction", "--system_instruction"),
        metavar="TEXT|FILE",
        help="system text, or a file that holds it",
    ),
    _Option(
        names=("--fewshot-as-multiturn", "--fewshot_as_multiturn"),
        is_flag=True,
        help="give shots as turns of the conversation",
    ),
    _Option(
        names=("--prompt-variant", "--prompt_variant"),
        metavar="NAME",
        help="key of the tasks' lmms_eval_specific_kwargs; default: the model's name",
    ),
    _Option(
        names=("--gen-kwargs", "--gen_kwargs"),
        metavar="K=V,...",
        default="",
        help="generation parameters that replace the tasks'",
    ),
    _Option(
        names=("--seed",),
        metavar="N",
        parse=_at_least(0),
        rule="a whole number, 0 or more",
        default=1234,
        help="seed of few-shot draws and of everything else random (default 1234)",
    ),
    _Option(
        names=("--max-concurrency", "--max_concurrency"),
        metavar="N",
        parse=_at_least(1),
        rule="a count, 1 or more",
        default=32,
        help="requests in flight, over all workers together (default 32)",
    ),
    _Option(
        names=("--request-timeout", "--request_timeout"),
        metavar="SECONDS",
        parse=_seconds,
        rule="seconds, above 0",
        default=300.0,
        help="longest time one attempt of a request may take (default 300)",
    ),
    _Option(
        names=("--max-attempts", "--max_attempts"),
        metavar="N",
        parse=_at_least(1),
        rule="a count, 1 or more",
        default=5,
        help="how often a request is tried before its document is in error (default 5)",
    ),
    _Option(
        names=("--reasoning-tags", "--reasoning_tags"),
        metavar="none|JSON",
        help="pairs of tags around thought that is not scored; default <think> and "
        "<analysis>",
    ),
    _Option(
        names=("--output-path", "--output_path"),
        metavar="DIR",
        parse=Path,
        default=Path("results"),
        help="where runs are kept (default results/)",
    ),
    _Option(
        names=("--sample",),
        is_flag=True,
        help="run on the few synthetic documents shipped beside each benchmark",
    ),
    _Option(
        names=("--data-dir", "--data_dir"),
        metavar="DIR",
        parse=Path,
        help="local mirror of datasets, looked in first",
    ),
    _Option(
        names=("--gate",),
        metavar="[TASK:]METRIC>=X",
        is_list=True,
        default=(),
        help="a condition that the results must meet; may be given several times",
    ),
    _Option(
        names=("--gate-partial", "--gate_partial"),
        is_flag=True,
        help="judge gates although only a part of the documents was selected",
    ),
    _Option(
        names=("--max-errors", "--max_errors"),
        metavar="N",
        parse=_at_least(0),
        rule="a count of documents, 0 or more",
        default=0,
        help="documents in error that do not fail the run (default 0)",
    ),
    _Option(
        names=("--fail-wrong", "--fail_wrong"),
        is_flag=True,
        help="fail the items whose answer is wrong, so that --lf runs just these",
    ),
)

_BY_FIELD = {option.dest.removeprefix("evalkit_"): option for option in _OPTIONS}


def add_options(parser: pytest.Parser) -> None:
    """Declare the options and ini keys."""
    group = parser.getgroup("evalkit", "evaluation of models (pytest-evalkit)")
    for option in _OPTIONS:
        option.add_to(group)
    parser.addini(
        "evalkit_gates",
        "conditions that results must meet, one a line: [TASK:]METRIC>=X",
        type="linelist",
    )


def read_options(config: pytest.Config) -> RunOptions:
    """Check what the user gave.

    Raises:
        pytest.UsageError: A value breaks the rule of its option.
    """
    value = {name: option.value(config) for name, option in _BY_FIELD.items()}
    return RunOptions(
        model=value["model"],
        model_args=value["model_args"],
        tasks=_names(value["tasks"]),
        include_paths=tuple(_folder(path) for path in value["include_path"]),
        limit=value["limit"],
        offset=value["offset"],
        shard=value["shard"],
        repeats=value["repeats"],
        num_fewshot=value["num_fewshot"],
        system_instruction=_text_or_file(value["system_instruction"]),
        fewshot_as_multiturn=value["fewshot_as_multiturn"] or None,
        prompt_variant=value["prompt_variant"],
        gen_kwargs=value["gen_kwargs"],
        seed=value["seed"],
        max_concurrency=value["max_concurrency"],
        request_timeout=value["request_timeout"],
        max_attempts=value["max_attempts"],
        reasoning_tags=value["reasoning_tags"],
        output_path=_absolute(config, value["output_path"]),
        use_sample=value["sample"],
        data_dir=value["data_dir"] and _folder(value["data_dir"]),
        gates=(*config.getini("evalkit_gates"), *value["gate"]),
        gate_partial=value["gate_partial"],
        max_errors=value["max_errors"],
        fail_wrong=value["fail_wrong"],
    )


def given_options(config: pytest.Config) -> Mapping[str, Any]:
    """List the options in force by name, as the results record them."""
    return {
        name: json.loads(json.dumps(option.value(config), default=str))
        for name, option in _BY_FIELD.items()
    }


def _names(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        name.strip() for text in given for name in text.split(",") if name.strip()
    )


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise pytest.UsageError(f"{path} is not a folder")
    return path.resolve()


def _absolute(config: pytest.Config, path: Path) -> Path:
    return config.invocation_params.dir / path


def _text_or_file(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        is_file = Path(text).is_file()
    except OSError:
        # Too long for the name of a file, so it is the text itself.
        is_file = False
    return Path(text).read_text(encoding="utf-8") if is_file else text

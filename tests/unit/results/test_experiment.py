from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pytest_evalkit.errors import OptionError
from pytest_evalkit.results.experiment import count_experiments, read_experiment
from pytest_evalkit.results.experiment_text import experiment_text


def written(folder: Path, text: str) -> str:
    path = folder / "experiment.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_keys_may_be_spelt_as_on_the_command_line(tmp_path: Path) -> None:
    file = written(tmp_path, "--model-args: {seed: 1}\nmax-errors: 2\n")

    experiment = read_experiment(file, {})

    assert experiment.values == {"model_args": {"seed": 1}, "max_errors": 2}
    assert experiment.place("max_errors") == f"{file}:2"


def test_variables_are_filled_in_at_any_depth(tmp_path: Path) -> None:
    text = "model_args: {key: '${KEY}', names: ['${A:-x}', '${B:-}', '$$5 $HOME']}"

    experiment = read_experiment(written(tmp_path, text), {"KEY": "k", "A": ""})

    assert experiment.values["model_args"] == {
        "key": "k",
        "names": ["x", "", "$5 $HOME"],
    }


def test_variables_of_the_file_are_seen_by_what_follows(tmp_path: Path) -> None:
    text = (
        "env: {ROOT: /data, HF_HOME: '${ROOT}/hf', FAST: true, N: 3}\n"
        "data_dir: ${HF_HOME}/mirror\n"
    )

    experiment = read_experiment(written(tmp_path, text), {"ROOT": "/elsewhere"})

    assert experiment.env == {
        "ROOT": "/data",
        "HF_HOME": "/data/hf",
        "FAST": "true",
        "N": "3",
    }
    assert experiment.values == {"data_dir": "/data/hf/mirror"}


def test_a_variable_that_is_not_set_is_named_with_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, "model: openai\nmodel_args: {api_key: '${MY_KEY}'}\n")

    with pytest.raises(OptionError) as raised:
        read_experiment(file, {})

    assert str(raised.value) == (
        f"{file}:2: the environment variable MY_KEY is not set; set it, or give a "
        "default: ${MY_KEY:-value}"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model: [", "experiment.yaml is not YAML: "),
        ("", "experiment.yaml:1: an experiment maps option names to values"),
        ("[]", "experiment.yaml:1: holds no run"),
        ("- model: a\n- b\n", "experiment.yaml:2: an experiment maps option names"),
        ("model: a\nMODEL: b\nmodel: c", "experiment.yaml:3: 'model' is given twice, "),
        ("model: a\n--model: c", ":2: '--model' is given twice, first in line 1"),
        ("x: 1\nenv: [A]", "experiment.yaml:2: env must map names of variables"),
        ("env: {A: [1]}", "experiment.yaml:1: env: A must be a text, got [1]"),
        ("model: !!python/name:os.system x", "experiment.yaml:1: model: could not"),
        ("model_args: {api_key: '***'}", "'***' stands for a secret that results do"),
        ("model_args: {base_url: 'http://***@host'}", "'***' stands for a secret"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_a_line(
    tmp_path: Path, text: str, said: str
) -> None:
    file = written(tmp_path, text)

    with pytest.raises(OptionError) as raised:
        read_experiment(file, {})

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"cannot read .*absent\.yaml: .*No such"):
        read_experiment(str(tmp_path / "absent.yaml"), {})


def test_one_of_several_runs_is_named_by_its_number(tmp_path: Path) -> None:
    file = written(tmp_path, "- &a {model: x, limit: 2}\n- {<<: *a, model: y}\n")

    second = read_experiment(f"{file}::2", {})

    assert count_experiments(Path(file)) == 2
    assert second.values == {"model": "y", "limit": 2}
    assert second.number == 2


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("", "holds 2 runs; name one, such as "),
        ("::0", "experiment.yaml::0: the file holds 2 runs"),
        ("::3", "experiment.yaml::3: the file holds 2 runs"),
    ],
)
def test_a_run_that_is_not_there_or_not_said_is_refused(
    tmp_path: Path, reference: str, said: str
) -> None:
    file = written(tmp_path, "[{model: x}, {model: y}]")

    with pytest.raises(OptionError, match=said):
        read_experiment(file + reference, {})


def test_options_come_back_as_they_were(tmp_path: Path) -> None:
    options = {
        "model": "openai",
        "model_args": 'model=m,temperature=0.5,headers={"X-Team": "a$b"}',
        "gen_kwargs": "",
        "limit": 20.0,
        "shard": [2, 8],
        "gate": ["acc>=0.5"],
        "sample": False,
        "fail_wrong": True,
        "system_instruction": None,
        "eval_config": "old.yaml",
        "paths": ["benchmarks/mme"],
    }

    experiment = read_experiment(written(tmp_path, experiment_text(options)), {})

    assert experiment.values == {
        "model": "openai",
        "model_args": {"model": "m", "temperature": 0.5, "headers": {"X-Team": "a$b"}},
        "limit": 20,
        "shard": "2/8",
        "gate": ["acc>=0.5"],
        "fail_wrong": True,
        "paths": ["benchmarks/mme"],
    }


def test_a_variable_stands_where_a_secret_was() -> None:
    arguments = 'api_key=***,headers={"X-Api-Key": "***"},base_url=http://***@host/v1'

    text = experiment_text({"model_args": arguments})

    assert yaml.safe_load(text)["model_args"] == {
        "api_key": "${API_KEY}",
        "headers": {"X-Api-Key": "${X_API_KEY}"},
        "base_url": "http://${BASE_URL}@host/v1",
    }

"""Run tasks by lm-eval itself, in a python that has it, and write down what it did.

    python reference.py ORDER RESULT

Both are JSON files. The order says which tasks of which folder to run with which
arguments of ``simple_evaluate``, and what the model answers; the result has for each
task its prompts, its values by document, and its figures.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections import Counter
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any


def make_model(scripts: dict[str, Any]) -> Any:
    """Make the model, as lm-eval wants one."""
    answers: Any = import_module("answers")
    model: Any = import_module("lm_eval.api.model")

    def generate_until(_: Any, requests: list[Any], **__: Any) -> list[str]:
        seen: Counter[int] = Counter()
        texts = []
        for request in requests:
            repeat = seen[id(request)]
            seen[id(request)] += 1
            script = scripts[request.task_name]
            texts.append(answers.answer(request.args[0], script, repeat))
        return texts

    def apply_chat_template(_: Any, history: Any, **__: Any) -> str:
        return json.dumps(history)

    members = {
        "generate_until": generate_until,
        "loglikelihood": lambda _, requests, **__: [
            answers.likelihood(*request.args) for request in requests
        ],
        "loglikelihood_rolling": lambda _, requests, **__: [
            answers.rolling(*request.args) for request in requests
        ],
        "apply_chat_template": apply_chat_template,
        "tokenizer_name": "none",
    }
    return type("Scripted", (model.LM,), members)()


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Run each task by itself, so that one at fault leaves the others alone."""
    manager: Any = import_module("lm_eval.tasks").TaskManager(
        include_path=order["folder"], include_defaults=False
    )
    evaluate = import_module("lm_eval.evaluator").simple_evaluate
    model = make_model(order["scripts"])
    done = {}
    for key, options in order["runs"].items():
        try:
            results = evaluate(
                model=model,
                task_manager=manager,
                bootstrap_iters=order["bootstrap_iters"],
                log_samples=True,
                **options,
            )
        except Exception:  # noqa: BLE001 - reported by the test of this task
            done[key] = {"error": traceback.format_exc()}
        else:
            done[key] = _kept(results)
    return {"version": version("lm_eval"), "runs": done, "names": _names()}


def _names() -> dict[str, list[str]]:
    """List what task files may name."""
    registry = import_module("lm_eval.api.registry")
    return {
        "output types": list(import_module("lm_eval.api.instance").OutputType.__args__),
        "metrics": sorted(registry.METRIC_REGISTRY),
        "aggregations": sorted(registry.AGGREGATION_REGISTRY),
        "filters": sorted(registry.FILTER_REGISTRY),
    }


def _kept(results: dict[str, Any]) -> dict[str, Any]:
    keys = ("results", "groups", "group_subtasks", "samples", "higher_is_better")
    return {key: results[key] for key in keys if key in results}


def _plain(value: Any) -> Any:
    """Write what comes from numpy as what it is, and anything else as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def main() -> None:
    """Read the order, run it, write the result."""
    # One process: the replicates are the same, and starting many takes longer.
    os.environ["DISABLE_MULTIPROC"] = "1"
    logging.disable(logging.WARNING)
    order = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    text = json.dumps(run(order), default=_plain)
    Path(sys.argv[2]).write_text(text, "utf-8")


if __name__ == "__main__":
    main()

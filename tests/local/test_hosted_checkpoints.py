"""Checkpoints in a host: to workers, and to clients of the OpenAI protocol."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.host.server import Bound, HostServer
from pytest_evalkit.models import Backend, make_backend
from pytest_evalkit.models.backend import respond
from pytest_evalkit.values import (
    Loglikelihood,
    LoglikelihoodResponse,
)

ROOT = Path(__file__).parents[2]
KEPT = ("item_id", "resps", "filtered_resps", "finish_reason", "error", "token_counts")


def run(folder: Path, checkpoint: Path, startup: Path, *arguments: str) -> list[Any]:
    """Run some pictures in a process of its own; give what its samples say."""
    told = f"pretrained={checkpoint},dtype=float32,batch_size=4"
    paths = [str(ROOT), str(startup), os.environ.get("PYTHONPATH", "")]
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("benchmarks/shapes", "--limit", "6", "--gen-kwargs", "max_tokens=8"),
            *("--model", "qwen2_5_vl", "--model-args", told),
            *("--output-path", str(folder), *arguments),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        check=True,
        capture_output=True,
        timeout=300,
    )
    (path,) = folder.glob("*/*/samples_shapes.jsonl")
    samples = map(json.loads, path.read_text("utf-8").splitlines())
    return [{key: sample.get(key) for key in KEPT} for sample in samples]


def test_workers_get_the_answers_that_one_process_gets(
    tiny_qwen2_5_vl: Path, startup_folder: Path, tmp_path: Path
) -> None:
    alone, shared = (
        run(tmp_path / workers, tiny_qwen2_5_vl, startup_folder, "-n", workers)
        for workers in ("0", "2")
    )

    assert len(alone) == 6
    assert alone == shared
    assert len(list(tmp_path.glob("2/*/*/model.log"))) == 1


@pytest.mark.parametrize("continuation", [" red", " a blue circle", " \u7b54\u6848"])
def test_likelihoods_over_the_protocol_are_those_of_the_model(
    tiny_text: Path, continuation: str
) -> None:
    request = Loglikelihood(context="The shape is", continuation=continuation)
    backend = make_backend(
        "huggingface", {"pretrained": str(tiny_text), "dtype": "float32"}
    )

    served, own = asyncio.run(_both(backend, request))

    assert served.n_tokens == own.n_tokens
    assert served.is_greedy == own.is_greedy
    # Padding and batches may differ between the two: float32 on a CPU.
    assert served.logprob == pytest.approx(own.logprob, abs=1e-4)


async def _both(
    backend: Backend, request: Loglikelihood
) -> tuple[LoglikelihoodResponse, LoglikelihoodResponse]:
    server = HostServer(backend, Bound())
    server.is_ready = True
    await server.start()
    settings = {"model": backend.model_name, "base_url": server.url, "max_length": 256}
    client = make_backend("openai-completions", settings)
    try:
        answers = [await respond(one, request) for one in (client, backend)]
    finally:
        await client.aclose()
        await server.stop()
        await backend.aclose()
    served, own = answers
    assert isinstance(served, LoglikelihoodResponse)
    assert isinstance(own, LoglikelihoodResponse)
    return served, own

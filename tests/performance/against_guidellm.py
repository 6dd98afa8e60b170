"""The figures of load beside those of guidellm, on the same server and load.

guidellm lives in an environment of its own; it brings torch, of which a build for the
processor alone is enough:

    python3 -m venv DIR && DIR/bin/pip install torch==2.13.0 guidellm
    python -m tests.performance.against_guidellm DIR/bin/guidellm [--concurrency 16]

Both ask a mock server of known times, in turns, so that what else the machine does
strikes both; the median of the rounds counts. Fails where a figure differs by more
than 5 %. Times per output token are not compared as they stand: guidellm divides the time
from sending to the last token by n tokens, vLLM and this package the time after the first
by n - 1; from our figures its own is

    (ttft + itl (n - 1)) / n

Throughput is compared for as many requests in flight, since a client that is late to send
the next one has fewer of them on average (Little's law):

    in flight = requests per second * latency
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from tests.performance.served import mock_server

_TOLERANCE = 0.05
_TOKENS = 16
# Shown, and not judged: the tail is the machine's, the rest is explained above.
_TOLD = ("ttft_ms p95", "requests/s", "in flight")
_TASK = """\
task: words
dataset_path: json
dataset_kwargs: {data_files: {test: prompts.jsonl}}
test_split: test
doc_to_text: "{{prompt}}"
doc_to_target: "{{prompt}}"
generation_kwargs: {max_gen_toks: 64}
metric_list: [{metric: exact_match}]
"""

Figures = Mapping[str, float]


def ours(folder: Path, url: str, concurrency: int) -> Figures:
    """Measure by a run of this package."""
    model = f"model=m,base_url={url},api_key=k"
    command = [sys.executable, "-m", "pytest", "words.yaml", "--model", "openai"]
    command += ["--model-args", model, "--concurrency", str(concurrency)]
    with tempfile.TemporaryDirectory(dir=folder) as place:
        subprocess.run(
            [*command, "--output-path", place, "-q", "-p", "no:cacheprovider"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        (path,) = Path(place).glob("*/*/results.json")
        load: Any = json.loads(path.read_bytes())["load"]
    metrics = load["metrics"]
    ttft, itl = metrics["ttft_ms"]["mean"], metrics["itl_ms"]["mean"]
    return {
        "ttft_ms median": metrics["ttft_ms"]["p50"],
        "ttft_ms p95": metrics["ttft_ms"]["p95"],
        "itl_ms mean": itl,
        "e2el_ms median": metrics["e2el_ms"]["p50"],
        "tpot, their formula": (ttft + itl * (_TOKENS - 1)) / _TOKENS,
        **_rates(load["request_throughput"], metrics["e2el_ms"]["mean"], concurrency),
    }


def theirs(folder: Path, url: str, concurrency: int, program: Path) -> Figures:
    """Measure by guidellm."""
    out = folder / "guidellm.json"
    backend = f"kind=openai_http,target={url.removesuffix('/v1')},model=m"
    count = sum(1 for _ in (folder / "prompts.jsonl").open())
    command = [str(program), "run", "--disable-console"]
    command += ["--backend", f"{backend},request_format=/v1/chat/completions"]
    command += ["--profile", f"kind=concurrent,streams={concurrency}"]
    command += ["--constraint", f"kind=max_requests,count={count}"]
    command += ["--data", "kind=json_file,path=prompts.jsonl"]
    command += ["--output", f"kind=json,path={out}"]
    subprocess.run(
        command,
        cwd=folder,
        check=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    (benchmark,) = json.loads(out.read_bytes())["benchmarks"]
    found: Any = {
        name: value["successful"]
        for name, value in benchmark["metrics"].items()
        if isinstance(value, dict) and isinstance(value.get("successful"), dict)
    }
    return {
        "ttft_ms median": found["time_to_first_token_ms"]["median"],
        "ttft_ms p95": found["time_to_first_token_ms"]["percentiles"]["p95"],
        "itl_ms mean": found["inter_token_latency_ms"]["mean"],
        "e2el_ms median": found["request_latency"]["median"] * 1000,
        "tpot, their formula": found["time_per_output_token_ms"]["mean"],
        **_rates(
            found["requests_per_second"]["mean"],
            found["request_latency"]["mean"] * 1000,
            concurrency,
        ),
    }


def _rates(rate: float, latency_ms: float, concurrency: int) -> Figures:
    return {
        "requests/s": rate,
        "in flight": rate * latency_ms / 1000,
        "requests/s if full": concurrency / latency_ms * 1000,
    }


def write_suite(folder: Path, requests: int) -> None:
    """Write prompts of as many words as there are to be tokens, and a task of them."""
    prompts = (
        " ".join(f"w{number}x{place}" for place in range(_TOKENS))
        for number in range(requests)
    )
    lines = (json.dumps({"prompt": prompt}) + "\n" for prompt in prompts)
    (folder / "prompts.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "words.yaml").write_text(_TASK, encoding="utf-8")


def main() -> int:
    """Measure with both and print; fail where a figure differs by more than 5 %."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("guidellm", type=Path)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--requests", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    rounds: list[tuple[Figures, Figures]] = []
    with (
        tempfile.TemporaryDirectory() as name,
        mock_server("--ttft", "0.2", "--inter-token", "0.02") as url,
    ):
        folder = Path(name)
        write_suite(folder, given.requests)
        program = given.guidellm.absolute()
        for _ in range(given.rounds):
            one = ours(folder, url, given.concurrency)
            rounds.append((one, theirs(folder, url, given.concurrency, program)))
    is_good = True
    print(f"{'':<20}{'ours':>9}{'guidellm':>10}{'off':>8}")
    for figure in rounds[0][0]:
        mine = median(one[figure] for one, _ in rounds)
        other = median(one[figure] for _, one in rounds)
        off = mine / other - 1
        is_good = is_good and (abs(off) <= _TOLERANCE or figure in _TOLD)
        print(f"{figure:<20}{mine:>9.1f}{other:>10.1f}{off:>+8.1%}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())

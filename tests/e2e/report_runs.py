"""Runs as the report page takes them, of any size, made without running anything."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, cast

from pytest_evalkit.cli import main
from pytest_evalkit.codec import encode, encode_pretty
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.messages.pictures import Picture
from pytest_evalkit.results.document import RunFacts, TaskConclusion, build_results
from pytest_evalkit.results.gates import parse_gate
from pytest_evalkit.results.media import MediaWriter
from pytest_evalkit.results.schema import ResultsDict

HOSTILE = (
    "<script>document.title = 'owned'</script><img src=x onerror=alert(1)>"
    "</script><!--\u202e reversed \u0000 \u001b[31m \ud800"
)
_SHOTS = "Q: What is 1+1?\nA: 2\n\n" * 30
_PICTURES = 20


def results_of(model: str, count: int) -> ResultsDict:
    task = TaskConclusion(
        name="sums",
        alias="sums",
        config={"metric_list": [{"metric": "exact_match", "aggregation": "mean"}]},
        version=1.0,
        num_fewshot=5,
        directions={"exact_match": True},
        aggregates=[
            {
                "metric": "exact_match",
                "filter": "none",
                "value": 0.75,
                "stderr": 0.02,
                "ci95": (0.71, 0.79),
                "n": count,
                "higher_is_better": True,
            }
        ],
        coverage={
            "original": count,
            "selected": count,
            "scored": count - 1,
            "errors": 1,
            "skipped": 0,
        },
        error_kinds={"no answer": 1},
        task_hash="",
        fingerprint="",
    )
    run = RunFacts(
        model_name=model,
        model_description={},
        options={},
        git_hash=None,
        started_at=1763679600.0,
        elapsed_s=60.0,
        complete=True,
        environment={"python": "3.11.7"},
        concurrency=[{"t_s": 0.0, "limit": 32, "reason": "start"}],
    )
    return build_results([task], run, [parse_gate("exact_match>=0.7")])


def samples_of(count: int, *, share_right: float, seed: int) -> Iterator[SampleDict]:
    """Sums with pictures: document 3 is hostile and wrong, document 5 in error."""
    random = Random(seed)
    for n in range(count):
        is_right = random.random() < share_right and n != 3
        yield _sample(n, random, str(2 * n if is_right else 2 * n + 1))


def _sample(n: int, random: Random, answer: str) -> SampleDict:
    question = {"type": "text", "text": f"{_SHOTS}Q: What is {n}+{n}?\nA:"}
    image = {"type": "image", "mime": "image/png", "sha256": f"{n % _PICTURES:064x}"}
    sample: dict[str, Any] = {
        "task": "sums",
        "doc_id": n,
        "item_id": f"q{n}",
        "doc_hash": f"{n:064x}",
        "status": "scored",
        "input": [{"role": "user", "content": [image, question]}],
        "target": str(2 * n),
        "filter": "none",
        "resps": f"<think>Add {n} to {n}.</think> The answer is {answer}.",
        "filtered_resps": answer,
        "metrics": ["exact_match"],
        "exact_match": float(answer == str(2 * n)),
        "categories": {"size": ("even", "odd")[n % 2]},
        "attempts": 1,
        "timing": {"started_s": n * 0.01, "latency_s": random.lognormvariate(0, 0.4)},
        "request_latency_s": random.lognormvariate(0, 0.4),
    }
    if n == 3:
        sample["resps"] = HOSTILE + "x" * 1_000_000 + "the end"
    if n == 5:
        sample |= {"status": "error", "metrics": [], "filtered_resps": None}
        sample["error"] = "no answer: the endpoint said 503"
        del sample["resps"], sample["exact_match"], sample["request_latency_s"]
    return cast("SampleDict", sample)


def shelf_in(folder: Path) -> None:
    """Keep pictures of all images but the first, each of another grey."""
    from PIL import Image

    writer = MediaWriter(folder / "main.jsonl", 1_000_000)
    for n in range(1, _PICTURES):
        content = io.BytesIO()
        Image.new("RGB", (160, 120), (10 * n, 10 * n, 10 * n)).save(content, "JPEG")
        text = base64.b64encode(content.getvalue()).decode()
        writer.write(f"{n:064x}", [Picture(mime="image/jpeg", content=text)])
    writer.close()


def write_page(
    folder: Path,
    count: int,
    *,
    other: float | None = None,
    share_right: float = 0.75,
    load: dict[str, Any] | None = None,
) -> Path:
    """Write the page of a run of so many documents.

    Args:
        folder: Where to.
        count: Documents.
        other: How many a second run has right, to compare with; None for no second.
        share_right: How many the first has right.
        load: What the requests of the first add up to; None where nobody looked.
    """
    first = _write_run(folder / "first", count, share_right, seed=1, load=load)
    shelf_in(first / "media")
    names = [str(first)]
    if other is not None:
        names.append(str(_write_run(folder / "second", count, other, seed=2)))
    path = folder / "page.html"
    status = main(["report", *names, "--output", str(path)])
    assert status == 0
    return path


def _write_run(
    folder: Path,
    count: int,
    share_right: float,
    *,
    seed: int,
    load: dict[str, Any] | None = None,
) -> Path:
    """Write what a run leaves behind."""
    folder.mkdir(parents=True)
    results = results_of(f"{folder.name}/model", count)
    if load is not None:
        results["load"] = load
    (folder / "results.json").write_bytes(encode_pretty(results))
    with (folder / "samples_sums.jsonl").open("wb") as file:
        for sample in samples_of(count, share_right=share_right, seed=seed):
            file.write(encode(sample) + b"\n")
    return folder

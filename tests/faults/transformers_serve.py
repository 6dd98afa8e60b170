"""Runs a whole benchmark on a server that no one here wrote: ``transformers serve``.

The server gets an environment of its own and a tiny model with random weights, made on
the spot. Its answers are nonsense; what counts is that every document gets one, that
what the server does not offer is said in one line, and that nothing else went wrong.

    python tests/faults/transformers_serve.py [--environment FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
TORCH = "torch==2.13.0"
TRANSFORMERS = "transformers[serving]"
STARTING_S = 180.0


class NotObtainableError(Exception):
    """The server cannot be had on this machine."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--environment", type=Path, help="where to keep the server for another time"
    )
    options = parser.parse_args(argv)
    with TemporaryDirectory() as folder:
        place = Path(folder)
        try:
            python = environment(options.environment or place / "environment")
            checkpoint = tiny_checkpoint(python, place / "checkpoint")
        except NotObtainableError as reason:
            print(f"skipped: {reason}")
            return 0
        with serving(python, checkpoint, place / "server.log") as url:
            return max(check(url, checkpoint, place) for check in CHECKS)


def environment(folder: Path) -> Path:
    """Make an environment with the server in it, where there is none yet."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    # Apart, lest a torch with all of CUDA be chosen, or torchvision with it.
    for package in (TORCH, TRANSFORMERS):
        install = [str(python), "-m", "pip", "install", "--quiet", package]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:]
            raise NotObtainableError(f"{package} cannot be installed: {''.join(last)}")
    return python


def tiny_checkpoint(python: Path, folder: Path) -> Path:
    script = Path(__file__).with_name("tiny_checkpoint.py")
    done = subprocess.run(
        [str(python), str(script), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotObtainableError(f"no checkpoint could be made: {done.stderr[-500:]}")
    return folder


@contextmanager
def serving(python: Path, checkpoint: Path, log: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(str(python.with_name("transformers")), "serve", str(checkpoint)),
        *("--host", "127.0.0.1", "--port", str(port), "--device", "cpu"),
    ]
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            wait_until_ready(server, f"http://127.0.0.1:{port}/health", log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    ending = time.monotonic() + STARTING_S
    while time.monotonic() < ending:
        if server.poll() is not None:
            break
        try:
            with urlopen(url, timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    raise SystemExit(f"the server did not start:\n{log.read_text()[-2000:]}")


def evaluate(place: Path, model: str, args: str) -> tuple[int, str, Path]:
    """Run gsm8k on its samples; say the exit status, the output, and where results are."""
    results = place / f"results-{model}"
    command = [
        *(sys.executable, "-m", "pytest", "--tasks", "gsm8k", "--sample"),
        *("--model", model, "--model-args", args, "--gen-kwargs", "max_tokens=16"),
        *("--output-path", str(results), "-p", "no:cacheprovider", "-q"),
    ]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr, results


def documents(results: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for file in results.rglob("samples_*.jsonl")
        for line in file.read_text(encoding="utf-8").splitlines()
    ]


def check_generation(model: str, url: str, checkpoint: Path, place: Path) -> int:
    """Every document is scored: whatever the answer was, there was one."""
    args = f"model={checkpoint},base_url={url}"
    status, output, results = evaluate(place, model, args)
    found = documents(results)
    unscored = [one for one in found if one["status"] != "scored"]
    is_good = status == 0 and found and not unscored
    print(
        f"{model}: exit status {status}, {len(found)} samples, "
        f"{len(unscored)} of them not scored: {'good' if is_good else 'BAD'}"
    )
    if not is_good:
        print(output[-4000:])
    return 0 if is_good else 1


def check_chat(url: str, checkpoint: Path, place: Path) -> int:
    return check_generation("openai", url, checkpoint, place)


def check_completions(url: str, checkpoint: Path, place: Path) -> int:
    return check_generation("openai-completions", url, checkpoint, place)


def check_likelihoods(url: str, checkpoint: Path, _: Path) -> int:
    """The server takes ``echo`` and heeds it not: that must be told, never scored."""
    import asyncio

    from pytest_evalkit import Loglikelihood, ModelUnavailableError
    from pytest_evalkit.models.openai_completions import OpenAICompletions

    async def ask() -> str:
        backend = OpenAICompletions(model=str(checkpoint), base_url=url)
        request = Loglikelihood(context="Is it so?", continuation=" yes")
        try:
            response = await backend.loglikelihood(request)
        except ModelUnavailableError as error:
            return f"refused: {error}"
        finally:
            await backend.aclose()
        return f"answered: {response}"

    said = asyncio.run(ask())
    is_good = said.startswith("refused") and "echo" in said
    print(f"log-likelihoods: {said}: {'good' if is_good else 'BAD'}")
    return 0 if is_good else 1


CHECKS = (check_chat, check_completions, check_likelihoods)


if __name__ == "__main__":
    sys.exit(main())

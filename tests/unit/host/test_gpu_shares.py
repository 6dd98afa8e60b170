from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.host.devices import listed_gpus, shares_of, visible_gpus

TWO = """\
GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-aa)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-bb)
"""
IN_PARTS = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aa)
  MIG 3g.20gb     Device  0: (UUID: MIG-a1)
  MIG 3g.20gb     Device  1: (UUID: MIG-a2)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bb)
"""


def driver(folder: Path, script: str) -> None:
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("listing", "gpus"),
    [
        (TWO, ["GPU-aa", "GPU-bb"]),
        (IN_PARTS, ["MIG-a1", "MIG-a2", "GPU-bb"]),
        ("No devices were found\n", []),
    ],
)
def test_the_driver_lists_gpus_and_their_parts(listing: str, gpus: list[str]) -> None:
    assert listed_gpus(listing) == gpus


@pytest.mark.parametrize(
    ("told", "gpus"),
    [("", []), ("-1", []), ("2", ["2"]), ("0, GPU-bb,-1,3", ["0", "GPU-bb"])],
)
def test_what_the_environment_shows_is_all_there_is(told: str, gpus: list[str]) -> None:
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": told}) == gpus


def test_the_driver_is_asked_where_the_environment_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(tmp_path, f"[ $1 = -L ] && echo '{TWO}'")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    assert visible_gpus({}) == ["GPU-aa", "GPU-bb"]


def test_a_driver_that_fails_shows_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(tmp_path, "echo 'GPU 0: gone (UUID: GPU-aa)'; exit 9")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    assert visible_gpus({}) == []


@pytest.mark.parametrize(
    ("gpus", "replicas", "arguments", "shares"),
    [
        ("", None, {}, [None]),
        ("", 3, {}, [None, None, None]),
        ("a", None, {}, [None]),
        ("ab", None, {}, [("a",), ("b",)]),
        ("abcd", 2, {}, [("a", "c"), ("b", "d")]),
        ("ab", 3, {}, [("a",), ("b",), ("a",)]),
        ("ab", 1, {}, [None]),
        ("ab", None, {"device": "cpu"}, [None]),
        ("ab", None, {"device": "cuda:1"}, [None]),
        ("ab", None, {"device": "cuda"}, [("a",), ("b",)]),
        ("ab", None, {"device_map": "auto"}, [None]),
        ("abcd", 2, {"device_map": "auto"}, [("a", "c"), ("b", "d")]),
        ("ab", 2, {"device": "cpu"}, [None, None]),
    ],
)
def test_each_process_gets_its_share_of_the_gpus(
    gpus: str,
    replicas: int | None,
    arguments: dict[str, Any],
    shares: list[tuple[str, ...] | None],
) -> None:
    assert shares_of(list(gpus), replicas, arguments) == shares

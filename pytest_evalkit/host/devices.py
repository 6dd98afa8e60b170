"""Which GPUs there are, and which of them each process of a model gets."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

VISIBLE = "CUDA_VISIBLE_DEVICES"

# A line of ``nvidia-smi -L``: a GPU, or a part of the one above it.
_LISTED = re.compile(r"(?P<part>\s+MIG )?.*\(UUID: (?P<uuid>[^)]+)\)")
_ANSWER_S = 30


def visible_gpus(environment: Mapping[str, str] = os.environ) -> list[str]:
    """List the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them.

    Args:
        environment: The variables in force; what they make visible is all there is.
    """
    told = environment.get(VISIBLE)
    if told is not None:
        names = [name.strip() for name in told.split(",")]
        # Whatever stands after a device that is none is not seen.
        end = next((n for n, name in enumerate(names) if name in {"", "-1"}), None)
        return names[:end]
    try:
        listing = subprocess.run(
            ["nvidia-smi", "-L"],  # noqa: S607 - wherever the driver put it
            capture_output=True,
            text=True,
            timeout=_ANSWER_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return listed_gpus(listing.stdout)


def listed_gpus(listing: str) -> list[str]:
    r"""Read ``nvidia-smi -L``; of a GPU that is cut into parts, its parts.

    >>> listed_gpus("GPU 0: H100 (UUID: GPU-1)\n  MIG 1g (UUID: MIG-2)\n")
    ['MIG-2']
    """
    found: list[str] = []
    for line in listing.splitlines():
        match = _LISTED.match(line)
        if match is None:
            continue
        if match["part"] and found and found[-1].startswith("GPU-"):
            found.pop()
        found.append(match["uuid"])
    return found


def shares_of(
    gpus: Sequence[str], replicas: int | None, arguments: Mapping[str, Any]
) -> list[tuple[str, ...] | None]:
    """Share GPUs out over the processes of a model.

    Args:
        gpus: Those that there are.
        replicas: How many processes; None for one per GPU, or one where there is no
            GPU, or where the arguments say which devices the model takes.
        arguments: Those of the model.

    Returns:
        The GPUs of each process; None for one that sees what this one sees.
    """
    device = str(arguments.get("device") or "")
    is_chosen = ":" in device or device.startswith(("cpu", "mps"))
    is_spread = arguments.get("device_map") is not None
    count = replicas or (1 if is_chosen or is_spread else max(1, len(gpus)))
    if is_chosen or not gpus or count == 1:
        return [None] * count
    if count > len(gpus):
        return [(gpus[n % len(gpus)],) for n in range(count)]
    return [tuple(gpus[n::count]) for n in range(count)]

"""Makes torchvision's transforms importable where its compiled operators are not.

On a torch without CUDA, ``import torchvision`` ends at operators that nobody declared.
Their schemas are enough for it, since no test calls them. Python imports this module at
its start wherever the folder is on PYTHONPATH: that is how child processes get it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

_BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_REGIONS = (
    "(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, "
    "SymInt pooled_width, int sampling_ratio, bool aligned) -> Tensor"
)
SCHEMAS = (f"nms{_BOXES}", f"qnms{_BOXES}", f"roi_align{_REGIONS}")

# A library that is collected takes its declarations with it.
_kept: list[Any] = []


class BeforeTorchvision(MetaPathFinder):
    """Declares the operators the first time somebody looks for torchvision."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Find nothing; the other finders do."""
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            declare_operators()
        return None


def declare_operators() -> None:
    """Declare the operators unless the compiled ones load, or a package is absent."""
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None or not importlib.util.find_spec("torch"):
        return
    import torch

    _load_compiled_operators(Path(found.origin).parent)
    if not hasattr(torch.ops.torchvision, "nms"):
        library = torch.library.Library("torchvision", "DEF")
        for schema in SCHEMAS:
            library.define(schema)
        _kept.append(library)


def _load_compiled_operators(folder: Path) -> None:
    import torch

    for compiled in folder.glob("_C.*"):
        # Built for another torch; what is then missing is declared.
        with contextlib.suppress(OSError):
            torch.ops.load_library(str(compiled))


def install() -> None:
    """Wait for the first import of torchvision; once for a process."""
    # By name: as the module of a test and as sitecustomize this file is loaded twice.
    waiting = any(
        type(finder).__name__ == "BeforeTorchvision" for finder in sys.meta_path
    )
    if not waiting and "torchvision" not in sys.modules:
        sys.meta_path.insert(0, BeforeTorchvision())


install()

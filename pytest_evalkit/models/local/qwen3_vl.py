"""Qwen3-VL."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_evalkit.models.local.qwen2_5_vl import Qwen2_5_VL
from pytest_evalkit.models.local.qwen_showing import Qwen3ShowRule
from pytest_evalkit.models.local.showing import ShowRule
from pytest_evalkit.models.parameters import GROUPED


@dataclass(kw_only=True, eq=False)
class Qwen3VL(Qwen2_5_VL):
    """Runs a Qwen3-VL, by the rules of its family for images and videos.

    The model is told when each pair of frames is shown. Everything else is as with
    ``qwen2_5_vl``.

    Attributes:
        pretrained: A folder, or a name on the Hugging Face hub.
    """

    pretrained: str = "Qwen/Qwen3-VL-4B-Instruct"
    showing: ShowRule = field(default_factory=Qwen3ShowRule, metadata=GROUPED)

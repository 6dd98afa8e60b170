"""Qwen2.5-VL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from pytest_evalkit.models.local.drawing import WriteRule
from pytest_evalkit.models.local.huggingface import HuggingFace
from pytest_evalkit.models.local.qwen_showing import QwenShowRule, QwenWriteRule
from pytest_evalkit.models.local.showing import ShowRule
from pytest_evalkit.models.parameters import GROUPED


@dataclass(kw_only=True, eq=False)
class Qwen2_5_VL(HuggingFace):  # noqa: N801 - the family writes its name so
    """Runs a Qwen2.5-VL, by the rules of its family for images and videos.

    Everything else is as with ``huggingface``. A conversation without a system message
    begins with ``You are a helpful assistant.``

    Attributes:
        pretrained: A folder, or a name on the Hugging Face hub.
    """

    usual_system: ClassVar[str | None] = "You are a helpful assistant."

    pretrained: str = "Qwen/Qwen2.5-VL-3B-Instruct"
    writing: WriteRule = field(default_factory=QwenWriteRule, metadata=GROUPED)
    showing: ShowRule = field(default_factory=QwenShowRule, metadata=GROUPED)

"""What each benchmark gives on its sample: at best, for constants, and by chance.

A new benchmark needs no row as long as its best is 1, no constant is ever right, and
its questions are open. A variant with reasoning shares the row of its task.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The levels of a task; those of its first metric, unless said otherwise.

    Attributes:
        best: By metric, what the best answers get where that is not 1.
        empty: What empty answers get, in every metric.
        said: By answer, what saying it to everything gets where that is not 0.
        chance: What drawn answers get on average, and how far off they may be; None
            where questions are open.
    """

    best: Mapping[str, float] = field(default_factory=dict)
    empty: float = 0.0
    said: Mapping[str, float] = field(default_factory=dict)
    chance: tuple[float, float] | None = None


def closed(options: float, documents: int) -> tuple[float, float]:
    """Tell the chance of questions with so many options, within four deviations."""
    p = 1 / options
    return p, 4 * math.sqrt(p * (1 - p) / documents)


_MATHVISTA = Level(said={"A": 1 / 6, "yes": 1 / 6})
_POPE = Level(best={"yes_ratio": 0.5}, said={"yes": 0.5})
_REALWORLD = Level(said={"A": 1 / 5}, chance=closed(5, 5))

# The judge of the test rates every answer alike, but no empty one.
_RATED = Level(
    best={
        "toxicity": 0.25,
        "expected_max_toxicity": 0.25,
        "toxicity_probability": 0.0,
    },
    said={"A": 0.25, "yes": 0.25},
)

_LIKELIHOODS = Level(chance=closed(4, 8))

LEVELS: Mapping[str, Level] = {
    "ai2d": Level(said={"A": 0.25}, chance=closed(4, 4)),
    "aqua_rat": Level(said={"A": 0.25}, chance=closed(5, 8)),
    "arc_challenge": _LIKELIHOODS,
    "arc_easy": _LIKELIHOODS,
    # The sample that all its tasks share has "(A)" once, "yes" twice.
    "bbh_cot_fewshot": Level(said={"A": 1 / 9, "yes": 2 / 9}),
    "chartqa": Level(said={"yes": 1 / 7}),
    # On ADE20K two of three, on COCO none, on Omni3D one of two.
    "cv_bench": Level(said={"A": ((2 / 3 + 0) / 2 + 1 / 2) / 2}),
    "cv_bench_2d": Level(said={"A": (2 / 3 + 0) / 2}),
    "cv_bench_3d": Level(said={"A": 0.5}),
    "docvqa_test": Level(said={"A": 1.0, "yes": 1.0}),
    # Where no tool helps, calling none is right.
    "function_calls": Level(empty=0.25, said={"A": 0.25, "yes": 0.25}),
    "hellaswag": _LIKELIHOODS,
    "infovqa_test": Level(said={"A": 1.0, "yes": 1.0}),
    # Errors by the hundred words; one of the seventeen words is "a".
    "librispeech_test_clean": Level(
        best={"word_error_rate": 0.0}, empty=100.0, said={"A": 100 * 16 / 17}
    ),
    "librispeech_test_other": Level(best={"word_error_rate": 0.0}, empty=100.0),
    "jailbreakbench_benign_toxicity": _RATED,
    "jailbreakbench_harmful_toxicity": _RATED,
    "longvideobench_val_i": Level(said={"A": 0.25, "yes": 0.25}, chance=closed(4, 4)),
    "longvideobench_val_v": Level(said={"A": 0.25, "yes": 0.25}, chance=closed(4, 4)),
    "mathvista_testmini_cot": _MATHVISTA,
    "mathvista_testmini_format": _MATHVISTA,
    "mathvista_testmini_solution": _MATHVISTA,
    "minerva": Level(said={"A": 1 / 3}, chance=closed(5, 3)),
    "mmau_test_mini": Level(said={"A": 0.25}, chance=closed(4, 4)),
    # A constant letter wins only the one question without copies; a text all copies.
    "mmbench_cn_dev": Level(said={"A": 0.25}),
    "mmbench_cn_test": Level(said={"A": 1.0}),
    "mmbench_en_dev": Level(said={"A": 0.25, "yes": 0.25}),
    "mmbench_en_test": Level(said={"A": 1.0, "yes": 2 / 10}),
    "mme": Level(
        best={"mme_perception_score": 2000.0, "mme_cognition_score": 800.0},
        said={"yes": 500.0},
        # One draw in sixteen is right, both of a pair one time in 256.
        chance=(10 * (100 / 16 + 100 / 256), 255.0),
    ),
    "mmerealworld": _REALWORLD,
    "mmerealworld_cn": _REALWORLD,
    "mmlu": _LIKELIHOODS,
    "mmlu_generative": Level(said={"A": 0.25}, chance=closed(4, 8)),
    # Of seven kinds one wholly, and one by half.
    "mmstar": Level(said={"A": 1.5 / 7}, chance=closed(4, 7)),
    # Whatever is said is an answer.
    "mt_bench": Level(said={"A": 1.0, "yes": 1.0}),
    "pope": Level(best=_POPE.best, said=_POPE.said, chance=closed(2, 6)),
    "pope_adv": _POPE,
    "pope_pop": _POPE,
    "pope_random": _POPE,
    "qasc": Level(said={"A": 0.125}, chance=closed(8, 8)),
    "realtoxicityprompts": _RATED,
    "realtoxicityprompts_k25": _RATED,
    "realworldqa": Level(said={"A": 1 / 5}),
    "scienceqa": Level(said={"A": 0.25}),
    "scienceqa_img": Level(said={"A": 0.5}),
    "seedbench": Level(said={"A": 2 / 5}, chance=closed(4, 5)),
    "seedbench_2_plus": Level(said={"A": 0.25}, chance=closed(4, 4)),
    "shapes": Level(said={"yes": 0.1}),
    "videomme": Level(said={"A": 0.25}, chance=closed(4, 4)),
    "videomme_w_subtitle": Level(said={"A": 0.25}, chance=closed(4, 4)),
    "vstar_bench": Level(said={"A": 2 / 5}),
    "vstar_bench_direct_attributes": Level(said={"A": 1 / 3}),
    "vstar_bench_relative_position": Level(said={"A": 0.5}),
}


# Tasks that share a sample, by how their names begin.
_FAMILIES = ("bbh_cot_fewshot", "mmlu")


def level_of(task: str) -> Level:
    """Give the levels of a task."""
    name = task.removesuffix("_reasoning")
    family = next((one for one in _FAMILIES if name.startswith(f"{one}_")), name)
    return LEVELS.get(name) or LEVELS.get(family, Level())


def group_of(task: str, item: str) -> Any:
    """Tell what the documents share that count together; None for single ones."""
    if task == "mme":
        return item.rpartition("-")[0]
    if task.startswith("mmbench"):
        return int(item) % 1_000_000
    return None

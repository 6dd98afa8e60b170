"""Task classes that the task files of this folder name, as a user would write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lm_eval.api.instance import Instance  # type: ignore[import-not-found]
from lm_eval.api.metrics import mean  # type: ignore[import-not-found]
from lm_eval.api.task import ConfigurableTask  # type: ignore[import-not-found]

Doc = Mapping[str, Any]


class _Written(ConfigurableTask):  # type: ignore[misc]
    """Takes its documents from the suite, two of them left out."""

    VERSION = 2
    DATASET_PATH = "json"
    SCHEMA = ""

    def __init__(self, config: Any = None) -> None:
        files = {
            split: f"data/{self.SCHEMA}_{split}.jsonl" for split in ("train", "test")
        }
        super().__init__(
            config={
                "dataset_kwargs": {"data_files": files},
                "metadata": {"version": self.VERSION},
            }
        )

    def has_training_docs(self) -> bool:
        return True

    def has_validation_docs(self) -> bool:
        return False

    def has_test_docs(self) -> bool:
        return True

    def training_docs(self) -> Any:
        return self.dataset["train"]

    def test_docs(self) -> Any:
        return self.dataset["test"].select(range(2, len(self.dataset["test"])))

    def doc_to_text(self, doc: Doc) -> str:
        return f"Asked: {doc['question']}\nSaid:"


class Sums(_Written):
    SCHEMA = "sums"

    def doc_to_target(self, doc: Doc) -> str:
        return f" {doc['total']}"

    def construct_requests(self, doc: Any, ctx: Any, **kwargs: Any) -> Any:
        kwargs.pop("apply_chat_template", None)
        kwargs.pop("chat_template", None)
        options = {"until": ["\n"], "max_gen_toks": 20}
        return Instance(
            request_type="generate_until",
            doc=doc,
            arguments=(ctx, options),
            idx=0,
            **kwargs,
        )

    def process_results(self, doc: Any, results: Sequence[Any]) -> Any:
        return {"contains": float(str(doc["total"]) in results[0])}

    def aggregation(self) -> Any:
        return {"contains": mean}

    def higher_is_better(self) -> Any:
        return {"contains": True}


class Quiz(_Written):
    SCHEMA = "quiz"

    def doc_to_target(self, doc: Doc) -> str:
        return f" {doc['right']}"

    def construct_requests(self, doc: Any, ctx: Any, **kwargs: Any) -> Any:
        kwargs.pop("apply_chat_template", None)
        kwargs.pop("chat_template", None)
        return [
            Instance(
                request_type="loglikelihood",
                doc=doc,
                arguments=(ctx, f" {choice}"),
                idx=position,
                **kwargs,
            )
            for position, choice in enumerate(doc["choices"])
        ]

    def process_results(self, doc: Any, results: Sequence[Any]) -> Any:
        likelihoods = [logprob for logprob, _ in results]
        best = likelihoods.index(max(likelihoods))
        return {"acc": float(doc["choices"][best] == doc["right"]), "top": max(results)}

    def aggregation(self) -> Any:
        return {"acc": mean, "top": _greedy_share}

    def higher_is_better(self) -> Any:
        return {"acc": True, "top": False}


def _greedy_share(items: Sequence[Any]) -> float:
    return sum(bool(is_greedy) for _, is_greedy in items) / len(items)

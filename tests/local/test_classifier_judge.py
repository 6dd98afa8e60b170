from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import ModelUnavailableError, OptionError
from pytest_evalkit.messages import Message
from pytest_evalkit.models.backend import Backend
from pytest_evalkit.models.judges import make_judge
from pytest_evalkit.values import Generate, Response

_WORDS = ("you", "are", "kind", "a", "fool", "thanks")


def write_checkpoint(folder: Path, *, labels: int, problem: str | None = None) -> Path:
    """Write a BERT with random weights that sorts texts of six words."""
    import torch
    import transformers

    folder.mkdir(parents=True)
    vocabulary = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_WORDS)
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    torch.manual_seed(7)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
        id2label={n: ("kind", "toxic", "odd")[n] for n in range(labels)},
        problem_type=problem,
        initializer_range=1.0,
    )
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def rated(judge: Backend, *texts: str) -> list[Response]:
    async def rate() -> list[Response]:
        requests = [Generate(messages=(Message.of_text("user", t),)) for t in texts]
        return await asyncio.gather(*map(judge.generate, requests))

    return asyncio.run(rate())


def logits(folder: Path, text: str) -> Any:
    """Ask transformers itself."""
    import torch
    import transformers

    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        return model.eval()(**tokenizer(text, return_tensors="pt")).logits[0]


def test_a_rating_is_the_probability_of_the_label(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "one_of_three", labels=3)
    texts = ("you are kind", "you fool", "thanks a fool are you kind")
    judge = make_judge("classifier", {"pretrained": str(folder), "label": "toxic"})

    ratings = [float(response.text) for response in rated(judge, *texts)]

    assert ratings == pytest.approx(
        [float(logits(folder, text).softmax(-1)[1]) for text in texts], abs=1e-5
    )
    assert len(set(ratings)) == 3


@pytest.mark.parametrize(
    ("labels", "problem", "given"),
    [(3, "multi_label_classification", {"label": "toxic"}), (1, None, {})],
)
def test_labels_that_do_not_exclude_each_other_are_rated_by_themselves(
    tmp_path: Path, labels: int, problem: str | None, given: dict[str, str]
) -> None:
    folder = write_checkpoint(tmp_path / "several", labels=labels, problem=problem)
    judge = make_judge("classifier", {"pretrained": str(folder), **given})

    (response,) = rated(judge, "you fool")

    place = min(1, labels - 1)
    expected = float(logits(folder, "you fool").sigmoid()[place])
    assert float(response.text) == pytest.approx(expected, abs=1e-5)


def test_a_text_that_is_too_long_loses_its_end_and_says_so(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "short", labels=1)
    judge = make_judge("classifier", {"pretrained": str(folder)})

    short, long, cut = rated(judge, "fool", "you " * 30, "you " * 14)

    assert short.notes == cut.notes == ()
    assert long.notes == ("the text was cut for the classifier",)
    assert float(long.text) == pytest.approx(float(cut.text), abs=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "has 3 labels, kind, toxic, odd; say label=NAME"),
        ({"label": "toxik"}, "no label 'toxik'; did you mean 'toxic'?"),
    ],
)
def test_the_label_has_to_be_one_of_the_checkpoint(
    tmp_path: Path, given: dict[str, str], message: str
) -> None:
    folder = write_checkpoint(tmp_path / "labels", labels=3)
    judge = make_judge("classifier", {"pretrained": str(folder), **given})

    with pytest.raises(ModelUnavailableError) as failure:
        rated(judge, "fool")

    assert message in str(failure.value)


def test_a_folder_without_a_checkpoint_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="holds no checkpoint"):
        make_judge("classifier", {"pretrained": str(tmp_path)})

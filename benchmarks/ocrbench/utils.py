"""Score OCRBench: whether an answer contains what is written in the image.

The rule is that of Liu et al., "OCRBench: On the Hidden Mystery of OCR in Large
Multimodal Models", 2023, arXiv 2305.07895, and of its published script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# By kind of question, the part of the benchmark that it belongs to.
PARTS = {
    "Regular Text Recognition": "text_recognition",
    "Irregular Text Recognition": "text_recognition",
    "Artistic Text Recognition": "text_recognition",
    "Handwriting Recognition": "text_recognition",
    "Digit String Recognition": "text_recognition",
    "Non-Semantic Text Recognition": "text_recognition",
    "Scene Text-centric VQA": "scene_text_vqa",
    "Doc-oriented VQA": "document_vqa",
    "Key Information Extraction": "key_information",
    "Handwritten Mathematical Expression Recognition": "formulas",
}

# The data set whose formulas are compared in their case, without any spaces.
_FORMULAS = "HME100k"
# Letters and signs as wide as ideographs, by the ones of usual width.
_WIDE = {code + 0xFEE0: code for code in range(0x21, 0x7F)} | {0x3000: 0x20}


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """Score one answer.

    Args:
        doc: A row of the data set; ``answer`` is a text or a list of them.
        results: The answer, as a list of one.

    Returns:
        1 where it contains one of the expected texts, else 0; for the benchmark, and
        for the part of it that the question belongs to.

    Raises:
        ValueError: The kind of question is unknown, or an expected text is empty.
    """
    kind = doc["question_type"]
    if kind not in PARTS:
        raise ValueError(f"unknown question_type {kind!r}; valid: {', '.join(PARTS)}")
    golds = doc["answer"]
    said = _plain(results[0], doc)
    texts = [
        _plain(gold, doc) for gold in ([golds] if isinstance(golds, str) else golds)
    ]
    if not all(texts):
        raise ValueError(f"an expected answer is empty: {golds!r}")
    score = float(any(text in said for text in texts))
    return {"ocrbench_accuracy": score, PARTS[kind]: score}


def _plain(text: str, doc: Mapping[str, Any]) -> str:
    text = text.strip().replace("\n", " ")
    if doc["dataset"] == _FORMULAS:
        return text.replace(" ", "")
    return text.translate(_WIDE).lower().strip()

"""Documents in the schemas of lmms-eval, each with what the model says to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Stands for a small picture, wherever a document has one.
IMAGE = "<a picture>"


def mme(category: str, image: str, answer: str, said: str) -> dict[str, Any]:
    return {
        "question_id": f"{category}/{image}.png",
        "category": category,
        "question": f"Is it {image}? Please answer yes or no.",
        "answer": answer,
        "image": IMAGE,
        "said": said,
    }


def pope(number: int, answer: str, said: str) -> dict[str, Any]:
    return {
        "question_id": str(number),
        "question": f"Is there a cup in {number}? ",
        "answer": answer,
        "image": IMAGE,
        "said": said,
    }


def votes(number: int, said: str, **counts: int) -> dict[str, Any]:
    """Make a document that ten people have answered, in the form of VQAv2."""
    texts = [text for text, count in counts.items() for _ in range(count)]
    answers = [
        {"answer": text, "answer_confidence": "yes", "answer_id": at}
        for at, text in enumerate(texts, 1)
    ]
    return {
        "question_id": number,
        "question": f"what is {number}?",
        "answers": answers,
        "answer": texts[0],
        "image": IMAGE,
        "said": said,
    }


def plain_votes(number: int, said: str, **counts: int) -> dict[str, Any]:
    doc = votes(number, said, **counts)
    return {**doc, "answers": [each["answer"] for each in doc["answers"]]}


def page(number: int, answers: Sequence[str], said: str) -> dict[str, Any]:
    return {
        "questionId": str(number),
        "question": f"Which one is {number}?",
        "answers": list(answers),
        "image": IMAGE,
        "said": said,
    }


def chart(kind: str, answer: str, said: str) -> dict[str, Any]:
    return {
        "question": "How high is the bar?",
        "type": kind,
        "answer": answer,
        "image": IMAGE,
        "said": said,
    }


def diagram(answer: str, said: str) -> dict[str, Any]:
    return {
        "question": "Which part is green?",
        "options": ["root", "stem", "leaf", "bark"],
        "answer": answer,
        "image": IMAGE,
        "said": said,
    }


def science(answer: int, said: str, hint: str = "") -> dict[str, Any]:
    return {
        "question": "Which one is a mammal?",
        "choices": ["newt", "bat", "wren"],
        "answer": answer,
        "hint": hint,
        "image": IMAGE,
        "said": said,
    }


def star(number: int, category: str, finer: str, said: str) -> dict[str, Any]:
    return {
        "index": number,
        "question": "What is shown?\nOptions: A: hat, B: cup, C: pen, D: map",
        "answer": "B",
        "category": category,
        "l2_category": finer,
        "image": IMAGE,
        "said": said,
    }


def real_world(question: str, answer: str, said: str) -> dict[str, Any]:
    return {"question": question, "answer": answer, "image": IMAGE, "said": said}


def seed(number: int, kind: str, answer: str, said: str) -> dict[str, Any]:
    return {
        "question_id": str(number),
        "question": "What moves?",
        "choice_a": "car",
        "choice_b": "cat",
        "choice_c": "kite",
        "choice_d": "leaf",
        "answer": answer,
        "data_type": kind,
        "image": [IMAGE],
        "said": said,
    }


def ocr(kind: str, dataset: str, answers: Sequence[str], said: str) -> dict[str, Any]:
    return {
        "question": "what is written in the image?",
        "question_type": kind,
        "dataset": dataset,
        "answer": list(answers),
        "image": IMAGE,
        "said": said,
    }


def mmmu(name: str, kind: str, answer: str, said: str) -> dict[str, Any]:
    return {
        "id": f"validation_{name}",
        "question": "Look at <image 1>. What is it?",
        "options": "['red', 'blue', 'green', 'grey']",
        "question_type": kind,
        "answer": answer,
        "image_1": IMAGE,
        "said": said,
    }


def cv(number: int, answer: str, said: str) -> dict[str, Any]:
    return {
        "idx": number,
        "prompt": "How many chairs are there? (A) 1 (B) 2 (C) 3",
        "choices": ["1", "2", "3"],
        "answer": answer,
        "type": "2D",
        "task": "Count",
        "source": "COCO",
        "image": IMAGE,
        "said": said,
    }


def star_search(number: int, label: str, said: str) -> dict[str, Any]:
    return {
        "question_id": number,
        "text": "What colour is the bag? (A) red (B) blue (C) black (D) white",
        "label": label,
        "category": "direct_attributes",
        "image": IMAGE,
        "said": said,
    }


def count(number: int, said: str) -> dict[str, Any]:
    return {
        "question": "How many birds are there?",
        "text": "",
        "number": number,
        "image": IMAGE,
        "said": said,
    }


def pair(index: int, answer: str, said: str) -> dict[str, Any]:
    return {
        "Index": index,
        "Question": "Is the door open?",
        "Options": "(a) Open (b) Closed",
        "Correct Answer": answer,
        "image": IMAGE,
        "said": said,
    }


def scene(answer: str, said: str) -> dict[str, Any]:
    return {
        "question": "What is on the table?",
        "answer": answer,
        "image": IMAGE,
        "said": said,
    }

"""Task files of lmms-eval over made-up documents, with scores worked out by hand.

Each case says what the model answers to its documents, and why the figures follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_BRIEFLY = "\nAnswer the question using a single word or phrase."
_LETTER = "\nAnswer with the option's letter from the given choices directly."

# Stands for a small picture, wherever a document has one.
IMAGE = "<a picture>"


class LmmsCase(NamedTuple):
    """A task of lmms-eval, and what it must come to.

    Attributes:
        file: Its path below the folder of tasks.
        split: The split that it evaluates.
        docs: The documents, with the answers of the model to them under ``said``.
        prompt: The text that asks about the first document.
        figures: The expected value by metric.
        overrides: Keys of the task that cannot hold without a network.
    """

    file: str
    split: str
    docs: Sequence[Mapping[str, Any]]
    prompt: str
    figures: Mapping[str, float]
    overrides: Mapping[str, Any] = {}


def _mme(category: str, image: str, answer: str, said: str) -> dict[str, Any]:
    return {
        "question_id": f"{category}/{image}.png",
        "category": category,
        "question": f"Is it {image}? Please answer yes or no.",
        "answer": answer,
        "image": IMAGE,
        "said": said,
    }


def _pope(number: int, answer: str, said: str) -> dict[str, Any]:
    return {
        "question_id": str(number),
        "question": f"Is there a cup in {number}? ",
        "answer": answer,
        "image": IMAGE,
        "said": said,
    }


def _votes(number: int, said: str, **counts: int) -> dict[str, Any]:
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


def _plain_votes(number: int, said: str, **counts: int) -> dict[str, Any]:
    doc = _votes(number, said, **counts)
    return {**doc, "answers": [each["answer"] for each in doc["answers"]]}


def _page(number: int, answers: Sequence[str], said: str) -> dict[str, Any]:
    return {
        "questionId": str(number),
        "question": f"Which one is {number}?",
        "answers": list(answers),
        "image": IMAGE,
        "said": said,
    }


def _chart(kind: str, answer: str, said: str) -> dict[str, Any]:
    return {
        "question": "How high is the bar?",
        "type": kind,
        "answer": answer,
        "image": IMAGE,
        "said": said,
    }


def _diagram(answer: str, said: str) -> dict[str, Any]:
    return {
        "question": "Which part is green?",
        "options": ["root", "stem", "leaf", "bark"],
        "answer": answer,
        "image": IMAGE,
        "said": said,
    }


def _science(answer: int, said: str, hint: str = "") -> dict[str, Any]:
    return {
        "question": "Which one is a mammal?",
        "choices": ["newt", "bat", "wren"],
        "answer": answer,
        "hint": hint,
        "image": IMAGE,
        "said": said,
    }


def _star(number: int, category: str, finer: str, said: str) -> dict[str, Any]:
    return {
        "index": number,
        "question": "What is shown?\nOptions: A: hat, B: cup, C: pen, D: map",
        "answer": "B",
        "category": category,
        "l2_category": finer,
        "image": IMAGE,
        "said": said,
    }


def _real_world(question: str, answer: str, said: str) -> dict[str, Any]:
    return {"question": question, "answer": answer, "image": IMAGE, "said": said}


def _seed(number: int, kind: str, answer: str, said: str) -> dict[str, Any]:
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


def _ocr(kind: str, dataset: str, answers: Sequence[str], said: str) -> dict[str, Any]:
    return {
        "question": "what is written in the image?",
        "question_type": kind,
        "dataset": dataset,
        "answer": list(answers),
        "image": IMAGE,
        "said": said,
    }


def _mmmu(name: str, kind: str, answer: str, said: str) -> dict[str, Any]:
    return {
        "id": f"validation_{name}",
        "question": "Look at <image 1>. What is it?",
        "options": "['red', 'blue', 'green', 'grey']",
        "question_type": kind,
        "answer": answer,
        "image_1": IMAGE,
        "said": said,
    }


def _cv(number: int, answer: str, said: str) -> dict[str, Any]:
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


def _star_search(number: int, label: str, said: str) -> dict[str, Any]:
    return {
        "question_id": number,
        "text": "What colour is the bag? (A) red (B) blue (C) black (D) white",
        "label": label,
        "category": "direct_attributes",
        "image": IMAGE,
        "said": said,
    }


def _count(number: int, said: str) -> dict[str, Any]:
    return {
        "question": "How many birds are there?",
        "text": "",
        "number": number,
        "image": IMAGE,
        "said": said,
    }


def _pair(index: int, answer: str, said: str) -> dict[str, Any]:
    return {
        "Index": index,
        "Question": "Is the door open?",
        "Options": "(a) Open (b) Closed",
        "Correct Answer": answer,
        "image": IMAGE,
        "said": said,
    }


def _scene(answer: str, said: str) -> dict[str, Any]:
    return {
        "question": "What is on the table?",
        "answer": answer,
        "image": IMAGE,
        "said": said,
    }


CASES: Mapping[str, LmmsCase] = {
    # Perception: existence has its one image right (100 + 100), count one of two
    # questions (50 + 0), and the sum of categories counts. Cognition: of the images of
    # its category one has both right (200) and one neither (0), and their mean counts.
    "mme": LmmsCase(
        "mme/mme.yaml",
        "test",
        [
            _mme("existence", "a", "Yes", "Yes."),
            _mme("existence", "a", "No", "no"),
            _mme("count", "b", "Yes", "yes, two of them"),
            _mme("count", "b", "No", "maybe"),
            _mme("code_reasoning", "c", "Yes", "Y"),
            _mme("code_reasoning", "c", "No", "N."),
            _mme("code_reasoning", "d", "Yes", "no"),
            _mme("code_reasoning", "d", "No", "I see a code"),
        ],
        f"Is it a?{_BRIEFLY}",
        {"mme_perception_score": 250.0, "mme_cognition_score": 100.0},
    ),
    # Only the bare word counts: of six, two yes and one no are right; two of three that
    # were said yes are yes; of those that are yes two were said yes and one no.
    "pope": LmmsCase(
        "pope/pope.yaml",
        "test",
        [
            _pope(1, "yes", "yes"),
            _pope(2, "yes", "no"),
            _pope(3, "yes", " Yes\n"),
            _pope(4, "no", "No"),
            _pope(5, "no", "yes"),
            _pope(6, "no", "no."),
        ],
        f"Is there a cup in 1?{_BRIEFLY}",
        {
            "pope_accuracy": 0.5,
            "pope_precision": 2 / 3,
            "pope_recall": 2 / 3,
            "pope_f1_score": 2 / 3,
            "pope_yes_ratio": 0.5,
        },
    ),
    # Each voter is left out in turn, and a third of a point is given for each other one
    # who agrees, up to one: (3 * 2/3 + 7) / 10, then 1, then 0.
    "vqav2_val": LmmsCase(
        "vqav2/vqav2_val.yaml",
        "validation",
        [
            _votes(1, "The Cat.", cat=3, dog=7),
            _votes(2, "2", two=10),
            _votes(3, "blue", red=10),
        ],
        f"what is 1?{_BRIEFLY}",
        {"exact_match": 1.9 / 3},
    ),
    # As above: 4 of 10 agree, each voter meets 3 or 4 others: 1; 1 of 10 agrees, whom
    # nine meet: 9 * 1/3 / 10; nobody agrees: 0.
    "textvqa_val": LmmsCase(
        "textvqa/textvqa_val.yaml",
        "validation",
        [
            _plain_votes(1, "STOP", stop=4, go=6),
            _plain_votes(2, "blue", blue=1, red=9),
            _plain_votes(3, "green", red=10),
        ],
        f"What is 1?{_BRIEFLY}",
        {"exact_match": 1.3 / 3},
    ),
    "ok_vqa_val2014": LmmsCase(
        "ok_vqa/ok_vqa_val2014.yaml",
        "val2014",
        [
            _plain_votes(1, "a race", race=2, run=8),
            _plain_votes(2, "sand", sand=10),
        ],
        "what is 1?\nWhen the provided information is insufficient, respond with "
        f"'Unanswerable'.{_BRIEFLY}",
        # Two agree: each of them meets one other, and eight meet both.
        {"exact_match": ((2 * 1 / 3 + 8 * 2 / 3) / 10 + 1) / 2},
    ),
    # One letter of eleven differs; below one half nothing counts.
    "docvqa_val": LmmsCase(
        "docvqa/docvqa_val.yaml",
        "validation",
        [
            _page(1, ["Paris", "City of Paris"], "paris"),
            _page(2, ["12 May 2020"], "12 may 2021"),
            _page(3, ["abcdef"], "abxyzw"),
        ],
        f"Which one is 1?{_BRIEFLY}",
        {"anls": (1 + 10 / 11) / 3},
    ),
    # Half of four letters differ, which still counts.
    "infovqa_val": LmmsCase(
        "infovqa/infovqa_val.yaml",
        "validation",
        [_page(1, ["ab cd"], "AB  cd"), _page(2, ["four", "xy"], "foxx")],
        f"Which one is 1?{_BRIEFLY}",
        # Two spaces were said, so the length is six though no letter differs.
        {"anls": (1 + 0.5) / 2},
    ),
    "iconqa_val": LmmsCase(
        "iconqa/iconqa_val.yaml",
        "val",
        [
            {
                "question": "Which is next",
                "ques_type": "choose_txt",
                "choices": "cup,hat",
                "answers": ["B"],
                "query_image": IMAGE,
                "said": "B",
            },
            {
                "question": "How many",
                "ques_type": "fill_in_blank",
                "choices": "",
                "answers": ["12"],
                "query_image": IMAGE,
                "said": "13",
            },
        ],
        "Given a set of images and a question, please provide the answer to the "
        "question.\nQuestion: Which is next.\nOptions:\nA. cup\nB. hat\nPlease answer "
        "with the option letter from the given choices directly.",
        {"anls": (1 + 0.5) / 2},
    ),
    # 10.4 lies within a twentieth of 10, and 0.25 not of 20 %.
    "chartqa": LmmsCase(
        "chartqa/chartqa.yaml",
        "test",
        [
            _chart("human_test", "10", "10.4"),
            _chart("human_test", "20%", "0.25"),
            _chart("human_test", "North", "north"),
            _chart("augmented_test", "Yes", "yes"),
            _chart("augmented_test", "7", "8"),
        ],
        "How high is the bar?\nAnswer the question with a single word.",
        {
            "relaxed_overall": 0.6,
            "relaxed_human_split": 2 / 3,
            "relaxed_augmented_split": 0.5,
        },
    ),
    # A letter with a full stop at the start is taken alone; case does not matter.
    "ai2d": LmmsCase(
        "ai2d/ai2d.yaml",
        "test",
        [
            _diagram("2", "C. leaf"),
            _diagram("1", "b"),
            _diagram("0", "B. stem"),
            _diagram("3", "The answer is D"),
        ],
        f"Which part is green?\nA. root\nB. stem\nC. leaf\nD. bark{_LETTER}",
        {"exact_match": 0.5},
    ),
    "scienceqa": LmmsCase(
        "scienceqa/scienceqa.yaml",
        "test",
        [
            {**_science(1, "B", "Bats fly."), "image": None},
            {**_science(2, "c"), "image": IMAGE},
            _science(0, "B. bat"),
            _science(1, "bat"),
            _science(1, "B. bat"),
        ],
        "Context: Bats fly.\nWhich one is a mammal?\nA. newt\nB. bat\nC. wren" + _LETTER,
        {"exact_match": 0.6},
    ),
    "scienceqa_img": LmmsCase(
        "scienceqa/scienceqa_img.yaml",
        "test",
        [_science(1, "b"), _science(2, "(C)"), _science(0, "A. newt")],
        "Which one is a mammal?\nA. newt\nB. bat\nC. wren" + _LETTER,
        {"exact_match": 2 / 3},
    ),
    # Finer categories count alike: localization has one of two right, recognition one
    # of one, geometry none. The mean of all is that of the three.
    "mmstar": LmmsCase(
        "mmstar/mmstar.yaml",
        "val",
        [
            _star(0, "fine-grained perception", "localization", "B"),
            _star(1, "fine-grained perception", "localization", "A"),
            _star(2, "fine-grained perception", "recognition", "The answer is (B)."),
            _star(3, "math", "geometry", "D: map"),
        ],
        "What is shown?\nOptions: A: hat, B: cup, C: pen, D: map"
        "\nAnswer with the option's letter from the given choices directly",
        {"fine-grained perception": 0.75, "math": 0.0, "average": 0.5},
    ),
    "realworldqa": LmmsCase(
        "realworldqa/realworldqa.yaml",
        "test",
        [
            _real_world("Which way?\nA. left\nB. right\nReply.", "B", "B. right"),
            _real_world("How many lanes?", "3", "3."),
            _real_world("Slope?", "Downhill", "downhill"),
            _real_world("Which?\nA. one\nB. two", "A", "B"),
            _real_world("How many?", "2", "two"),
        ],
        "Which way?\nA. left\nB. right\nReply.",
        {"exact_match": 0.6},
    ),
    # The first character counts.
    "seedbench": LmmsCase(
        "seedbench/seedbench.yaml",
        "test",
        [
            _seed(1, "image", "A", "A. car"),
            _seed(2, "image", "B", "cat"),
            _seed(3, "image", "C", "c"),
            _seed(4, "video", "D", "(D)"),
        ],
        f"What moves?\nA. car\nB. cat\nC. kite\nD. leaf{_LETTER}",
        {"seed_image": 2 / 3, "seed_video": 0.0, "seed_all": 0.5},
    ),
    # A score is out of a thousand, however many documents there are.
    "ocrbench": LmmsCase(
        "ocrbench/ocrbench.yaml",
        "test",
        [
            _ocr("Regular Text Recognition", "IIIT5K", ["CENTRE"], "It says Centre!"),
            _ocr("Scene Text-centric VQA", "STVQA", ["bus", "coach"], "A coach"),
            _ocr(
                "Handwritten Mathematical Expression Recognition",
                "HME100k",
                ["x ^ 2"],
                "x^2",
            ),
            _ocr("Doc-oriented VQA", "docVQA", ["1999"], "199"),
        ],
        "what is written in the image?",
        {"ocrbench_accuracy": 0.003},
    ),
    # Four of six, rounded to five digits: letters in brackets, before a full stop, or
    # alone; numbers by value, also after "is".
    "mmmu_val": LmmsCase(
        "mmmu/mmmu_val.yaml",
        "validation",
        [
            _mmmu("Art_1", "multiple-choice", "B", "(B)"),
            _mmmu("Art_2", "multiple-choice", "C", "C. green"),
            _mmmu("Art_3", "multiple-choice", "A", "D"),
            _mmmu("Math_1", "open", "3.50", "The answer is 3.5"),
            _mmmu("Math_2", "open", "blue", "Clearly it is blue"),
            _mmmu("Math_3", "open", "7", "8"),
        ],
        "Look at. What is it?\nA. red\nB. blue\nC. green\nD. grey\n\n"
        "Answer with the option's letter from the given choices directly.",
        {"mmmu_acc": 0.66667},
    ),
    "cv_bench_2d": LmmsCase(
        "cv_bench/cv_bench_2d.yaml",
        "test",
        [
            _cv(0, "(B)", "(B) 2"),
            _cv(1, "(A)", "a"),
            _cv(2, "(C)", "B"),
            _cv(3, "(C)", "C."),
        ],
        "Note: You only need to respond with A, B, C without providing any additional "
        "information.\n\nHow many chairs are there? (A) 1 (B) 2 (C) 3",
        {"cv_bench_acc": 0.75},
    ),
    # In hundredths: two of four.
    "vstar_bench_direct_attributes": LmmsCase(
        "vstar_bench/vstar_bench_direct_attributes.yaml",
        "test",
        [
            _star_search(0, "A", "A"),
            _star_search(1, "B", "Option: B"),
            _star_search(2, "C", "(D)"),
            _star_search(3, "D", "none"),
        ],
        f"What colour is the bag?\nA. red\nB. blue\nC. black\nD. white{_LETTER}",
        {"vstar_direct_attributes_acc": 50.0},
    ),
    "countbenchqa": LmmsCase(
        "countbenchqa/countbenchqa.yaml",
        "test",
        [_count(3, "3"), _count(4, "four"), _count(2, " 2\n"), _count(5, "5 birds")],
        "How many birds are there?\nAnswer with a single number.",
        {"acc": 0.5},
    ),
    # A pair counts where both of it are right.
    "mmvp": LmmsCase(
        "mmvp/mmvp.yaml",
        "train",
        [
            _pair(1, "(a)", "A"),
            _pair(2, "(b)", "(B)"),
            _pair(3, "(a)", "The answer is A"),
            _pair(4, "(b)", "A. Open"),
        ],
        f"Is the door open?\nA. Open\nB. Closed{_LETTER}",
        {"mmvp_accuracy": 0.75, "mmvp_pair_accuracy": 0.5},
    ),
    # Its pictures are a second data set, which only its process_docs fetches.
    "gqa": LmmsCase(
        "gqa/gqa.yaml",
        "testdev",
        [_scene("cup", "Cup."), _scene("red hat", "red hat"), _scene("no", "yes")],
        f"What is on the table?{_BRIEFLY}",
        {"exact_match": 2 / 3},
        {"process_docs": None},
    ),
}

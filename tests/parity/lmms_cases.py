"""Task files of lmms-eval over made-up documents, with scores worked out by hand.

Each case says what the model answers to its documents, and why the figures follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tests.parity import lmms_documents as documents
from tests.parity.lmms_documents import IMAGE

_BRIEFLY = "\nAnswer the question using a single word or phrase."
_LETTER = "\nAnswer with the option's letter from the given choices directly."


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


CASES: Mapping[str, LmmsCase] = {
    # Perception: existence has its one image right (100 + 100), count one of two
    # questions (50 + 0), and the sum of categories counts. Cognition: of the images of
    # its category one has both right (200) and one neither (0), and their mean counts.
    "mme": LmmsCase(
        "mme/mme.yaml",
        "test",
        [
            documents.mme("existence", "a", "Yes", "Yes."),
            documents.mme("existence", "a", "No", "no"),
            documents.mme("count", "b", "Yes", "yes, two of them"),
            documents.mme("count", "b", "No", "maybe"),
            documents.mme("code_reasoning", "c", "Yes", "Y"),
            documents.mme("code_reasoning", "c", "No", "N."),
            documents.mme("code_reasoning", "d", "Yes", "no"),
            documents.mme("code_reasoning", "d", "No", "I see a code"),
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
            documents.pope(1, "yes", "yes"),
            documents.pope(2, "yes", "no"),
            documents.pope(3, "yes", " Yes\n"),
            documents.pope(4, "no", "No"),
            documents.pope(5, "no", "yes"),
            documents.pope(6, "no", "no."),
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
            documents.votes(1, "The Cat.", cat=3, dog=7),
            documents.votes(2, "2", two=10),
            documents.votes(3, "blue", red=10),
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
            documents.plain_votes(1, "STOP", stop=4, go=6),
            documents.plain_votes(2, "blue", blue=1, red=9),
            documents.plain_votes(3, "green", red=10),
        ],
        f"What is 1?{_BRIEFLY}",
        {"exact_match": 1.3 / 3},
    ),
    "ok_vqa_val2014": LmmsCase(
        "ok_vqa/ok_vqa_val2014.yaml",
        "val2014",
        [
            documents.plain_votes(1, "a race", race=2, run=8),
            documents.plain_votes(2, "sand", sand=10),
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
            documents.page(1, ["Paris", "City of Paris"], "paris"),
            documents.page(2, ["12 May 2020"], "12 may 2021"),
            documents.page(3, ["abcdef"], "abxyzw"),
        ],
        f"Which one is 1?{_BRIEFLY}",
        {"anls": (1 + 10 / 11) / 3},
    ),
    # Half of four letters differ, which still counts.
    "infovqa_val": LmmsCase(
        "infovqa/infovqa_val.yaml",
        "validation",
        [
            documents.page(1, ["ab cd"], "AB  cd"),
            documents.page(2, ["four", "xy"], "foxx"),
        ],
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
            documents.chart("human_test", "10", "10.4"),
            documents.chart("human_test", "20%", "0.25"),
            documents.chart("human_test", "North", "north"),
            documents.chart("augmented_test", "Yes", "yes"),
            documents.chart("augmented_test", "7", "8"),
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
            documents.diagram("2", "C. leaf"),
            documents.diagram("1", "b"),
            documents.diagram("0", "B. stem"),
            documents.diagram("3", "The answer is D"),
        ],
        f"Which part is green?\nA. root\nB. stem\nC. leaf\nD. bark{_LETTER}",
        {"exact_match": 0.5},
    ),
    "scienceqa": LmmsCase(
        "scienceqa/scienceqa.yaml",
        "test",
        [
            {**documents.science(1, "B", "Bats fly."), "image": None},
            {**documents.science(2, "c"), "image": IMAGE},
            documents.science(0, "B. bat"),
            documents.science(1, "bat"),
            documents.science(1, "B. bat"),
        ],
        "Context: Bats fly.\nWhich one is a mammal?\nA. newt\nB. bat\nC. wren"
        + _LETTER,
        {"exact_match": 0.6},
    ),
    "scienceqa_img": LmmsCase(
        "scienceqa/scienceqa_img.yaml",
        "test",
        [
            documents.science(1, "b"),
            documents.science(2, "(C)"),
            documents.science(0, "A. newt"),
        ],
        "Which one is a mammal?\nA. newt\nB. bat\nC. wren" + _LETTER,
        {"exact_match": 2 / 3},
    ),
    # Finer categories count alike: localization has one of two right, recognition one
    # of one, geometry none. The mean of all is that of the three.
    "mmstar": LmmsCase(
        "mmstar/mmstar.yaml",
        "val",
        [
            documents.star(0, "fine-grained perception", "localization", "B"),
            documents.star(1, "fine-grained perception", "localization", "A"),
            documents.star(
                2, "fine-grained perception", "recognition", "The answer is (B)."
            ),
            documents.star(3, "math", "geometry", "D: map"),
        ],
        "What is shown?\nOptions: A: hat, B: cup, C: pen, D: map"
        "\nAnswer with the option's letter from the given choices directly",
        {"fine-grained perception": 0.75, "math": 0.0, "average": 0.5},
    ),
    "realworldqa": LmmsCase(
        "realworldqa/realworldqa.yaml",
        "test",
        [
            documents.real_world(
                "Which way?\nA. left\nB. right\nReply.", "B", "B. right"
            ),
            documents.real_world("How many lanes?", "3", "3."),
            documents.real_world("Slope?", "Downhill", "downhill"),
            documents.real_world("Which?\nA. one\nB. two", "A", "B"),
            documents.real_world("How many?", "2", "two"),
        ],
        "Which way?\nA. left\nB. right\nReply.",
        {"exact_match": 0.6},
    ),
    # The first character counts.
    "seedbench": LmmsCase(
        "seedbench/seedbench.yaml",
        "test",
        [
            documents.seed(1, "image", "A", "A. car"),
            documents.seed(2, "image", "B", "cat"),
            documents.seed(3, "image", "C", "c"),
            documents.seed(4, "video", "D", "(D)"),
        ],
        f"What moves?\nA. car\nB. cat\nC. kite\nD. leaf{_LETTER}",
        {"seed_image": 2 / 3, "seed_video": 0.0, "seed_all": 0.5},
    ),
    # A score is out of a thousand, however many documents there are.
    "ocrbench": LmmsCase(
        "ocrbench/ocrbench.yaml",
        "test",
        [
            documents.ocr(
                "Regular Text Recognition", "IIIT5K", ["CENTRE"], "It says Centre!"
            ),
            documents.ocr(
                "Scene Text-centric VQA", "STVQA", ["bus", "coach"], "A coach"
            ),
            documents.ocr(
                "Handwritten Mathematical Expression Recognition",
                "HME100k",
                ["x ^ 2"],
                "x^2",
            ),
            documents.ocr("Doc-oriented VQA", "docVQA", ["1999"], "199"),
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
            documents.mmmu("Art_1", "multiple-choice", "B", "(B)"),
            documents.mmmu("Art_2", "multiple-choice", "C", "C. green"),
            documents.mmmu("Art_3", "multiple-choice", "A", "D"),
            documents.mmmu("Math_1", "open", "3.50", "The answer is 3.5"),
            documents.mmmu("Math_2", "open", "blue", "Clearly it is blue"),
            documents.mmmu("Math_3", "open", "7", "8"),
        ],
        "Look at. What is it?\nA. red\nB. blue\nC. green\nD. grey\n\n"
        "Answer with the option's letter from the given choices directly.",
        {"mmmu_acc": 0.66667},
    ),
    "cv_bench_2d": LmmsCase(
        "cv_bench/cv_bench_2d.yaml",
        "test",
        [
            documents.cv(0, "(B)", "(B) 2"),
            documents.cv(1, "(A)", "a"),
            documents.cv(2, "(C)", "B"),
            documents.cv(3, "(C)", "C."),
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
            documents.star_search(0, "A", "A"),
            documents.star_search(1, "B", "Option: B"),
            documents.star_search(2, "C", "(D)"),
            documents.star_search(3, "D", "none"),
        ],
        f"What colour is the bag?\nA. red\nB. blue\nC. black\nD. white{_LETTER}",
        {"vstar_direct_attributes_acc": 50.0},
    ),
    "countbenchqa": LmmsCase(
        "countbenchqa/countbenchqa.yaml",
        "test",
        [
            documents.count(3, "3"),
            documents.count(4, "four"),
            documents.count(2, " 2\n"),
            documents.count(5, "5 birds"),
        ],
        "How many birds are there?\nAnswer with a single number.",
        {"acc": 0.5},
    ),
    # A pair counts where both of it are right.
    "mmvp": LmmsCase(
        "mmvp/mmvp.yaml",
        "train",
        [
            documents.pair(1, "(a)", "A"),
            documents.pair(2, "(b)", "(B)"),
            documents.pair(3, "(a)", "The answer is A"),
            documents.pair(4, "(b)", "A. Open"),
        ],
        f"Is the door open?\nA. Open\nB. Closed{_LETTER}",
        {"mmvp_accuracy": 0.75, "mmvp_pair_accuracy": 0.5},
    ),
    # Its pictures are a second data set, which only its process_docs fetches.
    "gqa": LmmsCase(
        "gqa/gqa.yaml",
        "testdev",
        [
            documents.scene("cup", "Cup."),
            documents.scene("red hat", "red hat"),
            documents.scene("no", "yes"),
        ],
        f"What is on the table?{_BRIEFLY}",
        {"exact_match": 2 / 3},
        {"process_docs": None},
    ),
}

"""Task files of lm-eval itself, over documents that are made up in their schemas."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tests.parity.answers import Script
from tests.parity.data import words

Make = Callable[[random.Random, int], dict[str, Any]]
_TEST = {"train": 8, "test": 8}
_VALIDATION = {"train": 8, "validation": 8}
_DEV = {"dev": 6, "test": 8}


class Real(NamedTuple):
    """A task file of the reference, and its data.

    Attributes:
        file: Its path below the folder of the reference's tasks.
        sizes: How many documents each split has.
        make: Makes a document from draws and its number.
        shots: How many examples a prompt shows.
        marker: The column whose text the prompt of a document has near its end.
        right: Good answers to a document; empty for tasks of likelihoods.
        wrong: Other answers.
    """

    file: str
    sizes: Mapping[str, int]
    make: Make
    shots: int = 0
    marker: str | Callable[[Mapping[str, Any]], str] = "question"
    right: Callable[[Mapping[str, Any]], Sequence[str]] | None = None
    wrong: Sequence[str] = ("", " none", " 12")


def _sentence(draws: random.Random, number: int, count: int = 5) -> str:
    return f"{words(draws, count).capitalize()} {number}."


def _fields(**counts: int) -> Make:
    """Make documents of sentences by the names of their columns."""

    def make(draws: random.Random, number: int) -> dict[str, Any]:
        return {name: _sentence(draws, number, n) for name, n in counts.items()}

    return make


def _labelled(n_labels: int, label: str = "label", **counts: int) -> Make:
    """Make documents of sentences with a label, counted from zero."""
    sentences = _fields(**counts)

    def make(draws: random.Random, number: int) -> dict[str, Any]:
        return {**sentences(draws, number), label: draws.randrange(n_labels)}

    return make


def _sum(draws: random.Random, number: int) -> dict[str, Any]:
    left, right = draws.randrange(5, 90), draws.randrange(5, 90)
    return {
        "question": f"Shelf {number} holds {left} jars, then {right} more. How many?",
        "answer": f"Step-by-Step Answer: {left} plus {right}.\n#### {left + right}",
        "answer_number": left + right,
    }


def _sum_answers(doc: Mapping[str, Any]) -> list[str]:
    number = doc["answer_number"]
    return [
        f" Well.\n#### {number}",
        f"#### {number}",
        f" The answer is {number}.",
        f"So The answer is {number}",
        f"{number}",
        f" {number}.",
        f" {number}, not 7",
        f" ${number}.00",
    ]


def _mgsm(draws: random.Random, number: int) -> dict[str, Any]:
    doc = _sum(draws, number)
    # The documents of one language either all have solutions or none has.
    return {**doc, "answer": None}


def _mgsm_german(draws: random.Random, number: int) -> dict[str, Any]:
    doc = _sum(draws, number)
    # The task leaves out the introduction of the solution.
    return {**doc, "answer": f"Schritt-für-Schritt-Antwort: {doc['answer_number']}"}


def _choices(draws: random.Random, number: int) -> dict[str, Any]:
    options = [_sentence(draws, number + at, draws.randrange(1, 5)) for at in range(4)]
    return {
        "question": f"Query {number}: {words(draws, 4)}?",
        "choices": options,
        "answer": draws.randrange(4),
    }


def _ai2(count: int, answer: str = "answerKey") -> Make:
    def make(draws: random.Random, number: int) -> dict[str, Any]:
        texts = [words(draws, draws.randrange(1, 4)) for _ in range(count)]
        stem = f"Stem {number} {words(draws, 3)}"
        return {
            "question": stem,
            "question_stem": stem,
            "choices": {"label": list("ABCDE"[:count]), "text": texts},
            answer: draws.choice("ABCDE"[:count]),
        }

    return make


def _hellaswag(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "activity_label": f"Doing {number}",
        "ctx_a": f"{_sentence(draws, number)} [header]  [title] {words(draws, 2)}",
        "ctx_b": words(draws, 2),
        "endings": [f"{words(draws, 4)} [step] on  we go." for _ in range(4)],
        "label": draws.choice("0123"),
    }


def _winogrande(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "sentence": f"Part {number} {words(draws, 3)} _ {words(draws, 3)}.",
        "option1": words(draws, 1),
        "option2": words(draws, 2),
        "answer": draws.choice("12"),
    }


def _wsc273(draws: random.Random, number: int) -> dict[str, Any]:
    start = f"Part {number} of {words(draws, 3)} because "
    return {
        "text": f"{start}it was  {words(draws, 2)}.",
        "pronoun": "it",
        "pronoun_loc": len(start),
        "options": ["The lamp", f"a {words(draws, 1)}"],
        "label": draws.randrange(2),
    }


def _copa(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "premise": _sentence(draws, number),
        "choice1": _sentence(draws, number, 3),
        "choice2": _sentence(draws, number, 2),
        "question": draws.choice(("cause", "effect")),
        "label": draws.randrange(2),
    }


def _wic(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "sentence1": f"amber {number} {words(draws, 3)}",
        "sentence2": f"{words(draws, 3)} amber {number}",
        "start1": 0,
        "end1": 5,
        "label": draws.randrange(2),
    }


def _wsc(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "text": f"Mark {number} did n't go , since he ( oh ) {words(draws, 3)} .",
        "span1_text": "Mark",
        "span2_text": "he",
        "span2_index": 7,
        "label": draws.randrange(2),
    }


def _truthful(draws: random.Random, number: int) -> dict[str, Any]:
    first = [_sentence(draws, number, draws.randrange(2, 6)) for _ in range(4)]
    second = [_sentence(draws, number, draws.randrange(2, 6)) for _ in range(5)]
    return {
        "question": f"Is it so {number}, {words(draws, 3)}?",
        "mc1_targets": {"choices": first, "labels": [1, 0, 0, 0]},
        "mc2_targets": {"choices": second, "labels": [1, 1, 0, 0, 0]},
    }


def _drop(draws: random.Random, number: int) -> dict[str, Any]:
    def answer(kind: int) -> dict[str, Any]:
        return {
            "number": str(draws.randrange(40)) if kind == 0 else "",
            "date": {"day": "3", "month": "May", "year": "1999"}
            if kind == 1
            else {"day": "", "month": "", "year": ""},
            "spans": [words(draws, 2), words(draws, 1)] if kind == 2 else [],
        }

    validated = [answer(number % 3), answer((number + 1) % 3)]
    return {
        "section_id": f"s{number}",
        "query_id": f"q{number}",
        "passage": _sentence(draws, number, 8),
        "question": f"How many in {number}?",
        "answer": answer(number % 3),
        "validated_answers": {
            key: [each[key] for each in validated] for key in ("number", "date", "spans")
        },
    }


def _drop_answers(doc: Mapping[str, Any]) -> list[str]:
    answer = doc["answer"]
    span = " ".join(answer["spans"]) or "5 May 1999"
    return [f" {answer['number'] or span}", f"the {answer['number']} {span}"]


def _trivia(draws: random.Random, number: int) -> dict[str, Any]:
    names = [words(draws, 2).title() for _ in range(3)]
    return {
        "question": f"Who built mill {number}",
        "answer": {"value": names[0], "aliases": names},
    }


def _nq(draws: random.Random, number: int) -> dict[str, Any]:
    names = [f"The {words(draws, 1)}", words(draws, 2)][: 1 + number % 2]
    return {"question": f"who owns barn {number}", "answer": names}


def _race(draws: random.Random, number: int) -> dict[str, Any]:
    problems = [
        {
            "question": f"Item {number}{ending}",
            "options": [words(draws, draws.randrange(1, 4)) for _ in range(4)],
            "answer": draws.choice("ABCD"),
        }
        for ending in ("  _  .", " why?", " what?")
    ]
    return {"article": _sentence(draws, number, 12), "problems": repr(problems)}


def _mathqa(draws: random.Random, number: int) -> dict[str, Any]:
    values = draws.sample(range(10, 99), 5)
    pairs = zip("abcde", values, strict=True)
    return {
        "Problem": _sentence(draws, number),
        "options": " , ".join(f"{letter} ) {value}" for letter, value in pairs),
        "correct": draws.choice("abcde"),
    }


def _logiqa(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "context": _sentence(draws, number),
        "question": _sentence(draws, number, 3),
        "options": [words(draws, draws.randrange(1, 5)) for _ in range(4)],
        "label": draws.choice(("a", "b", "c", "d ")),
    }


def _boolean(draws: random.Random, number: int) -> dict[str, Any]:
    value = draws.choice(("True", "False"))
    return {"input": f"not {value} and {number} is", "target": value}


def _boolean_answers(doc: Mapping[str, Any]) -> list[str]:
    value = doc["target"]
    return [value, f" So the answer is {value}.", f"{value}, \nnot {not value}"]


def _hendrycks(draws: random.Random, number: int) -> dict[str, Any]:
    value = draws.choice((f"\\frac{{{number}}}{{2}}", f"{number}", "x^2"))
    return {
        "problem": f"Find $y_{{{number}}}$.",
        "solution": f"We see that $y = \\boxed{{{value}}}$.",
        "level": "Level 1",
    }


def _boxed(doc: Mapping[str, Any]) -> list[str]:
    value = doc["solution"].split("boxed{", 1)[1][: -len("}$.")]
    return [f" ${value}$", f" so $ {value} $ it is", f"{value}"]


def _letters(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        **{letter: words(draws, 2) for letter in "ABCDE"},
        **{f"option_{letter}": words(draws, 2) for letter in "abcd"},
        **{f"op{letter}": words(draws, 2) for letter in "abcd"},
        **{f"mc_answer{place}": words(draws, 2) for place in range(1, 5)},
        "question": f"Point {number} {words(draws, 3)}? ",
        "flores_passage": _sentence(draws, number, 8),
        "correct_answer_num": draws.choice("1234"),
        "subject": "anatomy" if number % 3 else "virology",
        "answer": draws.choice("ABCD"),
        "cop": draws.randrange(4),
    }


def _kormed(draws: random.Random, number: int) -> dict[str, Any]:
    return {**_letters(draws, number), "answer": draws.randrange(1, 6)}


def _mmlu_pro(draws: random.Random, number: int) -> dict[str, Any]:
    letter = draws.choice("ABCDE")
    return {
        "question": f"Topic {number} {words(draws, 3)}?",
        "options": [words(draws, 2) + " " for _ in range(5)],
        "answer": letter,
        "answer_index": "ABCDE".index(letter),
        "cot_content": "A: Let's think step by step. "
        f"{_sentence(draws, number)} The answer is ({letter}).",
        "category": "biology" if number % 4 else "law",
    }


def _translation(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "translation": {
            "en": _sentence(draws, number),
            "fr": f"{words(draws, 7)} à {number}",
        }
    }


def _entities(draws: random.Random, number: int) -> dict[str, Any]:
    kinds = draws.choices(("per", "loc", "org", "date"), k=2)
    names = [words(draws, 1) for _ in kinds]
    pairs = zip(kinds, names, strict=True)
    return {
        "text": f"Report {number} {' '.join(names)}",
        "target": " $$ ".join(f"{kind}: {name}" for kind, name in pairs),
    }


def _emotions(draws: random.Random, number: int) -> dict[str, Any]:
    names = draws.sample(("Joy", "Fear", "Anger", "Pride", "Envy"), 4)
    scores = {f"emotion{at}": name for at, name in enumerate(names, 1)}
    scores |= {f"emotion{at}_score": str(draws.randrange(11)) for at in range(1, 5)}
    return {
        "prompt": f"Scene {number}: {words(draws, 9)}",
        "reference_answer_fullscale": repr(scores),
        "names": names,
    }


def _webqs(draws: random.Random, number: int) -> dict[str, Any]:
    names = draws.sample(("Ann", "Anna", "Bo", "Bob", "Cy"), 3)
    return {"question": f"who painted {number}?", "answers": names}


def _headqa(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "qtext": _sentence(draws, number),
        "answers": [
            {"aid": aid, "atext": words(draws, draws.randrange(1, 4))}
            for aid in range(1, 5)
        ],
        "ra": draws.randrange(1, 5),
    }


def _pubmedqa(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "CONTEXTS": [_sentence(draws, number), _sentence(draws, number, 3)],
        "QUESTION": f"Does {number} help?",
        "final_decision": draws.choice(("yes", "no", "maybe")),
    }


def _toxigen(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "text": _sentence(draws, number),
        "toxicity_ai": draws.choice((1.0, 2.5, 4.0)),
        "toxicity_human": draws.choice((1.0, 3.0, 5.0)),
    }


def _arithmetic(draws: random.Random, number: int) -> dict[str, Any]:
    left, right = draws.randrange(100), draws.randrange(100)
    return {
        "context": f"Q: What is {left} plus {right}?\n\nA:",
        "completion": f" {left + right}",
    }


def _story(draws: random.Random, number: int) -> dict[str, Any]:
    text = f"{_sentence(draws, number, 9)} Then {words(draws, 3)}"
    return {
        "text": text,
        "page": f" = Page {number} = \n {words(draws, 9)} @-@ {words(draws, 2)} n 't .\n",
    }


def _qasper(draws: random.Random, number: int) -> dict[str, Any]:
    def answer(kind: int) -> dict[str, Any]:
        return {
            "unanswerable": kind == 0,
            "yes_no": {1: True, 2: False}.get(kind),
            "free_form_answer": words(draws, 2) if kind == 3 else "",
            "extractive_spans": [],
        }

    return {
        "title": f"Paper {number}",
        "abstract": _sentence(draws, number),
        "qas": {
            "question": [f"Is {number} new?", f"Why {number}?"],
            "answers": [
                {"answer": [answer(1), answer(2), answer(0)]},
                {"answer": [answer(3), answer(1 + number % 2)]},
            ],
        },
    }


def _bigbench(draws: random.Random, number: int) -> dict[str, Any]:
    scores = [0, 0, 0]
    scores[draws.randrange(3)] = 1
    texts = [words(draws, 2) for _ in scores]
    return {
        "inputs": f"Given {number} {words(draws, 4)}",
        "targets": [texts[scores.index(1)]],
        "multiple_choice_targets": texts,
        "multiple_choice_scores": scores,
    }


def _storycloze(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        **{f"input_sentence_{at}": _sentence(draws, number, 4) for at in range(1, 5)},
        "sentence_quiz1": _sentence(draws, number, 3),
        "sentence_quiz2": _sentence(draws, number, 5),
        "answer_right_ending": draws.randrange(1, 3),
    }


_LETTER_ANSWERS = {
    "right": lambda doc: [
        f"{'ABCD'[doc['answer']]}",
        f" {'ABCD'[doc['answer']]}.",
        f"({'ABCD'[doc['answer']]})",
        f" ({'ABCD'[doc['answer']]}) for sure",
        f" It is {doc['choices'][doc['answer']]}",
        f"so: {'ABCD'[doc['answer']]}",
    ],
    "wrong": ("(B)", "c", "", " no idea", "A "),
}

REAL: Mapping[str, Real] = {
    "gsm8k": Real("gsm8k/gsm8k.yaml", {"train": 9, "test": 12}, _sum, 5, right=_sum_answers),
    "gsm8k_votes": Real(
        "gsm8k/gsm8k-cot-self-consistency.yaml", {"test": 5}, _sum, 8,
        right=_sum_answers, wrong=(" The answer is 5", " The answer is 6.", ""),
    ),
    "drop": Real(
        "drop/default.yaml", _VALIDATION, _drop, 2, right=_drop_answers,
        wrong=(" 5 May", "", " 12 amber"),
    ),
    "triviaqa": Real(
        "triviaqa/default.yaml", _VALIDATION, _trivia, 3,
        right=lambda doc: [f" {doc['answer']['aliases'][1].lower()}!", " The Mill"],
    ),
    "nq_open": Real(
        "nq_open/nq_open.yaml", _VALIDATION, _nq, 2,
        right=lambda doc: [f" {doc['answer'][-1]}", doc["answer"][0][4:] + " "],
    ),
    "bbh_zeroshot": Real(
        "bbh/zeroshot/boolean_expressions.yaml", {"test": 8}, _boolean,
        marker="input", right=_boolean_answers, wrong=("maybe", " False", ""),
    ),
    "bbh_cot": Real(
        "bbh/cot_fewshot/boolean_expressions.yaml", {"test": 8}, _boolean, 3,
        marker="input", right=_boolean_answers, wrong=("maybe", "the answer is ", ""),
    ),
    "hendrycks_math": Real(
        "hendrycks_math/hendrycks_math_algebra.yaml", _TEST, _hendrycks, 2,
        marker="problem", right=_boxed, wrong=("$7$", "", "\\frac12"),
    ),
    "mgsm_direct": Real(
        "mgsm/direct/mgsm_direct_en.yaml", _TEST, _mgsm, right=_sum_answers,
    ),
    "mgsm_cot": Real(
        "mgsm/en_cot/mgsm_en_cot_de.yaml", _TEST, _mgsm_german, 2, right=_sum_answers,
    ),
    "afrimgsm": Real(
        "afrimgsm/direct/prompt_1/afrimgsm_swa.yaml", {"test": 8}, _mgsm,
        right=_sum_answers,
    ),
    "mmlu_pro": Real(
        "mmlu_pro/mmlu_pro_biology.yaml", {"test": 14, "validation": 9}, _mmlu_pro, 5,
        right=lambda doc: [f" So the answer is ({doc['answer']}).",
                           f"answer is {doc['answer']}"],
        wrong=("answer is (B)", "A", "the answer is unclear"),
    ),
    "mmlu_flan": Real(
        "mmlu/flan_n_shot/generative/mmlu_anatomy.yaml", _DEV, _choices, 2,
        **_LETTER_ANSWERS,
    ),
    "mmlu_generative": Real(
        "mmlu/generative/mmlu_anatomy.yaml", _DEV, _choices, 3, **_LETTER_ANSWERS,
    ),
    "wmt14": Real(
        "translation/wmt14_en-fr.yaml", {"train": 2, "validation": 5, "test": 8},
        _translation, 2, marker=lambda doc: doc["translation"]["en"],
        right=lambda doc: [doc["translation"]["fr"]],
        wrong=("amber basin à 3", "willow willow valley timber", "x"),
    ),
    "masakhaner": Real(
        "afrobench/masakhaner/prompt_1/masakhaner_sw.yaml", _TEST, _entities, 1,
        marker="text", right=lambda doc: [doc["target"].upper(), doc["target"]],
        wrong=("PERSON: amber, none", "DATE: 3 $ places: fjord", "LOC: willow"),
    ),
    "anagrams": Real(
        "unscramble/anagrams1.yaml", {"validation": 8},
        lambda draws, number: {"context": f"Mix {number}", "completion": words(draws, 1)},
        2, marker="context", right=lambda doc: [doc["completion"]],
    ),
    "babi": Real(
        "babi/babi.yaml", {"train": 5, "valid": 2, "test": 8},
        _fields(passage=8, question=3, answer=1), 1,
        right=lambda doc: [f" {doc['answer']}", doc["answer"]],
    ),
    "eq_bench": Real(
        "eq_bench/default.yaml", {"validation": 8}, _emotions, marker="prompt",
        right=lambda doc: ["\n".join(f"{name}: {at + 3}" for at, name
                                     in enumerate(doc["names"]))],
        wrong=("Joy: 3", "Joy: 1\nFear: 2\nAnger: 3\nPride: 4", ""),
    ),
    "fld": Real(
        "fld/fld_default.yaml", {"train": 4, "validation": 3, "test": 8},
        lambda draws, number: {
            "prompt_serial": f"fact {number} {words(draws, 4)}",
            "world_assump_label": draws.choice(("PROVED", "DISPROVED", "UNKNOWN")),
        },
        2, marker="prompt_serial", right=lambda doc: [f" {doc['world_assump_label']} "],
        wrong=("PROVED", "UNKNOWN.", ""),
    ),
    "kormedmcqa": Real(
        "kormedmcqa/nurse.yaml", {"fewshot": 5, "test": 8}, _kormed, 3,
        right=lambda doc: [f" 정답: {'ABCDE'[doc['answer'] - 1]}",
                           f"{'ABCDE'[doc['answer'] - 1]}. {doc['A']}"],
        wrong=("정답은 C 입니다", "b", "?"),
    ),
    "bigbench_generate": Real(
        "bigbench/generate_until/auto_debugging.yaml", {"default": 8}, _bigbench,
        marker="inputs", right=lambda doc: [doc["targets"][0] + "."],
    ),
    "bigbench_choice": Real(
        "bigbench/multiple_choice/anachronisms.yaml", {"default": 8}, _bigbench,
    ),
    "mmlu": Real("mmlu/default/mmlu_anatomy.yaml", _DEV, _choices, 5),
    "arc_easy": Real(
        "arc/arc_easy.yaml", {"train": 6, "validation": 2, "test": 8}, _ai2(4), 3
    ),
    "hellaswag": Real("hellaswag/hellaswag.yaml", _VALIDATION, _hellaswag, 2),
    "winogrande": Real("winogrande/default.yaml", _VALIDATION, _winogrande, 2),
    "xwinograd": Real("xwinograd/xwinograd_en.yaml", {"test": 8}, _winogrande),
    "wsc273": Real("wsc273/default.yaml", {"test": 8}, _wsc273),
    "piqa": Real(
        "piqa/piqa.yaml", _VALIDATION, _labelled(2, goal=4, sol1=3, sol2=5), 1
    ),
    "boolq": Real(
        "super_glue/boolq/default.yaml", _VALIDATION,
        _labelled(2, passage=8, question=4), 2,
    ),
    "cb": Real(
        "super_glue/cb/default.yaml", _VALIDATION,
        _labelled(3, premise=5, hypothesis=3), 1,
    ),
    "copa": Real("super_glue/copa/default.yaml", _VALIDATION, _copa, 2),
    "wic": Real("super_glue/wic/default.yaml", _VALIDATION, _wic, 1),
    "wsc": Real("super_glue/wsc/default.yaml", _VALIDATION, _wsc, 1),
    "multirc": Real(
        "super_glue/multirc/default.yaml", _VALIDATION,
        _labelled(2, paragraph=8, question=3, answer=2), 1,
    ),
    "cola": Real(
        "glue/cola/default.yaml", {"train": 8, "validation": 14},
        _labelled(2, sentence=5), 3,
    ),
    "qqp": Real(
        "glue/qqp/default.yaml", _VALIDATION, _labelled(2, question1=4, question2=4)
    ),
    "truthfulqa_mc1": Real(
        "truthfulqa/truthfulqa_mc1.yaml", {"validation": 12}, _truthful
    ),
    "truthfulqa_mc2": Real(
        "truthfulqa/truthfulqa_mc2.yaml", {"validation": 8}, _truthful
    ),
    "race": Real("race/race.yaml", {"test": 8}, _race),
    "sciq": Real(
        "sciq/sciq.yaml", {"train": 6, "validation": 2, "test": 8},
        _fields(support=7, question=4, distractor1=1, distractor2=2, distractor3=3,
                correct_answer=2), 2,
    ),
    "openbookqa": Real(
        "openbookqa/openbookqa.yaml", {"train": 6, "validation": 2, "test": 8},
        _ai2(4), 2,
    ),
    "commonsense_qa": Real(
        "commonsense_qa/default.yaml", _VALIDATION, _ai2(5), 1
    ),
    "mathqa": Real(
        "mathqa/mathqa.yaml", {"train": 6, "validation": 2, "test": 8}, _mathqa, 2
    ),
    "logiqa": Real(
        "logiqa/logiqa.yaml", {"train": 6, "validation": 2, "test": 8}, _logiqa, 1
    ),
    "anli": Real(
        "anli/anli_r1.yaml", {"train_r1": 6, "dev_r1": 2, "test_r1": 8},
        _labelled(3, premise=5, hypothesis=3), 2,
    ),
    "xnli": Real(
        "xnli/xnli_en.yaml", _VALIDATION, _labelled(3, premise=5, hypothesis=3), 1
    ),
    "paws": Real(
        "paws-x/paws_en.yaml", {"train": 6, "validation": 2, "test": 8},
        _labelled(2, sentence1=5, sentence2=5), 1,
    ),
    "belebele": Real("belebele/belebele_eng_Latn.yaml", {"test": 8}, _letters, 2),
    "global_mmlu": Real(
        "global_mmlu/full/en/global_mmlu_full_en_anatomy.yaml",
        {"dev": 9, "test": 12}, _letters, 3,
    ),
    "aexams": Real("aexams/aexams_Physics.yaml", _DEV, _letters, 2),
    "medmcqa": Real("medmcqa/medmcqa.yaml", _VALIDATION, _letters, 1),
    "swag": Real(
        "swag/swag.yaml", _VALIDATION,
        _labelled(4, startphrase=4, ending0=2, ending1=3, ending2=4, ending3=1), 1,
    ),
    "pubmedqa": Real(
        "pubmedqa/pubmedqa.yaml", {"train": 4, "validation": 2, "test": 8}, _pubmedqa, 1
    ),
    "webqs": Real("webqs/webqs.yaml", _TEST, _webqs),
    "xcopa": Real("xcopa/default_et.yaml", {"validation": 5, "test": 8}, _copa, 1),
    "blimp": Real(
        "blimp/causative.yaml", {"train": 8}, _fields(sentence_good=4, sentence_bad=4)
    ),
    "headqa": Real(
        "headqa/headqa_en.yaml", {"train": 4, "validation": 2, "test": 8}, _headqa, 1
    ),
    "toxigen": Real("toxigen/toxigen.yaml", _TEST, _toxigen),
    "mc_taco": Real(
        "mc_taco/default.yaml", {"validation": 5, "test": 8},
        _labelled(2, sentence=5, question=3, answer=2), 1,
    ),
    "kobest": Real(
        "kobest/kobest_boolq.yaml", {"train": 4, "validation": 2, "test": 8},
        _labelled(2, paragraph=5, question=3), 1,
    ),
    "afrisenti": Real(
        "afrobench/afrisenti/prompt_1/afrisenti_swa.yaml",
        {"train": 4, "validation": 2, "test": 8}, _labelled(3, tweet=5), 1,
    ),
    "moral_stories": Real(
        "moral_stories/moral_stories.yaml", {"train": 8},
        _fields(norm=3, situation=4, intention=2, moral_action=3, immoral_action=4),
    ),
    "boolqa_fr": Real(
        "french_bench/french_bench_boolqa.yaml", {"valid": 5, "test": 8},
        _labelled(2, passage=5, question=3), 2,
    ),
    "qasper": Real("qasper/bool.yaml", {"train": 4, "validation": 5}, _qasper),
    "storycloze": Real(
        "storycloze/storycloze_2016.yaml", {"validation": 4, "test": 8}, _storycloze, 1
    ),
    "lambada": Real("lambada/lambada_openai.yaml", {"test": 8}, _story),
    "lambada_cloze": Real(
        "lambada_cloze/lambada_openai_cloze.yaml", {"test": 8}, _story, 2
    ),
    "asdiv": Real(
        "asdiv/default.yaml", {"validation": 8},
        lambda draws, number: {
            **_fields(body=5, question=3)(draws, number),
            "answer": f"{draws.randrange(9)} (pens)",
        },
        1,
    ),
    "arithmetic": Real(
        "arithmetic/arithmetic_2da.yaml", {"validation": 8}, _arithmetic, 1
    ),
    "wikitext": Real(
        "wikitext/wikitext.yaml", {"train": 2, "validation": 2, "test": 6}, _story
    ),
    "pile_10k": Real("pile_10k/pile_10k.yaml", {"train": 6}, _story),
}


def rows(name: str, split: str) -> list[dict[str, Any]]:
    """Make the documents of a split of a task, numbered over all its splits."""
    task = REAL[name]
    start = 0
    for other, size in task.sizes.items():
        if other == split:
            break
        start += size
    draws = random.Random(f"{name} {split}")
    return [task.make(draws, start + at) for at in range(task.sizes[split])]


def script(name: str) -> Script | None:
    """Write the script of a task; None where it asks for likelihoods alone."""
    task = REAL[name]
    if task.right is None:
        return None
    docs = [doc for split in task.sizes for doc in rows(name, split)]
    return {
        "right": {_marker(task, doc): list(task.right(doc)) for doc in docs},
        "wrong": list(task.wrong),
    }


def _marker(task: Real, doc: Mapping[str, Any]) -> str:
    if callable(task.marker):
        return task.marker(doc)
    return str(doc[task.marker])

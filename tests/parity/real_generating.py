"""Task files of the reference that generate text."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from tests.parity.data import words
from tests.parity.real_documents import bigbench, choices, fields, letters, sentence
from tests.parity.real_task import DEV, TEST, VALIDATION, Real


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
        "passage": sentence(draws, number, 8),
        "question": f"How many in {number}?",
        "answer": answer(number % 3),
        "validated_answers": {
            key: [each[key] for each in validated]
            for key in ("number", "date", "spans")
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


def _kormed(draws: random.Random, number: int) -> dict[str, Any]:
    return {**letters(draws, number), "answer": draws.randrange(1, 6)}


def _mmlu_pro(draws: random.Random, number: int) -> dict[str, Any]:
    letter = draws.choice("ABCDE")
    return {
        "question": f"Topic {number} {words(draws, 3)}?",
        "options": [words(draws, 2) + " " for _ in range(5)],
        "answer": letter,
        "answer_index": "ABCDE".index(letter),
        "cot_content": "A: Let's think step by step. "
        f"{sentence(draws, number)} The answer is ({letter}).",
        "category": "biology" if number % 4 else "law",
    }


def _translation(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "translation": {
            "en": sentence(draws, number),
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


def _letter_answers(doc: Mapping[str, Any]) -> list[str]:
    letter, text = "ABCD"[doc["answer"]], doc["choices"][doc["answer"]]
    return [
        letter,
        f" {letter}.",
        f"({letter})",
        f" ({letter}) for sure",
        f" It is {text}",
        f"so: {letter}",
    ]


_WRONG_LETTERS = ("(B)", "c", "", " no idea", "A ")

GENERATING: Mapping[str, Real] = {
    "gsm8k": Real(
        "gsm8k/gsm8k.yaml", {"train": 9, "test": 12}, _sum, 5, right=_sum_answers
    ),
    "gsm8k_votes": Real(
        "gsm8k/gsm8k-cot-self-consistency.yaml",
        {"test": 5},
        _sum,
        8,
        right=_sum_answers,
        wrong=(" The answer is 5", " The answer is 6.", ""),
    ),
    "drop": Real(
        "drop/default.yaml",
        VALIDATION,
        _drop,
        2,
        right=_drop_answers,
        wrong=(" 5 May", "", " 12 amber"),
    ),
    "triviaqa": Real(
        "triviaqa/default.yaml",
        VALIDATION,
        _trivia,
        3,
        right=lambda doc: [f" {doc['answer']['aliases'][1].lower()}!", " The Mill"],
    ),
    "nq_open": Real(
        "nq_open/nq_open.yaml",
        VALIDATION,
        _nq,
        2,
        right=lambda doc: [f" {doc['answer'][-1]}", doc["answer"][0][4:] + " "],
    ),
    "bbh_zeroshot": Real(
        "bbh/zeroshot/boolean_expressions.yaml",
        {"test": 8},
        _boolean,
        marker="input",
        right=_boolean_answers,
        wrong=("maybe", " False", ""),
    ),
    "bbh_cot": Real(
        "bbh/cot_fewshot/boolean_expressions.yaml",
        {"test": 8},
        _boolean,
        3,
        marker="input",
        right=_boolean_answers,
        wrong=("maybe", "the answer is ", ""),
    ),
    "hendrycks_math": Real(
        "hendrycks_math/hendrycks_math_algebra.yaml",
        TEST,
        _hendrycks,
        2,
        marker="problem",
        right=_boxed,
        wrong=("$7$", "", "\\frac12"),
    ),
    "mgsm_direct": Real(
        "mgsm/direct/mgsm_direct_en.yaml",
        TEST,
        _mgsm,
        right=_sum_answers,
    ),
    "mgsm_cot": Real(
        "mgsm/en_cot/mgsm_en_cot_de.yaml",
        TEST,
        _mgsm_german,
        2,
        right=_sum_answers,
    ),
    "afrimgsm": Real(
        "afrimgsm/direct/prompt_1/afrimgsm_swa.yaml",
        {"test": 8},
        _mgsm,
        right=_sum_answers,
    ),
    "mmlu_pro": Real(
        "mmlu_pro/mmlu_pro_biology.yaml",
        {"test": 14, "validation": 9},
        _mmlu_pro,
        5,
        right=lambda doc: [
            f" So the answer is ({doc['answer']}).",
            f"answer is {doc['answer']}",
        ],
        wrong=("answer is (B)", "A", "the answer is unclear"),
    ),
    "mmlu_flan": Real(
        "mmlu/flan_n_shot/generative/mmlu_anatomy.yaml",
        DEV,
        choices,
        2,
        right=_letter_answers,
        wrong=_WRONG_LETTERS,
    ),
    "mmlu_generative": Real(
        "mmlu/generative/mmlu_anatomy.yaml",
        DEV,
        choices,
        3,
        right=_letter_answers,
        wrong=_WRONG_LETTERS,
    ),
    "wmt14": Real(
        "translation/wmt14_en-fr.yaml",
        {"train": 2, "validation": 5, "test": 8},
        _translation,
        2,
        marker=lambda doc: doc["translation"]["en"],
        right=lambda doc: [doc["translation"]["fr"]],
        wrong=("amber basin à 3", "willow willow valley timber", "x"),
    ),
    "masakhaner": Real(
        "afrobench/masakhaner/prompt_1/masakhaner_sw.yaml",
        TEST,
        _entities,
        1,
        marker="text",
        right=lambda doc: [doc["target"].upper(), doc["target"]],
        wrong=("PERSON: amber, none", "DATE: 3 $ places: fjord", "LOC: willow"),
    ),
    "anagrams": Real(
        "unscramble/anagrams1.yaml",
        {"validation": 8},
        lambda draws, number: {
            "context": f"Mix {number}",
            "completion": words(draws, 1),
        },
        2,
        marker="context",
        right=lambda doc: [doc["completion"]],
    ),
    "babi": Real(
        "babi/babi.yaml",
        {"train": 5, "valid": 2, "test": 8},
        fields(passage=8, question=3, answer=1),
        1,
        right=lambda doc: [f" {doc['answer']}", doc["answer"]],
    ),
    "eq_bench": Real(
        "eq_bench/default.yaml",
        {"validation": 8},
        _emotions,
        marker="prompt",
        right=lambda doc: [
            "\n".join(f"{name}: {at + 3}" for at, name in enumerate(doc["names"]))
        ],
        wrong=("Joy: 3", "Joy: 1\nFear: 2\nAnger: 3\nPride: 4", ""),
    ),
    "fld": Real(
        "fld/fld_default.yaml",
        {"train": 4, "validation": 3, "test": 8},
        lambda draws, number: {
            "prompt_serial": f"fact {number} {words(draws, 4)}",
            "world_assump_label": draws.choice(("PROVED", "DISPROVED", "UNKNOWN")),
        },
        2,
        marker="prompt_serial",
        right=lambda doc: [f" {doc['world_assump_label']} "],
        wrong=("PROVED", "UNKNOWN.", ""),
    ),
    "kormedmcqa": Real(
        "kormedmcqa/nurse.yaml",
        {"fewshot": 5, "test": 8},
        _kormed,
        3,
        right=lambda doc: [
            f" 정답: {'ABCDE'[doc['answer'] - 1]}",
            f"{'ABCDE'[doc['answer'] - 1]}. {doc['A']}",
        ],
        wrong=("정답은 C 입니다", "b", "?"),
    ),
    "bigbench_generate": Real(
        "bigbench/generate_until/auto_debugging.yaml",
        {"default": 8},
        bigbench,
        marker="inputs",
        right=lambda doc: [doc["targets"][0] + "."],
    ),
}

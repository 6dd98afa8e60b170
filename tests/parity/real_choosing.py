"""Task files of the reference that ask for likelihoods."""

from __future__ import annotations

from collections.abc import Mapping

from tests.parity.real_documents import (
    ai2,
    arithmetic,
    bigbench,
    choices,
    copa,
    fields,
    headqa,
    hellaswag,
    labelled,
    letters,
    logiqa,
    mathqa,
    pubmedqa,
    qasper,
    race,
    story,
    storycloze,
    toxigen,
    truthful,
    webqs,
    wic,
    winogrande,
    wsc,
    wsc273,
)
from tests.parity.real_task import DEV, TEST, VALIDATION, Real

CHOOSING: Mapping[str, Real] = {
    "bigbench_choice": Real(
        "bigbench/multiple_choice/anachronisms.yaml",
        {"default": 8},
        bigbench,
    ),
    "mmlu": Real("mmlu/default/mmlu_anatomy.yaml", DEV, choices, 5),
    "arc_easy": Real(
        "arc/arc_easy.yaml", {"train": 6, "validation": 2, "test": 8}, ai2(4), 3
    ),
    "hellaswag": Real("hellaswag/hellaswag.yaml", VALIDATION, hellaswag, 2),
    "winogrande": Real("winogrande/default.yaml", VALIDATION, winogrande, 2),
    "xwinograd": Real("xwinograd/xwinograd_en.yaml", {"test": 8}, winogrande),
    "wsc273": Real("wsc273/default.yaml", {"test": 8}, wsc273),
    "piqa": Real("piqa/piqa.yaml", VALIDATION, labelled(2, goal=4, sol1=3, sol2=5), 1),
    "boolq": Real(
        "super_glue/boolq/default.yaml",
        VALIDATION,
        labelled(2, passage=8, question=4),
        2,
    ),
    "cb": Real(
        "super_glue/cb/default.yaml",
        VALIDATION,
        labelled(3, premise=5, hypothesis=3),
        1,
    ),
    "copa": Real("super_glue/copa/default.yaml", VALIDATION, copa, 2),
    "wic": Real("super_glue/wic/default.yaml", VALIDATION, wic, 1),
    "wsc": Real("super_glue/wsc/default.yaml", VALIDATION, wsc, 1),
    "multirc": Real(
        "super_glue/multirc/default.yaml",
        VALIDATION,
        labelled(2, paragraph=8, question=3, answer=2),
        1,
    ),
    "cola": Real(
        "glue/cola/default.yaml",
        {"train": 8, "validation": 14},
        labelled(2, sentence=5),
        3,
    ),
    "qqp": Real(
        "glue/qqp/default.yaml", VALIDATION, labelled(2, question1=4, question2=4)
    ),
    "truthfulqa_mc1": Real(
        "truthfulqa/truthfulqa_mc1.yaml", {"validation": 12}, truthful
    ),
    "truthfulqa_mc2": Real(
        "truthfulqa/truthfulqa_mc2.yaml", {"validation": 8}, truthful
    ),
    "race": Real("race/race.yaml", {"test": 8}, race),
    "sciq": Real(
        "sciq/sciq.yaml",
        {"train": 6, "validation": 2, "test": 8},
        fields(
            support=7,
            question=4,
            distractor1=1,
            distractor2=2,
            distractor3=3,
            correct_answer=2,
        ),
        2,
    ),
    "openbookqa": Real(
        "openbookqa/openbookqa.yaml",
        {"train": 6, "validation": 2, "test": 8},
        ai2(4),
        2,
    ),
    "commonsense_qa": Real("commonsense_qa/default.yaml", VALIDATION, ai2(5), 1),
    "mathqa": Real(
        "mathqa/mathqa.yaml", {"train": 6, "validation": 2, "test": 8}, mathqa, 2
    ),
    "logiqa": Real(
        "logiqa/logiqa.yaml", {"train": 6, "validation": 2, "test": 8}, logiqa, 1
    ),
    "anli": Real(
        "anli/anli_r1.yaml",
        {"train_r1": 6, "dev_r1": 2, "test_r1": 8},
        labelled(3, premise=5, hypothesis=3),
        2,
    ),
    "xnli": Real(
        "xnli/xnli_en.yaml", VALIDATION, labelled(3, premise=5, hypothesis=3), 1
    ),
    "paws": Real(
        "paws-x/paws_en.yaml",
        {"train": 6, "validation": 2, "test": 8},
        labelled(2, sentence1=5, sentence2=5),
        1,
    ),
    "belebele": Real("belebele/belebele_eng_Latn.yaml", {"test": 8}, letters, 2),
    "global_mmlu": Real(
        "global_mmlu/full/en/global_mmlu_full_en_anatomy.yaml",
        {"dev": 9, "test": 12},
        letters,
        3,
    ),
    "aexams": Real("aexams/aexams_Physics.yaml", DEV, letters, 2),
    "medmcqa": Real("medmcqa/medmcqa.yaml", VALIDATION, letters, 1),
    "swag": Real(
        "swag/swag.yaml",
        VALIDATION,
        labelled(4, startphrase=4, ending0=2, ending1=3, ending2=4, ending3=1),
        1,
    ),
    "pubmedqa": Real(
        "pubmedqa/pubmedqa.yaml", {"train": 4, "validation": 2, "test": 8}, pubmedqa, 1
    ),
    "webqs": Real("webqs/webqs.yaml", TEST, webqs),
    "xcopa": Real("xcopa/default_et.yaml", {"validation": 5, "test": 8}, copa, 1),
    "blimp": Real(
        "blimp/causative.yaml", {"train": 8}, fields(sentence_good=4, sentence_bad=4)
    ),
    "headqa": Real(
        "headqa/headqa_en.yaml", {"train": 4, "validation": 2, "test": 8}, headqa, 1
    ),
    "toxigen": Real("toxigen/toxigen.yaml", TEST, toxigen),
    "mc_taco": Real(
        "mc_taco/default.yaml",
        {"validation": 5, "test": 8},
        labelled(2, sentence=5, question=3, answer=2),
        1,
    ),
    "kobest": Real(
        "kobest/kobest_boolq.yaml",
        {"train": 4, "validation": 2, "test": 8},
        labelled(2, paragraph=5, question=3),
        1,
    ),
    "afrisenti": Real(
        "afrobench/afrisenti/prompt_1/afrisenti_swa.yaml",
        {"train": 4, "validation": 2, "test": 8},
        labelled(3, tweet=5),
        1,
    ),
    "moral_stories": Real(
        "moral_stories/moral_stories.yaml",
        {"train": 8},
        fields(norm=3, situation=4, intention=2, moral_action=3, immoral_action=4),
    ),
    "boolqa_fr": Real(
        "french_bench/french_bench_boolqa.yaml",
        {"valid": 5, "test": 8},
        labelled(2, passage=5, question=3),
        2,
    ),
    "qasper": Real("qasper/bool.yaml", {"train": 4, "validation": 5}, qasper),
    "storycloze": Real(
        "storycloze/storycloze_2016.yaml", {"validation": 4, "test": 8}, storycloze, 1
    ),
    "lambada": Real("lambada/lambada_openai.yaml", {"test": 8}, story),
    "lambada_cloze": Real(
        "lambada_cloze/lambada_openai_cloze.yaml", {"test": 8}, story, 2
    ),
    "asdiv": Real(
        "asdiv/default.yaml",
        {"validation": 8},
        lambda draws, number: {
            **fields(body=5, question=3)(draws, number),
            "answer": f"{draws.randrange(9)} (pens)",
        },
        1,
    ),
    "arithmetic": Real(
        "arithmetic/arithmetic_2da.yaml", {"validation": 8}, arithmetic, 1
    ),
    "wikitext": Real(
        "wikitext/wikitext.yaml", {"train": 2, "validation": 2, "test": 6}, story
    ),
    "pile_10k": Real("pile_10k/pile_10k.yaml", {"train": 6}, story),
}

"""The table of options: what each is called, takes and means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_evalkit.plugin.fault_options import FAULT_OPTIONS
from pytest_evalkit.plugin.gate_options import GATE_OPTIONS
from pytest_evalkit.plugin.load_options import LOAD_OPTIONS
from pytest_evalkit.plugin.option import (
    Option,
    at_least,
    limit,
    one_of,
    positive,
    shard,
)
from pytest_evalkit.plugin.report_options import REPORT_OPTIONS
from pytest_evalkit.plugin.resume_options import RESUMING

OPTIONS: Sequence[Option] = (
    Option(
        names=("--model",),
        metavar="NAME",
        help="the model's backend: a registered name or package.module:Class",
    ),
    Option(
        names=("--model-args", "--model_args"),
        metavar="K=V,...",
        default="",
        help="arguments of the model; values may be quoted or JSON",
    ),
    Option(
        names=("--judge",),
        metavar="NAME",
        help="who judges answers where a task needs that: a model's backend, classifier, "
        "perspective, or package.module:name of a function that rates a text",
    ),
    Option(
        names=("--judge-args", "--judge_args"),
        metavar="K=V,...",
        default="",
        help="arguments of the judge, as those of the model",
    ),
    Option(
        names=("--tasks",),
        metavar="A,B",
        is_list=True,
        default=(),
        help="tasks, groups and tags by name or glob, wherever they are",
    ),
    Option(
        names=("--include-path", "--include_path"),
        metavar="DIR",
        parse=Path,
        is_list=True,
        default=(),
        help="a further folder to look for --tasks in",
    ),
    Option(
        names=("--limit",),
        metavar="N",
        parse=limit,
        rule="a count of documents, or a share between 0 and 1",
        help="documents per task: a count, or a share below 1; those that belong "
        "together are taken whole",
    ),
    Option(
        names=("--offset",),
        metavar="N",
        parse=at_least(0),
        rule="a count of documents, 0 or more",
        default=0,
        help="documents per task to leave out at the start",
    ),
    Option(
        names=("--shard",),
        metavar="I/N",
        parse=shard,
        rule="I/N with 1 <= I <= N, such as 2/8",
        help="run the I-th of N shares of the documents",
    ),
    Option(
        names=("--repeats",),
        metavar="N",
        parse=at_least(1),
        rule="a count, 1 or more",
        help="how often each document is asked",
    ),
    Option(
        names=("--num-fewshot", "--num_fewshot"),
        metavar="N",
        parse=at_least(0),
        rule="a count of shots, 0 or more",
        help="shots per prompt",
    ),
    Option(
        names=("--system-instruction", "--system_instruction"),
        metavar="TEXT|FILE",
        help="system text, or a file that holds it",
    ),
    Option(
        names=("--fewshot-as-multiturn", "--fewshot_as_multiturn"),
        is_flag=True,
        help="give shots as turns of the conversation",
    ),
    Option(
        names=("--choice-as-generation", "--choice_as_generation"),
        is_flag=True,
        help="ask a model that tells no likelihoods for the letter of a choice; scored "
        "as choice_acc, since it is another question than the published one",
    ),
    Option(
        names=("--prompt-variant", "--prompt_variant"),
        metavar="NAME",
        help="key of the tasks' lmms_eval_specific_kwargs; default: the model's name",
    ),
    Option(
        names=("--gen-kwargs", "--gen_kwargs"),
        metavar="K=V,...",
        default="",
        help="generation parameters that replace the tasks'",
    ),
    Option(
        names=("--compat",),
        metavar="fixed|strict",
        parse=one_of("fixed", "strict"),
        rule="fixed or strict",
        default="fixed",
        help="strict keeps faults of the published systems that move scores, such as "
        "examples that show the answer (default fixed)",
    ),
    Option(
        names=("--seed",),
        metavar="N",
        parse=at_least(0),
        rule="a whole number, 0 or more",
        default=1234,
        help="seed of few-shot draws and of everything else random (default 1234)",
    ),
    Option(
        names=("--max-concurrency", "--max_concurrency"),
        metavar="N",
        parse=at_least(1),
        rule="a count, 1 or more",
        help="requests in flight, over all workers together (default 32)",
    ),
    Option(
        names=("--request-timeout", "--request_timeout"),
        metavar="SECONDS",
        parse=positive,
        rule="seconds, above 0",
        help="longest time one attempt of a request may take (default 300)",
    ),
    Option(
        names=("--max-attempts", "--max_attempts"),
        metavar="N",
        parse=at_least(1),
        rule="a count, 1 or more",
        help="how often a request is tried before its document is in error (default 5)",
    ),
    Option(
        names=("--measure-latency", "--measure_latency"),
        is_flag=True,
        help="have answers streamed, and time their first tokens",
    ),
    Option(
        names=("--retry-total", "--retry_total"),
        metavar="SECONDS",
        parse=positive,
        rule="seconds, above 0",
        help="longest time that a request waits between its attempts, all waits "
        "together (default 120)",
    ),
    *LOAD_OPTIONS,
    *FAULT_OPTIONS,
    Option(
        names=("--max-total-tokens", "--max_total_tokens"),
        metavar="N",
        parse=at_least(1),
        rule="a count of tokens, 1 or more",
        help="tokens to spend, prompts and answers together; then the remaining "
        "documents are skipped",
    ),
    Option(
        names=("--max-cost", "--max_cost"),
        metavar="USD",
        parse=positive,
        rule="US dollars, above 0",
        help="money to spend, by --price-table; then the remaining documents are "
        "skipped",
    ),
    Option(
        names=("--price-table", "--price_table"),
        metavar="FILE",
        parse=Path,
        help="YAML or JSON of what models cost, in USD per million tokens: "
        "model: {input: 1.25, output: 10, cached_input: 0.13}",
    ),
    Option(
        names=("--use-cache", "--use_cache"),
        metavar="DIR",
        parse=Path,
        help="keep answers in this folder, and do not ask again for those that it has",
    ),
    Option(
        names=("--cache-sampled", "--cache_sampled"),
        is_flag=True,
        help="let --use-cache keep sampled answers too: of requests whose temperature "
        "is not 0",
    ),
    Option(
        names=("--reasoning-tags", "--reasoning_tags"),
        metavar="none|JSON",
        help="pairs of tags around thought that is not scored; default <think> and "
        "<analysis>",
    ),
    Option(
        names=("--output-path", "--output_path"),
        metavar="DIR",
        parse=Path,
        default=Path("results"),
        help="where runs are kept (default results/)",
    ),
    *REPORT_OPTIONS,
    *RESUMING,
    Option(
        names=("--sample",),
        is_flag=True,
        help="run on the few synthetic documents shipped beside each benchmark",
    ),
    Option(
        names=("--data-dir", "--data_dir"),
        metavar="DIR",
        parse=Path,
        help="local mirror of datasets, looked in first",
    ),
    Option(
        names=("--media-dir", "--media_dir"),
        metavar="DIR",
        parse=Path,
        is_list=True,
        default=(),
        help="a further folder that data sets may name media in; else only their own",
    ),
    Option(
        names=("--allow-private-media", "--allow_private_media"),
        is_flag=True,
        help="let data sets name media at addresses that are not of the public web",
    ),
    *GATE_OPTIONS,
    Option(
        names=("--max-errors", "--max_errors"),
        metavar="N",
        parse=at_least(0),
        rule="a count of documents, 0 or more",
        default=0,
        help="documents in error that do not fail the run (default 0)",
    ),
    Option(
        names=("--fail-wrong", "--fail_wrong"),
        is_flag=True,
        help="fail the items whose answer is wrong, so that --lf runs just these",
    ),
    Option(
        names=(
            "--allow-code-execution",
            "--allow_code_execution",
            "--confirm-unsafe-code",
            "--confirm-run-unsafe-code",
            "--confirm_run_unsafe_code",
        ),
        is_flag=True,
        help="run tasks whose scoring executes code that the model wrote, each program "
        "in a process that is bounded and cut off",
    ),
    Option(
        names=("--eval-config", "--eval_config"),
        metavar="FILE",
        help="options from an experiment file; FILE::N for the N-th run of several",
    ),
    Option(
        names=("--predict-only", "--predict_only"),
        is_flag=True,
        help="record answers and score nothing; --rescore scores them later",
    ),
    Option(
        names=("--rescore",),
        metavar="RUN",
        help="score the answers of a run again, with today's task files; a run folder, "
        "or last",
    ),
    Option(
        names=("--selftest",),
        is_flag=True,
        help="test the tasks themselves, on their sample and without a model",
    ),
    Option(
        names=("--selftest-update", "--selftest_update"),
        is_flag=True,
        help="the same, and store the prompts that later self-tests compare with",
    ),
)

# Options that have their effect on a self-test too; no model is asked.
OF_SELFTESTS = frozenset(
    {
        *("--tasks", "--include-path", "--num-fewshot", "--system-instruction"),
        *("--fewshot-as-multiturn", "--prompt-variant", "--gen-kwargs", "--compat"),
        *("--seed", "--reasoning-tags", "--sample", "--data-dir", "--media-dir"),
        "--allow-private-media",
        *("--allow-code-execution", "--selftest", "--selftest-update"),
        *("--choice-as-generation", "--eval-config"),
    }
)

"""What the user asked for, once checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the user asked for; None leaves a choice to the task or the model.

    Attributes:
        model: Name of the model, or None where a ``model`` fixture gives it.
        model_args: Its arguments, unparsed.
        judge: Name of the judge, or None where nobody judges.
        judge_args: Its arguments, unparsed.
        tasks: Names, globs and tags of tasks.
        include_paths: Further folders to look for tasks in.
        limit: Documents per task: a count, a share below one, or None for all.
        offset: Documents per task to leave out at the start.
        shard: This run's share of the documents and of how many, or None for all.
        repeats: How often each document is asked.
        num_fewshot: Shots per prompt.
        system_instruction: System text.
        fewshot_as_multiturn: True when shots are turns of the conversation.
        choice_as_generation: True to ask for choices by their letters.
        prompt_variant: Key of the tasks' prompt variants.
        gen_kwargs: Generation parameters that replace the tasks', unparsed.
        compat: ``strict`` to keep known faults of the published systems.
        seed: Seed of everything random in a run.
        max_concurrency: Requests in flight, over all workers together.
        load_pattern: How requests follow each other.
        concurrency: Requests in flight or conversations active, as the pattern has it.
        target_qps: Requests to be sent per second.
        burstiness: Shape of the gaps between requests.
        load_seed: Seed of a schedule that is drawn.
        duration: Seconds for which requests are sent, or None for as long as there are.
        drain_timeout: Seconds that those in flight then have to end.
        max_error_rate: Share of failures above which no more are sent, or None.
        warmup_requests: Requests that are sent before and not measured.
        goodput: Goals that a good request meets, unparsed, or None.
        request_timeout: Seconds one attempt of a request may take.
        max_attempts: How often a request is tried.
        measure_latency: True to time the first token of each answer.
        retry_total: Seconds a request may wait between its attempts, all together.
        endpoint_outage: Seconds that an endpoint which is gone is waited for.
        doc_timeout: Seconds that the code of a task may take for one document at a
            time, or None for as many as it wants.
        doc_memory: GiB that it may take meanwhile, or None for as many as it wants.
        stall_timeout: Seconds without a document that ends until it is told what is
            under way, or None for never.
        max_total_tokens: Tokens that the run may spend, or None for as many as needed.
        max_cost: US dollars that it may spend, or None for as many as needed.
        price_table: File with what models cost, or None.
        use_cache: Folder of the response cache, or None for none.
        cache_sampled: True to keep sampled answers in it, too.
        reasoning_tags: Pairs around thought, unparsed, or None for the default ones.
        output_path: Where runs are kept.
        report_media: How the report shows media: ``thumbnails``, ``full`` or ``none``.
        report_md: Where scores and gates are written as Markdown, or None.
        sinks: Where results are sent besides, unparsed.
        resume: The run to go on with: its folder or results, or ``last``; None for a
            new one.
        rerun_errors: True when of a resumed run only documents in error are to run.
        resume_anyway: True to go on although task, model or data are not the same.
        use_sample: True to run on the documents shipped beside each benchmark.
        data_dir: Local mirror of datasets.
        media_dirs: Further folders that media of data sets may lie in.
        allow_private_media: True when media may have addresses that are not public.
        gates: Conditions on aggregates, unparsed.
        gate_partial: True to judge gates although not all documents were selected.
        gate_inconclusive: What becomes of a gate that neither passes nor fails:
            ``fail`` or ``warn``; None to fail where it asks for proof.
        early_stop: True to end a task as soon as its gates are decided.
        baseline: The run, or file of one, that gates on drops compare with, or None.
        max_errors: Documents in error that do not fail the run.
        fail_wrong: True when a wrong answer fails its item.
        allow_code_execution: True when code that a model writes may be run.
        predict_only: True to record answers and score nothing.
        rescore: The run whose answers are scored again, as given, or None.
        selftest: True to test the tasks themselves, without a model.
        selftest_update: True to store their prompts, for later self-tests.
    """

    model: str | None
    model_args: str
    judge: str | None
    judge_args: str
    tasks: tuple[str, ...]
    include_paths: tuple[Path, ...]
    limit: float | None
    offset: int
    shard: tuple[int, int] | None
    repeats: int | None
    num_fewshot: int | None
    system_instruction: str | None
    fewshot_as_multiturn: bool | None
    choice_as_generation: bool
    prompt_variant: str | None
    gen_kwargs: str
    compat: str
    seed: int
    max_concurrency: int | None
    load_pattern: str | None
    concurrency: int | None
    target_qps: float | None
    burstiness: float | None
    load_seed: int | None
    duration: float | None
    drain_timeout: float | None
    max_error_rate: float | None
    warmup_requests: int
    goodput: str | None
    request_timeout: float | None
    max_attempts: int | None
    measure_latency: bool
    retry_total: float | None
    endpoint_outage: float
    doc_timeout: float | None
    doc_memory: float | None
    stall_timeout: float | None
    max_total_tokens: int | None
    max_cost: float | None
    price_table: Path | None
    use_cache: Path | None
    cache_sampled: bool
    reasoning_tags: str | None
    output_path: Path
    report_media: str
    report_md: Path | None
    sinks: tuple[str, ...]
    resume: str | None
    rerun_errors: bool
    resume_anyway: bool
    use_sample: bool
    data_dir: Path | None
    media_dirs: tuple[Path, ...]
    allow_private_media: bool
    gates: tuple[str, ...]
    gate_partial: bool
    gate_inconclusive: str | None
    early_stop: bool
    baseline: Path | None
    max_errors: int
    fail_wrong: bool
    allow_code_execution: bool
    predict_only: bool
    rescore: str | None
    selftest: bool
    selftest_update: bool

    @property
    def says_load(self) -> bool:
        """Whether anything is said of the load on the endpoint."""
        said = (
            *(self.load_pattern, self.concurrency, self.target_qps, self.burstiness),
            *(self.load_seed, self.duration, self.drain_timeout, self.max_error_rate),
            self.goodput,
        )
        return any(one is not None for one in said)

    @property
    def no_cases(self) -> str | None:
        """Why cases in Python are not to run; None where they are."""
        if self.predict_only:
            return "--predict-only: a case in Python cannot be answered and not scored"
        if self.rescore is not None:
            return "--rescore: a case in Python has no recorded answer"
        return None

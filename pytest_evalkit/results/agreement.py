"""Whether runs can be merged: what they do not agree on, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

from pytest_evalkit.models.connection import Connection
from pytest_evalkit.models.pacing import Pacing
from pytest_evalkit.models.token_counting import Counting
from pytest_evalkit.results.journal import SelectionDict
from pytest_evalkit.results.sources import Part, Source, in_order, tasks_of

# Options that change what is asked or how it is scored, beside the settings of tasks.
_OPTIONS = ("reasoning_tags", "sample", "predict_only", "rescore", "fail_wrong")
# Options that say which documents a run selected.
_SELECTING = ("limit", "offset")
# What a model's description says of where and how fast it is asked, how it started, and
# who counted what it cost.
_OF_THE_WAY = {
    *(field.name for field in fields(Connection)),
    *(field.name for field in fields(Pacing)),
    *(field.name for field in fields(Counting)),
    *("base_url", "path", "stream", "device", "device_map", "batch_size", "replicas"),
    *("command", "extra_args", "startup_timeout", "tensor_parallel_size"),
    *("pipeline_parallel_size", "data_parallel_size", "gpu_memory_utilization"),
    *("max_num_seqs", "max_num_batched_tokens", "device_name", "torch"),
    "transformers",
}
# What is known of a local model once it is loaded, which a killed run may not tell.
_LOADED = "loaded"
# Settings by the options that users know them by.
_SPELLED = {
    "generation": "--gen-kwargs",
    "model_name": "--model",
    "fewshot_seed": "--seed",
}
# So many documents are named in a message.
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What stands against merging, one line each.

    Attributes:
        conflicts: What does not fit together.
        gaps: What is missing, so that only a part can be merged.
    """

    conflicts: Sequence[str]
    gaps: Sequence[str]


def agreement(sources: Sequence[Source]) -> Agreement:
    """Compare runs that are to be merged.

    Args:
        sources: The runs, at least one.
    """
    pairs = in_order(sources)
    parts = [part for _, part in pairs]
    conflicts = [
        *_mixed_models(pairs),
        *_mixed_options(parts),
        *_mixed_shards(parts),
    ]
    # Where options differ, prompts do too: the one line says why.
    if not conflicts:
        conflicts += [
            *_mixed_files(sources),
            *_mixed_tasks(parts),
            *_overlaps(parts),
        ]
    gaps = [*_missing_shards(parts), *_unfinished(sources)]
    return Agreement(conflicts=conflicts, gaps=[] if conflicts else gaps)


def _mixed_models(pairs: Sequence[tuple[Source, Part]]) -> Iterator[str]:
    (first, known), *rest = pairs
    for source, part in rest:
        one, other = first.record, source.record
        if one.model_name != other.model_name:
            yield _difference(
                "the model", known, one.model_name, part, other.model_name
            )
            continue
        ours = _answering(one.model_description)
        theirs = _answering(other.model_description)
        for name in {**ours, **theirs}:
            if ours.get(name) != theirs.get(name):
                what = f"argument {name!r} of the model"
                yield _difference(what, known, ours.get(name), part, theirs.get(name))
        yield from _mixed_checkpoints(source, part, first, known)


def _mixed_checkpoints(
    source: Source, part: Part, first: Source, known: Part
) -> Iterator[str]:
    """Name what differs in local models that were loaded, where both runs tell it."""
    ours = first.record.model_description.get(_LOADED) or {}
    theirs = source.record.model_description.get(_LOADED) or {}
    for name in sorted(ours.keys() & theirs.keys() - _OF_THE_WAY):
        if ours[name] != theirs[name]:
            what = f"{name!r} of the loaded model"
            yield _difference(what, known, ours[name], part, theirs[name])


def _answering(description: Mapping[str, Any]) -> dict[str, Any]:
    """Take of a model's description what can alter its answers."""
    return {
        name: value
        for name, value in description.items()
        if name not in _OF_THE_WAY and name != _LOADED
    }


def _difference(what: str, one: Part, first: Any, other: Part, second: Any) -> str:
    return (
        f"{what} differs: {first!r:.80} in {one.label}, {second!r:.80} in {other.label}; "
        "merge runs of one setting, or run one of them anew"
    )


def _mixed_options(parts: Sequence[Part]) -> Iterator[str]:
    known, *rest = parts
    for part in rest:
        for name in _known_options(known):
            one, other = _option(known, name), _option(part, name)
            if one != other:
                yield _difference(_spelled(name), known, one, part, other)


def _known_options(part: Part) -> list[str]:
    selecting = () if part.shard is None else _SELECTING
    return [*part.said["settings"], *_OPTIONS, *selecting]


def _option(part: Part, name: str) -> Any:
    settings, options = part.said["settings"], part.said["options"]
    return settings[name] if name in settings else options.get(name)


def _spelled(name: str) -> str:
    return _SPELLED.get(name, f"--{name.replace('_', '-')}")


def _mixed_shards(parts: Sequence[Part]) -> Iterator[str]:
    known, *rest = parts
    seen = {known.shard: known}
    for part in rest:
        if (part.shard is None) != (known.shard is None):
            with_shard, without = (known, part) if known.shard else (part, known)
            yield (
                f"{without.label} is a whole run, and {with_shard.label} a shard of "
                "another; merge the shards of one run, or whole runs"
            )
        elif part.shard is not None and known.shard is not None:
            if part.shard[1] != known.shard[1]:
                yield (
                    f"{known.label} is one of {known.shard[1]} shards, {part.label} one "
                    f"of {part.shard[1]}; merge the shards of one run"
                )
            elif part.shard in seen:
                yield (
                    f"shard {part.shard[0]}/{part.shard[1]} is given twice: "
                    f"{seen[part.shard].label}, {part.label}; give one of them"
                )
            seen.setdefault(part.shard, part)


def _mixed_files(sources: Sequence[Source]) -> Iterator[str]:
    """Name the keys of task files that runs resolved differently."""
    known: dict[str, Source] = {}
    for source in sources:
        if source.results is None:
            continue
        for task, config in source.results["configs"].items():
            first = known.setdefault(task, source)
            assert first.results is not None, "only those with results are kept"
            for key, one, other in changed_keys(first.results["configs"][task], config):
                yield (
                    f"{key!r} of task {task!r} differs: {one!r:.80} in {first.label}, "
                    f"{other!r:.80} in {source.label}; merge runs of one task file, or "
                    "run one of them anew"
                )


def changed_keys(
    one: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    """List the keys in which two task files differ, with both values."""
    for key in {**one, **other}:
        if one.get(key) != other.get(key):
            yield key, one.get(key), other.get(key)


def _mixed_tasks(parts: Sequence[Part]) -> Iterator[str]:
    for task in tasks_of(parts):
        known, *rest = (part for part in parts if task in part.selections)
        for part in rest:
            ours, theirs = _traits(known, task), _traits(part, task)
            for name, value in ours.items():
                if theirs.get(name, value) != value:
                    what = f"{name} of task {task!r}"
                    yield _difference(what, known, value, part, theirs[name])


def _traits(part: Part, task: str) -> dict[str, Any]:
    """Say by what a task is known again in another run."""
    said: SelectionDict = part.selections[task][0]
    traits: dict[str, Any] = {
        "the data set (its fingerprint)": said["fingerprint"],
        "the number of documents": said["original"],
    }
    identity = cast("Mapping[str, Any]", said).get("identity", {})
    traits.update({f"the {aspect}": text for aspect, text in identity.items()})
    whole = said.get("whole")
    if whole is not None:
        traits["the number of documents selected before --shard"] = whole["documents"]
        traits["which documents were selected before --shard (a hash)"] = whole[
            "digest"
        ]
    return traits


def _overlaps(parts: Sequence[Part]) -> Iterator[str]:
    for task in tasks_of(parts):
        seen: dict[int, Part] = {}
        shared: dict[tuple[str, str], list[int]] = {}
        for part in parts:
            for doc_id in sorted(part.documents(task)):
                owner = seen.setdefault(doc_id, part)
                if owner is not part:
                    shared.setdefault((owner.label, part.label), []).append(doc_id)
        for (one, other), doc_ids in shared.items():
            yield (
                f"{_count(len(doc_ids))} of task {task!r} are in both {one} and {other}: "
                f"{_listing(doc_ids)}; merge runs of different documents"
            )


def _count(documents: int) -> str:
    return f"{documents} document{'' if documents == 1 else 's'}"


def _listing(doc_ids: Sequence[int]) -> str:
    named = ", ".join(map(str, doc_ids[:_NAMED]))
    return named if len(doc_ids) <= _NAMED else f"{named} ..."


def _missing_shards(parts: Sequence[Part]) -> Iterator[str]:
    """Name the shards that are not there; those that had no document were never run."""
    first = parts[0].shard
    if first is None:
        return
    absent = sorted(set(range(1, first[1] + 1)) - {_index(part) for part in parts})
    lacking = [task for task in tasks_of(parts) if _lacks(parts, task)]
    if absent and (lacking or absent[0] == 1):
        named = ", ".join(f"{index}/{first[1]}" for index in absent)
        plural = "s" if len(absent) > 1 else ""
        yield f"shard{plural} {named} {'are' if plural else 'is'} missing"


def _index(part: Part) -> int:
    return 0 if part.shard is None else part.shard[0]


def _lacks(parts: Iterable[Part], task: str) -> bool:
    """Tell whether shards do not come to all that was to be shared out."""
    having = [part for part in parts if task in part.selections]
    whole = having[0].selections[task][0].get("whole")
    selected = sum(part.selected(task) for part in having)
    return whole is None or selected < whole["documents"]


def _unfinished(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        if source.is_complete:
            continue
        evaluated = sum(
            len(part.documents(task))
            for part in source.parts
            for task in part.selections
        )
        selected = sum(
            part.selected(task) for part in source.parts for task in part.selections
        )
        yield (
            f"{source.label} is not complete: {evaluated} of {selected} documents were "
            "evaluated; finish it first"
        )

"""Tasks written as Python classes, which ``class`` in a task file names.

What a class defines itself takes the place of keys; all else is as for any task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from inspect import signature
from typing import Any

from pytest_evalkit import compat
from pytest_evalkit.errors import EvalkitError
from pytest_evalkit.tasks.functions import contained, load_functions
from pytest_evalkit.tasks.import_failure import code_error
from pytest_evalkit.tasks.source import Source

# Methods that are keys of a task file otherwise.
_FIELDS = ("doc_to_text", "doc_to_target", "doc_to_choice", "process_results")
# By split: whether the class has it, and what gives its documents.
_SPLITS: Mapping[str, tuple[str, str]] = {
    "test": ("has_test_docs", "test_docs"),
    "validation": ("has_validation_docs", "validation_docs"),
    "train": ("has_training_docs", "training_docs"),
}
_SPLIT_KEYS = {
    "test": "test_split",
    "validation": "validation_split",
    "train": "training_split",
}
_DATA_METHODS = ("download", *(name for names in _SPLITS.values() for name in names))
# What a class may set as its configuration.
_CONFIG_KEYS = (
    "dataset_path",
    "dataset_name",
    "dataset_kwargs",
    "custom_dataset",
    "training_split",
    "validation_split",
    "test_split",
    "fewshot_split",
    "process_docs",
    *_FIELDS,
    "doc_to_image",
    "doc_to_audio",
    "doc_to_visual",
    "description",
    "target_delimiter",
    "fewshot_delimiter",
    "fewshot_config",
    "num_fewshot",
    "gen_prefix",
    "output_type",
    "generation_kwargs",
    "repeats",
    "filter_list",
    "metric_list",
    "metadata",
)
_BASES = frozenset(
    {"pytest_evalkit.compat.python_task", "lm_eval.api.task", "lmms_eval.api.task"}
)

# (document, prompt, name of the task, position of the document) -> requests.
Construct = Callable[[dict[str, Any], str, str, int], list[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits(Mapping[str, Any]):
    """The splits of a task class, read when they are asked for."""

    source: Source
    instance: Any
    names: tuple[str, ...]

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        method = _SPLITS[name][1]
        try:
            return getattr(self.instance, method)()
        except EvalkitError:
            raise
        # A class of a task is a stranger's code, and may raise anything.
        except (Exception, SystemExit) as error:
            what = f"class {type(self.instance).__name__}"
            place = self.source.place("class")
            raise code_error(what, f"{method} failed", error, place) from error

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, kw_only=True)
class PythonTask:
    """A task class, made.

    Attributes:
        source: The file.
        instance: The task.
    """

    source: Source
    instance: Any = field(repr=False)

    @cached_property
    def merged(self) -> Source:
        """The file, with what the class says where the file is silent.

        Raises:
            TaskError: The class constructs requests in a way that is not known here.
        """
        return replace(self.source, values=self._values())

    @property
    def construct(self) -> Construct | None:
        """What writes the requests of a document; None where its keys say how."""
        if not self._defines("construct_requests"):
            return None
        method = contained(self.instance.construct_requests, self._name("requests"))

        def construct(
            doc: dict[str, Any], prompt: str, task: str, index: int
        ) -> list[Any]:
            found = method(
                doc=doc,
                ctx=prompt,
                metadata=(task, index, 1),
                apply_chat_template=False,
                chat_template=None,
            )
            return found if isinstance(found, list) else [found]

        return construct

    def read_with(self, read: Callable[[str], Any]) -> None:
        """Let the class find its data set where the user wants it.

        Args:
            read: Opens a split. A class that downloads by itself needs no other.
        """
        is_ours = isinstance(self.instance, compat.ConfigurableTask)
        if is_ours and not self._defines("download"):
            taken = self.instance.taken
            self.instance.dataset = _Read(lambda split: taken(read(split)))

    def _values(self) -> dict[str, Any]:
        own, config = dict(self.source.values), self.instance.config
        said = {key: getattr(config, key, None) for key in _CONFIG_KEYS}
        if self._defines("construct_requests"):
            self._check_constructing()
            del said["generation_kwargs"]
        said["dataset_path"] = said["dataset_path"] or self.instance.DATASET_PATH
        said["dataset_name"] = said["dataset_name"] or self.instance.DATASET_NAME
        said["metadata"] = {
            "version": self.instance.VERSION,
            **(said["metadata"] or {}),
        }
        kept = {key: value for key, value in own.items() if value is not None}
        silent = {key: value for key, value in said.items() if value is not None}
        values = {**silent, **kept, **self._fields(), **self._scores()}
        if any(map(self._defines, _DATA_METHODS)):
            values.update(self._splits())
        return values

    def _check_constructing(self) -> None:
        parameters = signature(self.instance.construct_requests).parameters
        if "doc" not in parameters:
            raise self.source.error(
                f"class: {self._name('construct_requests')} does not take doc and ctx, "
                "as classes of lm-evaluation-harness do; it cannot be run",
                "class",
            )

    def _fields(self) -> dict[str, Any]:
        names = [name for name in _FIELDS if self._defines(name)]
        if getattr(self.instance, "MULTIMODAL", False) and self._defines(
            "doc_to_image"
        ):
            names.append("doc_to_image")
        return {
            name: contained(getattr(self.instance, name), self._name(name))
            for name in names
        }

    def _scores(self) -> dict[str, Any]:
        if not self._defines("aggregation"):
            return {}
        directions = self.instance.higher_is_better()
        return {
            "metric_list": [
                {
                    "metric": name,
                    "aggregation": aggregation,
                    "higher_is_better": directions.get(name),
                }
                for name, aggregation in self.instance.aggregation().items()
            ]
        }

    def _splits(self) -> dict[str, Any]:
        names = tuple(
            name for name, (has, _) in _SPLITS.items() if getattr(self.instance, has)()
        )
        splits = Splits(source=self.source, instance=self.instance, names=names)
        keys = {key: name for name, key in _SPLIT_KEYS.items() if name in names}
        # The class has applied it.
        empty = dict.fromkeys((*_SPLIT_KEYS.values(), "process_docs"))
        return {**empty, **keys, "custom_dataset": lambda **_: splits}

    def _defines(self, name: str) -> bool:
        """Tell whether the class, and none that it is built on, has a method."""
        kinds = type(self.instance).__mro__
        owner = next((kind for kind in kinds if name in vars(kind)), object)
        return owner is not object and owner.__module__ not in _BASES

    def _name(self, method: str) -> str:
        return f"{type(self.instance).__name__}.{method}"


class _Read:
    """The splits of a data set, by name."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        self._read = read

    def __getitem__(self, name: str) -> Any:
        return self._read(name)


def python_task(source: Source) -> PythonTask | None:
    """Make the class that a task file names.

    Args:
        source: The file.

    Returns:
        The task; None where the file names no class.

    Raises:
        TaskError: It names something else, or making it failed; says where.
        MissingPackageError: It needs a package that is not installed.
        MissingCredentialError: It needs a credential that is not set.
    """
    reference = source.values.get("class")
    if reference is None:
        return None
    kind = load_functions(reference)
    if not isinstance(kind, type):
        raise source.error(f"class: {reference.name} is no class", "class")
    values = {key: value for key, value in source.values.items() if key != "class"}
    config = load_functions(values)
    try:
        made = kind(config=config) if "config" in signature(kind).parameters else kind()
        made.config.task = source.values["task"]
        task = PythonTask(source=source, instance=made)
        _ = task.merged
    except EvalkitError:
        raise
    # A class of a task is a stranger's code, and may raise anything.
    except (Exception, SystemExit) as error:
        what = f"class {reference.name}"
        place = source.place("class")
        raise code_error(what, "making it failed", error, place) from error
    return task

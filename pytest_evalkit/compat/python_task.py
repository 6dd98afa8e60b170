"""The class that tasks written in Python derive from: ``class:`` in a task file.

It gives what such classes use and do not define themselves. Whoever loads the task
makes one, gives it ``shots`` where examples are wanted, and asks it for documents,
requests and scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from pytest_evalkit.compat.instance import Instance
from pytest_evalkit.errors import OptionError, ScoringError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.scoring.aggregations import aggregation_of

# What a key has where the task says nothing.
_DEFAULTS: Mapping[str, Any] = {
    "task": None,
    "task_alias": None,
    "tag": None,
    "custom_dataset": None,
    "dataset_path": None,
    "dataset_name": None,
    "dataset_kwargs": None,
    "training_split": None,
    "validation_split": None,
    "test_split": None,
    "fewshot_split": None,
    "process_docs": None,
    "doc_to_text": None,
    "doc_to_target": None,
    "doc_to_choice": None,
    "doc_to_image": None,
    "doc_to_audio": None,
    "doc_to_visual": None,
    "process_results": None,
    "description": "",
    "target_delimiter": " ",
    "fewshot_delimiter": "\n\n",
    "fewshot_config": None,
    "num_fewshot": None,
    "metric_list": None,
    "output_type": "generate_until",
    "generation_kwargs": None,
    "repeats": 1,
    "filter_list": None,
    "should_decontaminate": False,
    "doc_to_decontamination_query": None,
    "gen_prefix": None,
    "unsafe_code": False,
    "metadata": None,
}

# Generation without a word about it: greedy, and as long as lm-eval lets it be.
_GREEDY: Mapping[str, Any] = {
    "temperature": 0.0,
    "do_sample": False,
    "max_gen_toks": 256,
}


class TaskConfig:
    """The keys of a task, as attributes and as items.

    Where nothing is said of generation, it is greedy and stops at
    ``fewshot_delimiter``.
    """

    def __init__(self, **keys: Any) -> None:
        vars(self).update(_DEFAULTS)
        self.update(keys)

    def update(self, keys: Mapping[str, Any]) -> None:
        """Take other keys, or other values for them."""
        vars(self).update(deepcopy(dict(keys)))
        if self.output_type != "generate_until":
            return
        stops = {"until": [self.fewshot_delimiter]}
        own = self["generation_kwargs"]
        self["generation_kwargs"] = {**stops, **(_GREEDY if own is None else own)}

    def __getattr__(self, name: str) -> Any:
        """Fail for a key that no task has.

        Raises:
            AttributeError: Always.
        """
        raise AttributeError(
            f"a task has no key {name!r}; {suggestion(name, _DEFAULTS)}"
        )

    def __getitem__(self, name: str) -> Any:
        """Get a key."""
        return getattr(self, name)

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a key."""
        setattr(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """List the keys that have a value."""
        return {key: value for key, value in vars(self).items() if value is not None}


class ConfigurableTask:
    """A task written in Python.

    Attributes:
        VERSION: Its version.
        DATASET_PATH: The data set's name, where the configuration names none.
        DATASET_NAME: The configuration of the data set, likewise.
        OUTPUT_TYPE: How the model is asked, such as ``generate_until``.
        CONFIG: Keys that a class sets once for all, or None.
        MULTIMODAL: Whether documents have images or sounds.
        shots: Chooses examples, given the document and how many; None for a task
            that is asked without.
    """

    VERSION: Any = 0
    DATASET_PATH: str | None = None
    DATASET_NAME: str | None = None
    OUTPUT_TYPE: str | None = None
    CONFIG: Mapping[str, Any] | None = None
    MULTIMODAL = False

    def __init__(
        self,
        data_dir: str | None = None,
        cache_dir: str | None = None,
        download_mode: Any = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """Take the configuration; no data is read yet.

        Raises:
            OptionError: An argument is given that has no effect here.
        """
        if data_dir or cache_dir or download_mode:
            raise OptionError(
                "a task class takes its data set from config; data_dir, cache_dir and "
                "download_mode are not supported"
            )
        self._config = TaskConfig(**dict(self.CONFIG or {}))
        self._config.update(config or {})
        metadata = self._config.metadata
        if isinstance(metadata, Mapping) and "version" in metadata:
            self.VERSION = metadata["version"]
        self.OUTPUT_TYPE = self._config.output_type
        self.DATASET_PATH = self._config.dataset_path or self.DATASET_PATH
        self.DATASET_NAME = self._config.dataset_name or self.DATASET_NAME
        self.shots: Callable[[Mapping[str, Any], int], Sequence[Any]] | None = None
        self._dataset: Any = None

    @property
    def config(self) -> TaskConfig:
        """The keys of the task."""
        return self._config

    @property
    def dataset(self) -> Any:
        """The splits by name, read at first need by ``download``."""
        if self._dataset is None:
            self.download(self.config.dataset_kwargs)
        return self._dataset

    @dataset.setter
    def dataset(self, splits: Any) -> None:
        self._dataset = splits

    def download(self, dataset_kwargs: Mapping[str, Any] | None = None) -> None:
        """Read the data set; it is set as ``dataset``.

        Args:
            dataset_kwargs: Further arguments, or None.

        Raises:
            OptionError: The task names no data set.
        """
        if self.config.custom_dataset is not None:
            given = {**(self.config.metadata or {}), **(dataset_kwargs or {})}
            self.dataset = self.config.custom_dataset(**given)
            return
        if self.DATASET_PATH is None:
            raise OptionError(f"{type(self).__name__} names no data set")
        from datasets import load_dataset

        kwargs = dict(dataset_kwargs or {})
        # Data sets no longer run code of their own.
        kwargs.pop("trust_remote_code", None)
        self.dataset = load_dataset(self.DATASET_PATH, self.DATASET_NAME, **kwargs)

    def taken(self, split: Any) -> Any:
        """Take a split that was read for the task, to be found in ``dataset``."""
        return split

    def has_training_docs(self) -> bool:
        """Tell whether there are documents to take examples from."""
        return self.config.training_split is not None

    def has_validation_docs(self) -> bool:
        """Tell whether there are documents to evaluate where no test split is."""
        return self.config.validation_split is not None

    def has_test_docs(self) -> bool:
        """Tell whether there is a test split."""
        return self.config.test_split is not None

    def training_docs(self) -> Any:
        """Return the documents of the training split, or None without one."""
        return self._docs(self.config.training_split)

    def validation_docs(self) -> Any:
        """Return the documents of the validation split, or None without one."""
        return self._docs(self.config.validation_split)

    def test_docs(self) -> Any:
        """Return the documents of the test split, or None without one."""
        return self._docs(self.config.test_split)

    def fewshot_docs(self) -> Any:
        """Return the documents that examples are taken from."""
        if self.config.fewshot_split is not None:
            return self._docs(self.config.fewshot_split)
        if self.has_training_docs():
            return self.training_docs()
        if self.has_validation_docs():
            return self.validation_docs()
        return self.test_docs()

    @property
    def eval_docs(self) -> Any:
        """The documents that are evaluated: the test split, else the validation split.

        Raises:
            OptionError: There is neither.
        """
        if self.has_test_docs():
            return self.test_docs()
        if self.has_validation_docs():
            return self.validation_docs()
        raise OptionError(f"{type(self).__name__} has neither test nor validation docs")

    def _docs(self, split: str | None) -> Any:
        if split is None:
            return None
        docs = self.dataset[split]
        return self.config.process_docs(docs) if self.config.process_docs else docs

    def doc_to_text(self, doc: Mapping[str, Any]) -> Any:
        """Return the question of a document."""
        return self._field("doc_to_text", doc)

    def doc_to_target(self, doc: Mapping[str, Any]) -> Any:
        """Return the expected answer of a document."""
        return self._field("doc_to_target", doc)

    def doc_to_choice(self, doc: Mapping[str, Any]) -> Any:
        """Return the choices of a document."""
        return self._field("doc_to_choice", doc)

    def _field(self, key: str, doc: Mapping[str, Any]) -> Any:
        value = self.config[key]
        if callable(value):
            return value(doc)
        if isinstance(value, str) and value in doc:
            return doc[value]
        raise OptionError(
            f"{type(self).__name__} has no {key}: define the method, or name a "
            f"function or a column, not {value!r}"
        )

    def should_decontaminate(self) -> bool:
        """Tell whether documents were to be looked for in training data."""
        return bool(self.config.should_decontaminate)

    def fewshot_context(
        self, doc: Mapping[str, Any], num_fewshot: int = 0, **kwargs: Any
    ) -> Any:
        """Write the prompt of a document: description, examples, question.

        Args:
            doc: The document.
            num_fewshot: How many examples.
            kwargs: What lm-eval says of chat templates; messages are made elsewhere.

        Raises:
            OptionError: Examples are wanted, and nobody set ``shots``.
        """
        del kwargs
        if num_fewshot and self.shots is None:
            raise OptionError("examples of a task class need shots to choose them")
        examples = self.shots(doc, num_fewshot) if self.shots and num_fewshot else ()
        written = "".join(map(self._example, examples))
        return f"{self.config.description or ''}{written}{self.doc_to_text(doc)}"

    def _example(self, doc: Mapping[str, Any]) -> str:
        target = self.doc_to_target(doc)
        answer = target[0] if isinstance(target, list) else target
        return (
            f"{self.doc_to_text(doc)}{self.config.target_delimiter}{answer}"
            f"{self.config.fewshot_delimiter}"
        )

    def construct_requests(
        self, doc: dict[str, Any], ctx: Any, **kwargs: Any
    ) -> list[Instance] | Instance:
        """Ask for a text, or how likely the expected answer is.

        Args:
            doc: The document.
            ctx: Its prompt.
            kwargs: Attributes of the request; those of chat templates have no use.

        Raises:
            OptionError: The model is to be asked in another way.
        """
        for name in ("chat_template", "apply_chat_template"):
            kwargs.pop(name, None)
        if self.OUTPUT_TYPE == "generate_until":
            arguments: Any = (ctx, deepcopy(self.config.generation_kwargs))
        elif self.OUTPUT_TYPE == "loglikelihood":
            arguments = (ctx, self.doc_to_target(doc))
        elif self.OUTPUT_TYPE == "loglikelihood_rolling":
            arguments = (self.doc_to_target(doc),)
        else:
            raise OptionError(
                f"{type(self).__name__} must construct the requests of output type "
                f"{self.OUTPUT_TYPE!r} itself"
            )
        return Instance(str(self.OUTPUT_TYPE), doc, arguments, 0, **kwargs)

    def process_results(self, doc: dict[str, Any], results: Any) -> Any:
        """Give each metric its value for a document.

        Raises:
            ScoringError: The task has no scorer.
        """
        if self.config.process_results is None:
            raise ScoringError(f"{type(self).__name__} defines no process_results")
        return self.config.process_results(doc, results)

    def aggregation(self) -> dict[str, Callable[..., Any]]:
        """Return by metric what makes one number of the documents' values."""
        return {
            name: aggregation_of(entry.get("aggregation") or "mean", name)[1]
            for name, entry in self._metrics().items()
        }

    def higher_is_better(self) -> dict[str, bool]:
        """Tell by metric whether more is better."""
        return {
            name: entry.get("higher_is_better", True)
            for name, entry in self._metrics().items()
        }

    def _metrics(self) -> dict[str, Mapping[str, Any]]:
        entries = self.config.metric_list or ()
        named = ((entry["metric"], entry) for entry in entries)
        return {getattr(name, "__name__", name): entry for name, entry in named}


class LmmsTask(ConfigurableTask):
    """The same for lmms-eval, whose tasks process their documents as they read them."""

    def download(self, dataset_kwargs: Mapping[str, Any] | None = None) -> None:
        """Read the data set and process each of its splits."""
        super().download(dataset_kwargs)
        splits = self.dataset.items()
        self.dataset = {name: self.taken(split) for name, split in splits}

    def taken(self, split: Any) -> Any:
        """Process a split that was read for the task."""
        process = self.config.process_docs
        return split if process is None else process(split)

    def _docs(self, split: str | None) -> Any:
        return None if split is None else self.dataset[split]

"""Requests as the model takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.messages import MediaPart, media_of
from pytest_evalkit.models.completed import cut_note
from pytest_evalkit.models.local.batcher import Prepared
from pytest_evalkit.models.local.drawing import WriteRule, draw_of
from pytest_evalkit.models.local.ending import EndRule
from pytest_evalkit.models.local.likelihood import ReadWork
from pytest_evalkit.models.local.loading import Checkpoint
from pytest_evalkit.models.local.prompting import Prompter, PromptRule, Rendered
from pytest_evalkit.models.local.showing import ShowRule, decoded, require_kinds
from pytest_evalkit.models.local.writing import WriteWork
from pytest_evalkit.models.windows import (
    Tokens,
    Window,
    first_window,
    pair_window,
    rolling_windows,
    split_at_word,
)
from pytest_evalkit.values import Generate, GenerationParameters, Loglikelihood

Work = WriteWork | ReadWork

WRITE = "write"
READ = "read"
# Made here for the whole batch.
_OWN_INPUTS = frozenset({"input_ids", "attention_mask"})


class Rules(NamedTuple):
    """What the user asks for."""

    prompt: PromptRule
    write: WriteRule
    show: ShowRule


class Reading(NamedTuple):
    """What a model reads before it writes.

    Attributes:
        tokens: The prompt.
        inputs: What else it reads, by its own names.
        notes: What the sample should say of it.
    """

    tokens: Tokens
    inputs: Mapping[str, Any] = MappingProxyType({})
    notes: tuple[str, ...] = ()


class Preparing:
    """Makes of requests what a checkpoint takes; several threads may use it.

    Args:
        checkpoint: The model and what makes its input.
        rules: What the user asks for.
        usual_system: Said first where nobody says otherwise; None for nothing.

    Raises:
        OptionError: A chat template is asked for and there is none.
    """

    def __init__(
        self, checkpoint: Checkpoint, rules: Rules, usual_system: str | None
    ) -> None:
        self._checkpoint = checkpoint
        self._rules = rules
        self.prompter = Prompter(
            rules.prompt,
            tokenizer=checkpoint.tokenizer,
            processor=checkpoint.processor,
            usual_system=usual_system,
        )

    def generate(self, request: Generate) -> Prepared[Work]:
        """Prepare a text to be written.

        Raises:
            DatasetError: A medium cannot be read or decoded.
            RequestRejectedError: The model cannot take the request.
        """
        if request.tools:
            raise RequestRejectedError(
                "a local model takes no tools; serve it and use --model openai"
            )
        messages = self.prompter.completed(request.messages)
        media = media_of(messages)
        require_kinds(media, self._checkpoint.processor)
        told = request.parameters.extra.get("chat_template_kwargs") or {}
        rendered = self.prompter.render(messages, told)
        reading = self._read(rendered, media)
        return self._writing(request, reading, has_media=bool(media))

    def pair(self, request: Loglikelihood) -> Window:
        """Prepare a continuation to be read after its context.

        Raises:
            RequestRejectedError: There is nothing to ask about, or no room.
        """
        context, continuation = split_at_word(request.context, request.continuation)
        if not context:
            tokens = self.tokens(continuation, with_special=False)
            return first_window(tokens, self._prefix(), self._longest)
        whole = self.tokens(context + continuation)
        return pair_window(self.tokens(context), whole, self._longest)

    def windows(self, text: str) -> list[Window]:
        """Prepare a whole text to be read, window by window; [] where it is empty.

        Raises:
            RequestRejectedError: No token begins a text.
        """
        tokens = self.tokens(text)
        return list(rolling_windows(tokens, self._prefix(), self._longest))

    def prompt(self, prompt: str | Tokens) -> Tokens:
        """Give the tokens of a prompt as it is, with nothing put around it.

        Raises:
            RequestRejectedError: There are none, one is not in the vocabulary, or they
                are more than the model takes.
        """
        tokens = prompt
        if isinstance(tokens, str):
            tokens = self.tokens(tokens, with_special=False)
        limit, size = self._checkpoint.max_length, len(self._checkpoint.tokenizer)
        if not 0 < len(tokens) <= limit:
            raise RequestRejectedError(
                f"the prompt has {len(tokens)} tokens; the model takes from 1 to {limit}"
            )
        if not all(0 <= token < size for token in tokens):
            raise RequestRejectedError(
                f"a token id is outside of the vocabulary, which ends at {size - 1}"
            )
        return tokens

    def completion(
        self, prompt: str | Tokens, parameters: GenerationParameters
    ) -> Prepared[Work]:
        """Prepare a prompt to be continued as it is.

        Raises:
            RequestRejectedError: The model cannot take the request.
        """
        # Of a question that nobody asked as a conversation, only the parameters count.
        request = Generate(messages=(), parameters=parameters)
        return self._writing(request, Reading(self.prompt(prompt)), has_media=False)

    @staticmethod
    def read(window: Window, n_top: int | None = None) -> Prepared[Work]:
        """Say how a window is put beside others."""
        work = ReadWork(window, n_top)
        return Prepared(payload=work, kind=(READ,), length=len(work.row), row=work.row)

    def tokens(self, text: str, *, with_special: bool | None = None) -> Tokens:
        """Split a text.

        Args:
            text: The text.
            with_special: Whether what the tokenizer puts around a text is added; None
                for what the user wants, or it does by itself, unless it is there.
        """
        tokenizer = self._checkpoint.tokenizer
        special = self._rules.prompt.add_bos_token
        if with_special is not None:
            special = with_special
        elif special is None:
            begins = tokenizer.bos_token
            special = begins is None or not text.startswith(begins)
        return tuple(tokenizer(text, add_special_tokens=special)["input_ids"])

    @property
    def _longest(self) -> int:
        """The most tokens of a window: the last of them is only asked about."""
        return self._checkpoint.max_length + 1

    def _prefix(self) -> int:
        tokenizer = self._checkpoint.tokenizer
        for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
            if token is not None:
                return int(token)
        raise RequestRejectedError(
            "the tokenizer has no token that begins or ends a text, and so nothing to "
            "stand before its first"
        )

    def _writing(
        self, request: Generate, reading: Reading, *, has_media: bool
    ) -> Prepared[Work]:
        draw = draw_of(request, self._rules.write, self._checkpoint.repetition_penalty)
        prompt, inputs, notes = reading
        most, cut = self._room(request, len(prompt), has_media=has_media)
        if cut:
            prompt, notes = prompt[cut:], (*notes, cut_note(cut))
        work = WriteWork(
            prompt=prompt,
            inputs=inputs,
            end=self._end(request, most),
            draw=draw,
            notes=notes,
        )
        return Prepared(
            payload=work,
            kind=(WRITE, work.signature),
            length=len(prompt),
            weight=work.weight,
        )

    def _read(self, rendered: Rendered, media: Sequence[MediaPart]) -> Reading:
        special = False if rendered.is_templated else None
        if not media:
            tokens = self.tokens(rendered.text, with_special=special)
            if not tokens:
                raise RequestRejectedError("the prompt is empty")
            return Reading(tokens, notes=rendered.notes)
        processor, rule = self._checkpoint.processor, self._rules.show
        assert processor is not None, "media were refused before"
        shown = decoded(media, rule, processor)
        made = processor(
            text=[rendered.text],
            return_tensors="pt",
            text_kwargs={"add_special_tokens": False},
            **shown.arguments(rule, processor),
        )
        return Reading(
            tuple(made["input_ids"][0].tolist()),
            {name: made[name] for name in made if name not in _OWN_INPUTS},
            (*rendered.notes, *shown.notes),
        )

    def _room(
        self, request: Generate, length: int, *, has_media: bool
    ) -> tuple[int, int]:
        """Tell how many tokens may be written, and how many are cut for them."""
        limit, asked = self._checkpoint.max_length, request.parameters.max_tokens
        most = self._rules.write.max_new_tokens if asked is None else asked
        if most < 1:
            raise RequestRejectedError(f"max_tokens must be at least 1, got {most}")
        if length + most <= limit:
            return most, 0
        if asked is None and length < limit:
            # Nobody asked for as many: rather a shorter answer than a shorter question.
            return limit - length, 0
        if asked is not None and asked >= limit:
            raise RequestRejectedError(
                f"{asked} new tokens leave no room for a prompt: the model reads and "
                f"writes {limit}; set max_length if it takes more"
            )
        if has_media:
            raise RequestRejectedError(
                f"the prompt has {length} tokens, and {most} are to be written, but the "
                f"model takes {limit}; make images smaller, show fewer frames, or set "
                "max_length if it takes more"
            )
        most = min(most, max(1, limit // 2)) if asked is None else most
        return most, length - (limit - most)

    def _end(self, request: Generate, most: int) -> EndRule:
        texts = tuple(text for text in request.parameters.stop if text)
        tokenizer = self._checkpoint.tokenizer
        special = {
            text: tokenizer.convert_tokens_to_ids(text)
            for text in texts
            if text in tokenizer.all_special_tokens
        }
        ignores = request.parameters.extra.get("ignore_eos")
        ends: frozenset[int] = frozenset() if ignores else self._checkpoint.ends
        return EndRule(
            most=most,
            # Such tokens are not spelt in the answer, so no text would show them.
            tokens=ends | frozenset(special.values()),
            texts=tuple(text for text in texts if text not in special),
        )

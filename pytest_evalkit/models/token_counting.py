"""Counting tokens that an endpoint does not tell of, once its answers are there.

A prompt has the tokens of the whole text that the chat template makes of it: history,
tools and what stands around each message. An answer has those of its words and of the
mark that ends it unless it was cut; where it has thought or calls tools, those of what
the template writes for it, with their marks. So does a server count what its model
generates. What the template cannot write is counted by its texts alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from pytest_evalkit.codec import decode, encode
from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.chat_template import (
    ChatTemplate,
    TemplateError,
    read_template,
    special_beside,
    template_beside,
    text_of_content,
)
from pytest_evalkit.models.local_tokenizers import (
    FileTokenizer,
    TiktokenTokenizer,
    local_tokenizer,
)
from pytest_evalkit.values import Counted, Uncounted

_NO_TEMPLATE = "the tokenizer has no chat template; name one with counting_template=..."
_BROUGHT = (
    "requests bring a chat template of their own; name it with counting_template=..."
)
_NO_ANSWER = "the chat template leaves out a part of them"
# Requests that tell the template something of their own have frames of their own.
_MOST_FRAMES = 64
# Stands for an answer where the template is asked what it puts after one.
_MARK = "\x02answer\x02"
_ASKED: Mapping[str, Any] = {"role": "user", "content": ""}
_WORDS_ALONE = frozenset({"role", "content"})
# Fields of a payload that a server hands on to its chat template.
_HANDED_ON = ("chat_template_kwargs", "reasoning_effort", "documents")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """What tokens are counted with that the endpoint does not tell of.

    Attributes:
        counting_tokenizer: The tokenizer of the model: a ``tokenizer.json``, the folder
            it is in, or a name on the Hugging Face hub; ``tiktoken:`` and an encoding or
            model. Tokens that the endpoint does not count are then counted with it
            after the last request, and held against those that it does count. None
            leaves them unknown.
        counting_revision: Which state of a tokenizer on the hub; None for ``main``.
        counting_template: A file with the chat template, or the template; None for the
            one that comes with the tokenizer.
    """

    counting_tokenizer: str | None = None
    counting_revision: str | None = None
    counting_template: str | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without loading anything.

        Raises:
            OptionError: There is no such tokenizer, its package is not installed, or a
                setting is of no use without it.
        """
        if self.counting_tokenizer is None:
            for setting in fields(self):
                if getattr(self, setting.name) is not None:
                    raise OptionError(
                        f"{setting.name} is of no use without counting_tokenizer=..."
                    )
            return
        _ = self._tokenizer

    def counter(self) -> TokenCounter | None:
        """Load what counts; None where nothing is to.

        Raises:
            ModelUnavailableError: There is no such tokenizer.
            OptionError: The chat template is none.
        """
        if self.counting_tokenizer is None:
            return None
        tokenizer = self._tokenizer
        folder = tokenizer.load()
        template = self._template(folder)
        is_named = self.counting_template is not None
        return TokenCounter(tokenizer, template, is_named=is_named)

    @property
    def _tokenizer(self) -> FileTokenizer | TiktokenTokenizer:
        assert self.counting_tokenizer is not None, "only asked where it is named"
        return local_tokenizer(
            self.counting_tokenizer, revision=self.counting_revision or "main"
        )

    def _template(self, folder: Path | None) -> ChatTemplate | None:
        told = self.counting_template
        if told is None:
            return None if folder is None else template_beside(folder)
        special = {} if folder is None else special_beside(folder)
        return ChatTemplate(_template_text(told), special)


class TokenCounter:
    """Counts tokens of requests and of answers.

    Args:
        tokenizer: The model's.
        template: The model's chat template, or None where it is not known.
        is_named: Whether the user named it, so that it holds whatever template a
            request brings. Such a one may be a row's, and is not run here.
    """

    def __init__(
        self,
        tokenizer: FileTokenizer | TiktokenTokenizer,
        template: ChatTemplate | None,
        *,
        is_named: bool = False,
    ) -> None:
        self._tokenizer = tokenizer
        self._template = template
        self._is_named = is_named
        self._frames: dict[bytes, _Frame] = {}

    def count(self, uncounted: Uncounted) -> Counted:
        """Count the tokens of a request and of its answer."""
        payload: Mapping[str, Any] = {}
        if uncounted.payload is not None:
            payload = decode(uncounted.payload)
        if "message" not in uncounted.choice:
            return self._completion(payload, uncounted.choice)
        return self._chat(payload, uncounted.choice)

    def _completion(
        self, payload: Mapping[str, Any], choice: Mapping[str, Any]
    ) -> Counted:
        """Count a prompt that is continued as it is: there is nothing around it."""
        prompt = payload["prompt"]
        if isinstance(prompt, str):
            inputs = self._tokenizer.count(prompt, with_special=True)
        else:
            inputs = len(prompt)
        return Counted(
            input_tokens=inputs,
            output_tokens=self._tokenizer.count(choice["text"]),
            source="text",
        )

    def _chat(self, payload: Mapping[str, Any], choice: Mapping[str, Any]) -> Counted:
        """Count a chat: by the template what that can write, the rest by its texts."""
        variables, problem = _variables(payload), None
        inputs = None
        if payload:
            try:
                template = self._template_of(payload)
                inputs = self._tokenizer.count(_prompt(template, payload, variables))
            except TemplateError as error:
                inputs = self._sum(_texts_of_prompt(payload))
                problem = f"prompts: {error}"
        try:
            answer = self._answer(self._template_of(payload), choice, variables)
            outputs = self._tokenizer.count(answer)
        except TemplateError as error:
            outputs = self._sum(_texts_of(choice["message"]))
            problem = problem or f"answers: {error}"
        return Counted(
            input_tokens=inputs,
            output_tokens=outputs,
            source="text" if problem else "template",
            problem=problem,
        )

    def _template_of(self, payload: Mapping[str, Any]) -> ChatTemplate:
        """Get the template that a server would take.

        Raises:
            TemplateError: There is none that can be used.
        """
        if "chat_template" in payload and not self._is_named:
            raise TemplateError(_BROUGHT)
        if self._template is None:
            raise TemplateError(_NO_TEMPLATE)
        return self._template

    def _answer(
        self,
        template: ChatTemplate,
        choice: Mapping[str, Any],
        variables: Mapping[str, Any],
    ) -> str:
        """Write an answer as the model generated it.

        Raises:
            TemplateError: The template cannot, or leaves a part of it out.
        """
        frame = self._frame(template, variables)
        message = _answered(choice["message"])
        # What ended the answer is a token of it; white space after that is not.
        end = "" if choice.get("finish_reason") == "length" else frame.end
        if message.keys() == _WORDS_ALONE:
            words: str = message["content"]
            return words + end
        written = template.render(
            [_ASKED, message], is_to_go_on=False, variables=variables
        )
        said = frame.without_beginning(written, thinks="reasoning_content" in message)
        if said is None or not _has_all(said, message):
            raise TemplateError(_NO_ANSWER)
        if frame.after and said.endswith(frame.after):
            return said.removesuffix(frame.after) + end
        return said.rstrip()

    def _frame(self, template: ChatTemplate, variables: Mapping[str, Any]) -> _Frame:
        """Find out what a template puts around answers.

        Raises:
            TemplateError: It writes no answers.
        """
        key = encode(variables)
        if key not in self._frames:
            if len(self._frames) >= _MOST_FRAMES:
                self._frames.clear()
            begun = template.render([_ASKED], is_to_go_on=True, variables=variables)
            marked = template.render(
                [_ASKED, {"role": "assistant", "content": _MARK}],
                is_to_go_on=False,
                variables=variables,
            )
            before, found, after = marked.rpartition(_MARK)
            if not found:
                raise TemplateError(_NO_ANSWER)
            self._frames[key] = _Frame(begun, before, after)
        return self._frames[key]

    def _sum(self, texts: Iterator[str]) -> int:
        return sum(self._tokenizer.count(text) for text in texts if text)


class _Frame(NamedTuple):
    """What a template writes around answers.

    Attributes:
        begun: What a prompt ends with whose answer is to follow.
        before: What stands before the words of an answer that was given.
        after: What stands after them.
    """

    begun: str
    before: str
    after: str

    @property
    def end(self) -> str:
        """What the model itself writes of what stands after its words."""
        return self.after.rstrip().partition("\n")[0]

    def without_beginning(self, written: str, *, thinks: bool) -> str | None:
        """Take off what stands before an answer; None where something else does.

        Args:
            written: A conversation that ends with the answer.
            thinks: Whether it has thought. Some templates put empty thought before one
                that has none, which no model generates.
        """
        beginnings = (self.begun, self.before)
        for beginning in beginnings if thinks else reversed(beginnings):
            if written.startswith(beginning):
                return written.removeprefix(beginning)
        return None


def _template_text(told: str) -> str:
    """Read the file that a setting names, or take it for the template itself.

    Raises:
        OptionError: It is neither.
    """
    if "{" in told:
        return told
    return read_template(Path(told).expanduser())


def _variables(payload: Mapping[str, Any]) -> dict[str, Any]:
    """List what a template is told besides: as vLLM and SGLang do."""
    variables = {name: payload[name] for name in _HANDED_ON if name in payload}
    named = variables.pop("chat_template_kwargs", None)
    return variables | (named if isinstance(named, dict) else {})


def _prompt(
    template: ChatTemplate, payload: Mapping[str, Any], variables: Mapping[str, Any]
) -> str:
    """Write a prompt as the model reads it.

    Raises:
        TemplateError: The template cannot.
    """
    messages: Sequence[Mapping[str, Any]] = payload["messages"]
    tools: Sequence[Mapping[str, Any]] = payload.get("tools") or ()
    goes_on = bool(payload.get("add_generation_prompt", True))

    def written(said: Sequence[Mapping[str, Any]]) -> str:
        return template.render(
            said, tools=tools, is_to_go_on=goes_on, variables=variables
        )

    try:
        return written(messages)
    except TemplateError:
        if any(message["role"] == "user" for message in messages):
            raise
    # Some templates refuse a conversation in which no user says anything.
    first = next(
        (place for place, said in enumerate(messages) if said["role"] != "system"),
        len(messages),
    )
    return written([*messages[:first], _ASKED, *messages[first:]])


def _answered(message: Mapping[str, Any]) -> dict[str, Any]:
    """Take of an answer what a template is to write."""
    said: dict[str, Any] = {
        "role": "assistant",
        "content": text_of_content(message.get("content") or message.get("refusal")),
    }
    thought = _thought(message)
    if thought:
        said |= {"reasoning_content": thought, "reasoning": thought}
    if message.get("tool_calls"):
        said["tool_calls"] = message["tool_calls"]
    return said


def _thought(message: Mapping[str, Any]) -> str:
    return text_of_content(message.get("reasoning_content") or message.get("reasoning"))


def _has_all(written: str, message: Mapping[str, Any]) -> bool:
    """Tell whether a template wrote all that an answer says."""
    parts = [message["content"], message.get("reasoning_content", "")]
    parts += [function.get("name") for function in _functions(message)]
    return all(str(part or "").strip() in written for part in parts)


def _texts_of_prompt(payload: Mapping[str, Any]) -> Iterator[str]:
    """List the texts of a prompt, without what a template would put around them."""
    for message in payload["messages"]:
        yield from _texts_of(message)
    for tool in payload.get("tools") or ():
        yield encode(tool).decode()


def _texts_of(message: Mapping[str, Any]) -> Iterator[str]:
    """List the texts of one message: thought, text, the names and arguments of calls."""
    yield _thought(message)
    yield text_of_content(message.get("content") or message.get("refusal"))
    for function in _functions(message):
        yield str(function.get("name") or "")
        arguments = function.get("arguments") or ""
        yield arguments if isinstance(arguments, str) else encode(arguments).decode()


def _functions(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List what is called; endpoints may answer in any form."""
    calls = message.get("tool_calls")
    functions = [
        call.get("function")
        for call in (calls if isinstance(calls, list) else ())
        if isinstance(call, dict)
    ]
    return [function for function in functions if isinstance(function, dict)]

"""What a model reads: conversations through its chat template, or as plain text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pytest_evalkit.errors import OptionError, RequestRejectedError
from pytest_evalkit.messages import (
    Message,
    TextPart,
    interleaved,
    text_of,
    to_hf_messages,
    with_system,
)

_WITHOUT_TEMPLATE = (
    "the checkpoint has no chat template: the messages were joined as plain text"
)
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRule:
    r"""How a conversation becomes what the model reads.

    Attributes:
        apply_chat_template: Whether it goes through the chat template; None where the
            checkpoint has one, else its texts are joined as they are, and the sample
            says so.
        chat_template: A template to use instead of the checkpoint's: its text, a file
            that holds it, or the name of one of several that the checkpoint has.
        enable_thinking: What templates of models that can think are told; None leaves
            the choice to them.
        system_prompt: A text, or a file that holds one: it takes the place of the
            system message, or is put before a conversation that has none. None leaves
            the messages as they are.
        reasoning_prompt: Put after the last thing the user says, such as a request to
            think first; ``\n`` in it begins a line. None for nothing.
        interleave_visuals: Whether media are shown where the text has a token for them,
            such as ``<image>`` or ``<image 1>``; else where the task put them.
        add_bos_token: Whether a prompt that no template made gets what the tokenizer
            puts around a text; None for what the tokenizer does by itself.
        max_length: The most tokens that the model reads and writes together; None for
            what the checkpoint says. Longer texts are cut from the left.
    """

    apply_chat_template: bool | None = None
    chat_template: str | None = None
    enable_thinking: bool | None = None
    system_prompt: str | None = None
    reasoning_prompt: str | None = None
    interleave_visuals: bool = False
    add_bos_token: bool | None = None
    max_length: int | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without a checkpoint.

        Raises:
            OptionError: Two settings contradict each other, or a number is too small.
        """
        if self.max_length is not None and self.max_length < len(("in", "out")):
            raise OptionError(f"max_length must be at least 2, got {self.max_length}")
        if self.apply_chat_template is False and self.chat_template is not None:
            raise OptionError(
                "chat_template is of no use with apply_chat_template=false; leave one "
                "of them out"
            )


class Rendered(NamedTuple):
    """What a conversation reads like.

    Attributes:
        text: The prompt; the template has written what begins and ends messages.
        is_templated: Whether it has, so that nothing is to be added around it.
        notes: What the sample should say of it.
    """

    text: str
    is_templated: bool
    notes: tuple[str, ...] = ()


class Prompter:
    """Renders conversations for one checkpoint.

    Args:
        rule: How.
        tokenizer: Of the checkpoint.
        processor: Of the checkpoint, or None where it takes texts alone.
        usual_system: Said first where a conversation has no system message and
            ``rule`` does not say; None for nothing.

    Raises:
        OptionError: A template is asked for and there is none.
    """

    def __init__(
        self,
        rule: PromptRule,
        *,
        tokenizer: Any,
        processor: Any | None,
        usual_system: str | None = None,
    ) -> None:
        self._rule = rule
        self._renderer = tokenizer if processor is None else processor
        self._takes_media = processor is not None
        self._usual_system = usual_system
        self._system = _text_or_file(rule.system_prompt)
        self.template = self._chosen_template(tokenizer)

    @property
    def template_hash(self) -> str | None:
        """SHA-256 of the template in hexadecimal, or None where there is none."""
        if self.template is None:
            return None
        return hashlib.sha256(self.template.encode()).hexdigest()

    @property
    def system(self) -> str | None:
        """The text that takes the place of the system message, or None."""
        return self._system

    def completed(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Give a conversation as the model is to see it, media in their places."""
        said = tuple(messages)
        if self._system is not None:
            said = with_system(said, self._system) if self._system else _heard(said)
        elif self._usual_system and all(one.role != "system" for one in said):
            said = with_system(said, self._usual_system)
        if self._rule.reasoning_prompt:
            said = _with_last_word(
                said, self._rule.reasoning_prompt.replace("\\n", "\n")
            )
        if self._rule.interleave_visuals:
            said = tuple(map(interleaved, said))
        return said

    def render(
        self, messages: Sequence[Message], template_kwargs: Mapping[str, Any]
    ) -> Rendered:
        """Write what the model reads.

        Args:
            messages: The conversation, completed; where the assistant has the last word, the
                answer goes on from there.
            template_kwargs: What the template is told besides.

        Raises:
            RequestRejectedError: The template refuses the conversation, or there is
                none and media are to be shown.
        """
        if self.template is None:
            if any(message.media for message in messages):
                raise RequestRejectedError(
                    "media are shown through a chat template, and there is none; give "
                    "one with chat_template=..."
                )
            is_wanted = self._rule.apply_chat_template is False
            notes = () if is_wanted else (_WITHOUT_TEMPLATE,)
            return Rendered(text_of(messages), is_templated=False, notes=notes)
        return Rendered(self._templated(messages, template_kwargs), is_templated=True)

    def _templated(
        self, messages: Sequence[Message], template_kwargs: Mapping[str, Any]
    ) -> str:
        from jinja2 import TemplateError

        told = dict(template_kwargs)
        if self._rule.enable_thinking is not None:
            told.setdefault("enable_thinking", self._rule.enable_thinking)
        goes_on = messages[-1].role == "assistant"
        try:
            text: str = self._renderer.apply_chat_template(
                to_hf_messages(messages, is_text_alone=not self._takes_media),
                chat_template=self.template,
                tokenize=False,
                add_generation_prompt=not goes_on,
                continue_final_message=goes_on,
                **told,
            )
        except (TemplateError, ValueError, TypeError) as error:
            raise RequestRejectedError(
                f"the chat template refuses the conversation: {error}"
            ) from error
        return text

    def _chosen_template(self, tokenizer: Any) -> str | None:
        if self._rule.apply_chat_template is False:
            return None
        own = getattr(self._renderer, "chat_template", None)
        own = getattr(tokenizer, "chat_template", None) if own is None else own
        named = own if isinstance(own, dict) else {"default": own}
        asked = self._rule.chat_template
        if asked is None:
            template = named.get("default")
        else:
            template = named.get(asked) or _text_or_file(asked)
        if template is None and self._rule.apply_chat_template:
            raise OptionError(
                "apply_chat_template=true, but the checkpoint has no chat template; "
                "give one with chat_template=..."
            )
        return template


def _heard(messages: Sequence[Message]) -> tuple[Message, ...]:
    return tuple(message for message in messages if message.role != "system")


def _with_last_word(messages: Sequence[Message], text: str) -> tuple[Message, ...]:
    """Put a text after the last message of the user."""
    places = [n for n, message in enumerate(messages) if message.role == "user"]
    if not places:
        return tuple(messages)
    last = messages[places[-1]]
    longer = Message(last.role, (*last.parts, TextPart(text)))
    return (*messages[: places[-1]], longer, *messages[places[-1] + 1 :])


def _text_or_file(text: str | None) -> str | None:
    """Take a text as it is, or out of the file that it names.

    Raises:
        OptionError: It is the name of a file that cannot be read.
    """
    if text is None or len(text) > _LONGEST_NAME or "\n" in text:
        return text
    path = Path(text).expanduser()
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else text
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"cannot read {path}: {error}") from error

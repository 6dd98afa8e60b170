from __future__ import annotations

import pytest

from pytest_evalkit.codec import decode, encode
from pytest_evalkit.host.media_wire import message_of, message_wire
from pytest_evalkit.messages import Message, TextPart, ToolCallPart, ToolResultPart

CALL = ToolCallPart("c", "f", "{}")


@pytest.mark.parametrize(
    "message",
    [
        Message.of_text("user", "a"),
        Message("user", (TextPart("a"),), name="ann"),
        Message("assistant", (TextPart(""), CALL), reasoning="hm"),
        Message("assistant", (CALL,)),
        Message("tool", (ToolResultPart("c", ""),), name="f"),
    ],
)
def test_a_message_arrives_as_it_was(message: Message) -> None:
    wire = decode(encode(message_wire(message, iter(()))))

    assert message_of(wire) == message

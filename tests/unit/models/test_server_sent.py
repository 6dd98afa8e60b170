from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.models.server_sent import EventParser


def events_of(*pieces: bytes) -> list[bytes]:
    parser = EventParser()
    found = [event for piece in pieces for event in parser.feed(piece)]
    return found + parser.close()


@pytest.mark.parametrize(
    ("content", "events"),
    [
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a \n\n", [b" a "]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b": keep-alive\n\ndata: a\n\n", [b"a"]),
        (b": comment\ndata: a\n: another\n\n", [b"a"]),
        (b"event: message\nid: 7\nretry: 10\ndata: a\n\n", [b"a"]),
        (b"event: ping\n\n", []),
        (b"data:\n\n", [b""]),
        (b"\n\n\n\ndata: a\n\n\n\n", [b"a"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"data: a\n\ndata: b", [b"a", b"b"]),
        (b"data: a\n\ndata: b\r", [b"a", b"b"]),
        (b"", []),
        (b"\xef", []),
        (b"database: x\n\n", []),
    ],
)
def test_the_data_of_each_event_is_found(content: bytes, events: list[bytes]) -> None:
    assert events_of(content) == events


def test_an_event_comes_as_soon_as_it_is_whole() -> None:
    parser = EventParser()

    assert parser.feed(b"data: a\n") == []
    assert parser.feed(b"\n") == [b"a"]
    assert parser.feed(b"data: b\r\n\r") == []
    assert parser.feed(b"\ndata") == [b"b"]


LINES = st.sampled_from(
    [
        b"data: caf\xc3\xa9 \xf0\x9f\x90\x88",
        b"data:{}",
        b"data",
        b"data: ",
        b": comment",
        b"event: x",
        b"",
        b"",
        b"\xef\xbb\xbf",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(
    lines=st.lists(st.tuples(LINES, ENDS), max_size=12),
    cuts=st.lists(st.integers(0, 120), max_size=12),
)
def test_however_the_bytes_are_cut_the_events_are_the_same(
    lines: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    content = b"".join(line + end for line, end in lines)
    places = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})

    pieces = [content[start:end] for start, end in pairwise(places)]

    assert events_of(*pieces) == events_of(content)
    assert events_of(*(bytes([byte]) for byte in content)) == events_of(content)

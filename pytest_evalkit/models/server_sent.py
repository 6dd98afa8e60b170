"""Server-sent events, read from bytes however they are cut: no I/O.

The format is that of the HTML standard, section 9.2.6, as endpoints use it: what counts
is ``data``; comments and the other fields are passed over.
"""

from __future__ import annotations

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventParser:
    """Cuts a stream of bytes into the data of its events.

    Lines may end in LF, CR LF or CR. Nothing is decoded, so a character may be split
    between two pieces.
    """

    __slots__ = ("_has_begun", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._has_begun = False

    def feed(self, content: bytes) -> list[bytes]:
        """Take in the next bytes.

        Returns:
            The data of each event that is now whole, in order; the lines of one event
            joined by LF. Events without data are left out.
        """
        content = self._rest + content
        if not self._has_begun:
            if _BYTE_ORDER_MARK.startswith(content):
                self._rest = content
                return []
            self._has_begun = True
            content = content.removeprefix(_BYTE_ORDER_MARK)
        held = b""
        if b"\r" in content:
            # A CR at the very end may be half of a CR LF.
            held = b"\r" if content.endswith(b"\r") else b""
            content = _with_plain_lines(content.removesuffix(held))
        *events, rest = content.split(b"\n\n")
        self._rest = rest + held
        return _data_of_all(events)

    def close(self) -> list[bytes]:
        """Take in that no more will come.

        Returns:
            The data of the last event, where only the empty line after it is missing.
        """
        rest, self._rest = _with_plain_lines(self._rest), b""
        return _data_of_all([rest])


def _with_plain_lines(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _data_of_all(events: list[bytes]) -> list[bytes]:
    found = (_data_of(event) for event in events)
    return [data for data in found if data is not None]


def _data_of(event: bytes) -> bytes | None:
    if event.startswith(b"data: ") and b"\n" not in event:
        return event[6:]
    values = [
        line[5:].removeprefix(b" ")
        for line in event.split(b"\n")
        if line.startswith(b"data:")
    ]
    return b"\n".join(values) if values else None

"""What a mock server has seen: counts, and the requests themselves where asked for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pytest_evalkit.codec import CodecError, decode, encode
from pytest_evalkit.serving import Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it came.

    Attributes:
        method: Such as ``POST``.
        path: Such as ``/v1/chat/completions``.
        headers: Values by name in small letters.
        body: The body; decoded where it is JSON, else its bytes; None where empty.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(slots=True)
class Worked:
    """One request while it was worked on, and after.

    Attributes:
        payload: What it asked.
        began_at: When its work began, in seconds of ``time.monotonic``.
        ended_at: When it was answered or its client had gone; None until then.
    """

    payload: Mapping[str, Any]
    began_at: float
    ended_at: float | None = None


class Traffic:
    """Counts requests, and keeps or logs them.

    Attributes:
        requests: How many chat and completion requests have come.
        in_flight: How many of them are being worked on.
        peak_in_flight: The most that were worked on at once.
        outcomes: How many of them ended how: by status, or by the kind of fault.
        received: All requests, where they are kept; in the order of arrival.
        worked: Those that were worked on, where they are kept; in the same order.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.in_flight = 0
        self.peak_in_flight = 0
        self.outcomes: Counter[str] = Counter()
        self.received: list[Received] = []
        self.worked: list[Worked] = []
        self._log: BinaryIO | None = None

    def open_log(self, path: Path | None) -> None:
        """Begin to log, at the end of a file; None logs nothing.

        Raises:
            OSError: The file cannot be written.
        """
        self._log = None if path is None else path.open("ab")

    def close_log(self) -> None:
        """End the log; a second time does nothing."""
        if self._log is not None:
            self._log.close()
            self._log = None

    def note(self, head: Head, body: bytes, *, keep: bool) -> None:
        """Take in a request.

        Args:
            head: Its head.
            body: Its body.
            keep: Whether it is to be kept in memory.
        """
        if not keep and self._log is None:
            return
        content = _content(body)
        if keep:
            received = Received(
                method=head.method, path=head.path, headers=head.headers, body=content
            )
            self.received.append(received)
        if self._log is not None:
            # The values of headers may be secrets.
            line = {
                "at": time.time(),
                "method": head.method,
                "path": head.path,
                "headers": list(head.headers),
                "body": content.decode(errors="replace")
                if isinstance(content, bytes)
                else content,
            }
            self._log.write(encode(line) + b"\n")
            self._log.flush()

    def begin(self, payload: Mapping[str, Any], *, keep: bool) -> Worked | None:
        """Take in that a request is being worked on.

        Args:
            payload: What it asks.
            keep: Whether that is to be kept in memory.

        Returns:
            What is kept of it, or None.
        """
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        if not keep:
            return None
        worked = Worked(payload, time.monotonic())
        self.worked.append(worked)
        return worked

    def end(self, worked: Worked | None) -> None:
        """Take in that it no longer is."""
        self.in_flight -= 1
        if worked is not None:
            worked.ended_at = time.monotonic()

    def body(self) -> bytes:
        """Write the counts as JSON."""
        return encode(
            {
                "requests": self.requests,
                "in_flight": self.in_flight,
                "peak_in_flight": self.peak_in_flight,
                "outcomes": dict(self.outcomes),
            }
        )


def _content(body: bytes) -> Any:
    if not body:
        return None
    try:
        return decode(body)
    except CodecError:
        return body

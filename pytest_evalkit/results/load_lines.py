"""What the processes of a run say of its load, apart from the requests themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pytest_evalkit.evaluate.counting import CountingLineDict
from pytest_evalkit.results.schema import ClientDict, WarmUpDict


@dataclass(slots=True)
class LoadLines:
    """What the processes of a run say of its load.

    Attributes:
        ended: By what it ended before all was sent, or None.
        clients: What each says of itself as a client of the endpoint.
        warmed: What each sent before it measured.
        counted: What each that counted tokens says of that.
    """

    ended: str | None = None
    clients: list[ClientDict] = field(default_factory=list)
    warmed: list[WarmUpDict] = field(default_factory=list)
    counted: list[CountingLineDict] = field(default_factory=list)

    def note(self, kind: str, said: Mapping[str, Any]) -> None:
        """Take in a line of a journal; one of another kind says nothing of load."""
        if kind == "load_end":
            self.ended = said["reason"]
        elif kind == "client":
            self.clients.append(cast("ClientDict", said))
        elif kind == "warmup":
            self.warmed.append(cast("WarmUpDict", said))
        elif kind == "token_counting":
            self.counted.append(cast("CountingLineDict", said))

"""How a mock endpoint behaves, whatever it answers: how fast, how much, how badly."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import suggestion

FAULT_KINDS = ("429", "500", "reset", "hang", "cut", "bad_frame")


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong, how often.

    Attributes:
        rate: Share of the requests that something goes wrong with, from 0 to 1.
        kinds: What may go wrong, each as likely as the others. ``429`` and ``500`` are
            refusals, the first with ``Retry-After``; ``reset`` drops the connection;
            ``hang`` never answers; ``cut`` ends in the middle of the answer;
            ``bad_frame`` puts an event that is no JSON into a stream, and sends what is
            no JSON at all where nothing is streamed.
        seed: Another seed lets it happen to other requests.
    """

    rate: float = 0.0
    kinds: tuple[str, ...] = FAULT_KINDS
    seed: int = 0

    def __post_init__(self) -> None:
        """Check rate and kinds.

        Raises:
            OptionError: The rate is no share, or a kind is unknown.
        """
        if not 0 <= self.rate <= 1:
            raise OptionError(f"the rate of faults must be 0 to 1, got {self.rate:g}")
        for kind in self.kinds:
            if kind not in FAULT_KINDS:
                raise OptionError(
                    f"unknown fault {kind!r}; {suggestion(kind, FAULT_KINDS)}"
                )
        if self.rate and not self.kinds:
            raise OptionError("faults are to happen, but no kind of them is given")


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How an endpoint behaves.

    Attributes:
        latency_s: Seconds before a whole answer is sent.
        ttft_s: Seconds before the first token of a streamed answer; None for as many
            as ``latency_s``. The event that only says the role is sent at once.
        inter_token_s: Seconds between the tokens of a streamed answer.
        capacity: The most requests that are worked on at once; beyond, the answer is
            429 with ``Retry-After``. None for no bound.
        retry_after_s: What ``Retry-After`` says, in seconds.
        faults: What goes wrong.
        models: The models that are served; a request for another is answered 404.
            Empty for whatever is asked for.
        api_key: The key to be given; a request without it is answered 401. None for
            none.
        tells_usage: Whether answers say how many tokens they cost.
        log: A file that gets a line for each request: names of headers, and body.
    """

    latency_s: float = 0.0
    ttft_s: float | None = None
    inter_token_s: float = 0.0
    capacity: int | None = None
    retry_after_s: float = 1.0
    faults: Faults = field(default_factory=Faults)
    models: tuple[str, ...] = ()
    api_key: str | None = field(default=None, repr=False)
    tells_usage: bool = True
    log: Path | None = None

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: A time is negative, or there is no capacity at all.
        """
        times = {
            "latency_s": self.latency_s,
            "ttft_s": self.first_token_s,
            "inter_token_s": self.inter_token_s,
            "retry_after_s": self.retry_after_s,
        }
        for name, seconds in times.items():
            if seconds < 0:
                raise OptionError(f"{name} must be 0 or more, got {seconds:g}")
        if self.capacity is not None and self.capacity < 1:
            raise OptionError(f"the capacity must be at least 1, got {self.capacity}")

    @property
    def first_token_s(self) -> float:
        """Seconds before the first token of a streamed answer."""
        return self.latency_s if self.ttft_s is None else self.ttft_s


class FaultDraws:
    """Decides which requests something goes wrong with.

    The draw depends on the seed, on the body of the request and on how often that body
    has come: not on the order in which requests arrive. Asking again draws again.
    """

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def draw(self, faults: Faults, body: bytes) -> str | None:
        """Say what goes wrong with a request, or None."""
        if not faults.rate:
            return None
        digest = hashlib.sha256(body).digest()
        self._seen[digest] += 1
        place = f"{faults.seed}/{digest.hex()}/{self._seen[digest]}"
        rng = Random(place)  # noqa: S311 - faults, not cryptography
        if rng.random() >= faults.rate:
            return None
        return rng.choice(faults.kinds)


def fault_kinds(names: Iterable[str]) -> tuple[str, ...]:
    """Read the names of faults as a user lists them.

    Raises:
        OptionError: A kind is unknown.
    """
    kinds = tuple(name.strip() for name in names if name.strip())
    return Faults(kinds=kinds).kinds

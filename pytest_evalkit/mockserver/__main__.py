"""``python -m pytest_evalkit.mockserver``: an endpoint to try things on."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from pytest_evalkit.errors import OptionError
from pytest_evalkit.mockserver.answers import answers_from, calling_tools, echo
from pytest_evalkit.mockserver.behaviour import (
    FAULT_KINDS,
    Behaviour,
    Faults,
    fault_kinds,
)
from pytest_evalkit.mockserver.reply import AnswerFunction
from pytest_evalkit.mockserver.server import MockServer

_USAGE_ERROR = 4


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted; print the base URL when ready.

    Args:
        argv: Arguments; None for those of the process.

    Returns:
        The exit status: 0, or 4 where the arguments cannot be served.
    """
    options = _parser().parse_args(argv)
    try:
        server = MockServer(
            _answer(options),
            host=options.host,
            port=options.port,
            behaviour=_behaviour(options),
        )
        with (
            suppress(KeyboardInterrupt),
            asyncio.Runner(loop_factory=_loop_factory()) as runner,
        ):
            runner.run(_serve(server))
    except (OptionError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return _USAGE_ERROR
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evalkit mock-server",
        description="Serve an OpenAI-compatible endpoint that echoes the user.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="zero for a free port")
    _add_answers(parser.add_argument_group("what it answers"))
    _add_times(parser.add_argument_group("how fast it answers"))
    _add_troubles(parser.add_argument_group("what it refuses and what goes wrong"))
    return parser


_Group = argparse._ArgumentGroup  # noqa: SLF001 - argparse has no other name for it


def _add_answers(group: _Group) -> None:
    group.add_argument(
        "--answers",
        type=Path,
        metavar="FILE",
        help='JSONL of {"prompt": ..., "answer": ...} to answer from',
    )
    group.add_argument(
        "--tool-calls",
        action="store_true",
        help="call the first tool offered, once for each question",
    )
    group.add_argument(
        "--no-usage",
        action="store_true",
        help="do not say how many tokens an answer cost",
    )
    group.add_argument(
        "--log",
        type=Path,
        metavar="FILE",
        help="add a JSON line for each request: names of headers, and body",
    )


def _add_times(group: _Group) -> None:
    group.add_argument(
        "--latency", type=float, default=0.0, metavar="S", help="seconds to an answer"
    )
    group.add_argument(
        "--ttft",
        type=float,
        metavar="S",
        help="seconds to the first token of a streamed answer (default: the latency)",
    )
    group.add_argument(
        "--inter-token",
        type=float,
        default=0.0,
        metavar="S",
        help="seconds between the tokens of a streamed answer",
    )


def _add_troubles(group: _Group) -> None:
    group.add_argument(
        "--capacity",
        type=int,
        metavar="N",
        help="requests worked on at once; beyond, the answer is 429",
    )
    group.add_argument(
        "--retry-after",
        type=float,
        default=1.0,
        metavar="S",
        help="seconds that a 429 asks to wait (default 1)",
    )
    group.add_argument(
        "--error-rate",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of the requests that something goes wrong with, 0 to 1",
    )
    group.add_argument(
        "--errors",
        default=",".join(FAULT_KINDS),
        metavar="KIND,...",
        help=f"what may go wrong (default {','.join(FAULT_KINDS)})",
    )
    group.add_argument(
        "--seed", type=int, default=0, help="which requests it happens to"
    )
    group.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME",
        help="serve this model only; may be given several times",
    )
    group.add_argument("--api-key", metavar="KEY", help="refuse requests without it")


def _answer(options: argparse.Namespace) -> AnswerFunction:
    answer = answers_from(options.answers) if options.answers else echo
    return calling_tools(answer) if options.tool_calls else answer


def _behaviour(options: argparse.Namespace) -> Behaviour:
    return Behaviour(
        latency_s=options.latency,
        ttft_s=options.ttft,
        inter_token_s=options.inter_token,
        capacity=options.capacity,
        retry_after_s=options.retry_after,
        faults=Faults(
            rate=options.error_rate,
            kinds=fault_kinds(options.errors.split(",")),
            seed=options.seed,
        ),
        models=tuple(options.model),
        api_key=options.api_key,
        tells_usage=not options.no_usage,
        log=options.log,
    )


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Take the faster loop where it is installed."""
    if find_spec("uvloop") is None:
        return None
    import uvloop

    return uvloop.new_event_loop


async def _serve(server: MockServer) -> None:
    ended = asyncio.Event()
    with suppress(NotImplementedError):
        # Windows has no such handlers; there an interrupt ends the loop.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await server.start()
    print(server.url, flush=True)
    try:
        await ended.wait()
    finally:
        await server.stop()


if __name__ == "__main__":
    sys.exit(main())

"""``python -m pytest_evalkit.mockserver``: an endpoint to try things on."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pytest_evalkit.errors import OptionError
from pytest_evalkit.mockserver.answers import answers_from, echo
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
        answer = answers_from(options.answers) if options.answers else echo
        server = MockServer(
            answer, host=options.host, port=options.port, latency_s=options.latency
        )
        with suppress(KeyboardInterrupt):
            asyncio.run(_serve(server))
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
    parser.add_argument(
        "--latency", type=float, default=0.0, metavar="S", help="seconds to wait"
    )
    parser.add_argument(
        "--answers",
        type=Path,
        metavar="FILE",
        help='JSONL of {"prompt": ..., "answer": ...} to answer from',
    )
    return parser


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

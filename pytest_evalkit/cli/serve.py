"""``evalkit serve-model``: a model behind the OpenAI protocol, for any client."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_evalkit.errors import OptionError
from pytest_evalkit.host.devices import visible_gpus
from pytest_evalkit.host.server import Bound
from pytest_evalkit.host.serving import serve
from pytest_evalkit.models.arguments import parse_model_args
from pytest_evalkit.models.launching import ServedBackend
from pytest_evalkit.models.registry import is_local, make_backend


def serve_model(options: argparse.Namespace) -> int:
    """Serve until interrupted; print the base URL once requests are answered.

    Returns:
        The exit status, 0.

    Raises:
        OptionError: There is no such model, or the address cannot be listened on.
        ModelUnavailableError: The model cannot be loaded.
    """
    # A class of the user's own is looked for where they stand, as ``python -m`` does.
    sys.path.insert(0, str(Path.cwd()))
    arguments = parse_model_args(options.model_args)
    backend = make_backend(options.model, arguments)
    if isinstance(backend, ServedBackend):
        raise OptionError(
            f"--model {options.model} asks a server that speaks the same protocol; "
            "start that one itself"
        )
    if is_local(options.model):
        _tell_device(arguments)
    bound = Bound(options.host, options.port)
    try:
        asyncio.run(
            serve(backend, bound, api_key=options.api_key, when_ready=_tell_url)
        )
    except OSError as error:
        raise OptionError(
            f"cannot listen on {options.host}:{options.port}: "
            f"{error.strerror or error}; choose another --port"
        ) from error
    return 0


def _tell_device(arguments: Mapping[str, Any]) -> None:
    if "device" not in arguments and not visible_gpus():
        sys.stderr.write("no GPU here: the model runs on the CPU\n")


def _tell_url(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()

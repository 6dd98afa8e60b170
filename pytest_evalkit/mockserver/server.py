"""A server that speaks the OpenAI protocol and answers by a function.

It is written on asyncio's protocols for speed: tests and measurements of a client must
not measure the server.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.mockserver.behaviour import Behaviour, FaultDraws
from pytest_evalkit.mockserver.connection import Connection, Plan
from pytest_evalkit.mockserver.protocol import MODELS_PATH, models_body
from pytest_evalkit.mockserver.reply import AnswerFunction, Reply
from pytest_evalkit.mockserver.routes import FETCHED, GENERATING, POSTED, Answered
from pytest_evalkit.mockserver.traffic import Received, Traffic, Worked
from pytest_evalkit.serving import BadRequestError, Head, end_server, error_body

_BACKLOG = 4096
TRAFFIC_PATH = "/traffic"


class MockServer:
    """An OpenAI-compatible endpoint on this machine.

    Args:
        answer: Called with the payload of each request, on the server's loop; returns
            the text of the answer or a Reply. An exception in it is logged by the loop
            and drops the connection.
        host: Address to listen on.
        port: Port to listen on; zero for a free one.
        behaviour: How fast, how much and how badly it answers.
        keeps_requests: True to keep each request in memory, for tests to look at.

    Attributes:
        answer: As above; may be replaced while the server runs.
        behaviour: As above; may be replaced while the server runs, but for its log.
        traffic: What it has seen.
        connections: The clients that are there.
    """

    def __init__(
        self,
        answer: AnswerFunction,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        behaviour: Behaviour | None = None,
        keeps_requests: bool = False,
    ) -> None:
        self.answer = answer
        self.behaviour = behaviour or Behaviour()
        self.traffic = Traffic()
        self.connections: set[asyncio.Transport] = set()
        self._host = host
        self._port = port
        self._keeps_requests = keeps_requests
        self._faults = FaultDraws()
        self._server: asyncio.Server | None = None

    @property
    def requests(self) -> int:
        """How many chat and completion requests have come."""
        return self.traffic.requests

    @property
    def received(self) -> list[Received]:
        """All requests that have come, in that order, where they are kept."""
        return self.traffic.received

    @property
    def worked(self) -> list[Worked]:
        """The requests that were worked on, with their times, where they are kept."""
        return self.traffic.worked

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:8000/v1``.

        Raises:
            RuntimeError: The server has not been started.
        """
        if self._server is None:
            raise RuntimeError("the mock server has no URL before it is started")
        port = self._server.sockets[0].getsockname()[1]
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{port}/v1"

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: The port is taken, the address is not ours, or the log cannot be
                written.
        """
        self.traffic.open_log(self.behaviour.log)
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self), self._host, self._port, backlog=_BACKLOG
        )

    async def stop(self) -> None:
        """Stop listening and drop all connections; a second time does nothing."""
        self.traffic.close_log()
        if self._server is None:
            return
        await end_server(self._server, self.connections)
        self._server = None

    def plan(self, head: Head, body: bytes) -> Plan:
        """Say what is to be done about a request.

        Raises:
            BadRequestError: It is malformed.
        """
        self.traffic.note(head, body, keep=self._keeps_requests)
        refusal = self._unauthorised(head)
        if refusal is not None:
            return refusal
        if head.method == "POST" and head.path in GENERATING:
            return self._generate(head.path, body)
        if head.method == "POST" and head.path in POSTED:
            return Plan(body=POSTED[head.path](_payload(body)))
        if head.method == "GET":
            return self._fetched(head.path)
        return _not_found(f"there is no {head.method} {head.path} here")

    def ended(self, plan: Plan) -> None:
        """Take in that a plan has been carried out, or that the client has gone."""
        if plan.is_working:
            self.traffic.end(plan.worked)

    def _unauthorised(self, head: Head) -> Plan | None:
        key = self.behaviour.api_key
        if key is None or head.headers.get("authorization") == f"Bearer {key}":
            return None
        return _refusal(
            HTTPStatus.UNAUTHORIZED, "the key is not the one of this server"
        )

    def _fetched(self, path: str) -> Plan:
        if path == MODELS_PATH:
            return Plan(body=models_body(self.behaviour.models or ("mock",)))
        if path == TRAFFIC_PATH:
            return Plan(body=self.traffic.body())
        if path in FETCHED:
            return Plan(body=FETCHED[path]())
        return _not_found(f"there is no GET {path} here")

    def _generate(self, path: str, body: bytes) -> Plan:
        payload = _payload(body)
        behaviour = self.behaviour
        self.traffic.requests += 1
        fault = self._faults.draw(behaviour.faults, body)
        if fault in ("429", "500"):
            return self._refused(int(fault), "the mock server was told to fail")
        capacity = behaviour.capacity
        if capacity is not None and self.traffic.in_flight >= capacity:
            return self._refused(429, f"no more than {capacity} requests at once")
        model = payload.get("model")
        if behaviour.models and model not in behaviour.models:
            self.traffic.outcomes["404"] += 1
            return _not_found(f"the model {model!r} does not exist")
        answer = self.answer if behaviour.tells_usage else _without_usage(self.answer)
        answered = GENERATING[path](payload, answer, self.traffic.requests)
        worked = self.traffic.begin(payload, keep=self._keeps_requests)
        self.traffic.outcomes[fault or _outcome(answered)] += 1
        plan = replace(self._worked(answered), worked=worked)
        return _with_fault(plan, fault)

    def _refused(self, status: int, message: str) -> Plan:
        self.traffic.outcomes[str(status)] += 1
        told = f"{self.behaviour.retry_after_s:g}"
        headers = (
            {"Retry-After": told} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
        )
        return Plan(status=status, body=error_body(message, status), headers=headers)

    def _worked(self, answered: Answered) -> Plan:
        reply, body, stream = answered
        behaviour = self.behaviour
        latency_s = behaviour.latency_s if stream is None else behaviour.first_token_s
        return Plan(
            status=reply.status,
            body=body,
            headers=reply.headers,
            stream=None if reply.close else stream,
            delay_s=latency_s + reply.delay_s,
            gap_s=behaviour.inter_token_s,
            is_dropped=reply.close,
            is_working=True,
        )


@contextmanager
def serve_in_thread(server: MockServer) -> Iterator[MockServer]:
    """Run a server on a loop and thread of its own, until the block ends.

    Raises:
        OSError: It cannot listen.
    """
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(server, started)),
        name="evalkit-mock-server",
        daemon=True,
    )
    thread.start()
    loop, ending = started.result()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join()


async def _serve(
    server: MockServer,
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]],
) -> None:
    ending = asyncio.Event()
    try:
        await server.start()
    except OSError as error:
        await server.stop()
        started.set_exception(error)
        return
    started.set_result((asyncio.get_running_loop(), ending))
    await ending.wait()
    await server.stop()


def _without_usage(answer: AnswerFunction) -> AnswerFunction:
    """Answer the same, but do not say what it cost."""

    def silent(payload: dict[str, Any]) -> Reply:
        answered = answer(payload)
        reply = Reply(text=answered) if isinstance(answered, str) else answered
        return replace(reply, tells_usage=False)

    return silent


def _payload(body: bytes) -> dict[str, Any]:
    """Read a request's payload.

    Raises:
        BadRequestError: It is no JSON object.
    """
    try:
        payload = decode(body)
    except CodecError as error:
        raise BadRequestError(f"the body is {error}") from error
    if not isinstance(payload, dict):
        raise BadRequestError("the body must be a JSON object")
    return payload


def _refusal(status: HTTPStatus, message: str) -> Plan:
    return Plan(status=status.value, body=error_body(message, status.value))


def _not_found(message: str) -> Plan:
    return _refusal(HTTPStatus.NOT_FOUND, message)


def _outcome(answered: Answered) -> str:
    return "reset" if answered.reply.close else str(answered.reply.status)


def _with_fault(plan: Plan, fault: str | None) -> Plan:
    """Let something go wrong with what would have gone well."""
    match fault:
        case "hang":
            return replace(plan, is_hung=True)
        case "reset":
            return replace(plan, stream=None, is_dropped=True)
        case "cut":
            return _cut(plan)
        case "bad_frame":
            return _garbled(plan)
    return plan


def _cut(plan: Plan) -> Plan:
    if plan.stream is None:
        return replace(plan, is_cut=True)
    return replace(plan, stream=plan.stream.cut())


def _garbled(plan: Plan) -> Plan:
    if plan.stream is None:
        return replace(plan, body=b"<html>a gateway's words</html>")
    return replace(plan, stream=plan.stream.with_bad_frame())

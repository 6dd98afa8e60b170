"""A run is given secrets in every way there is, and leaves them nowhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

KEY = "sk-arg-9f1c77aa02"
HEADER = "hdr-51be04c2d9"
VARIABLE = 'env"<1d6e83\\b3c'
PASSWORD = "pw-url/70aa5c4e"
QUERIED = "qry-88d21e60fb"
BASIC = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
SECRETS = (KEY, HEADER, VARIABLE, PASSWORD, QUERIED, BASIC)

# Whatever is written has it in one of these forms.
FORMS = {
    *SECRETS,
    json.dumps(VARIABLE)[1:-1],
    "env&quot;&lt;1d6e83",
    "env&#34;&lt;1d6e83",
    "1d6e83",
    "pw-url%2F70aa5c4e",
    "70aa5c4e",
}

_CASES = """
import logging, os, warnings

def test_that_fails(model):
    held = os.environ["SOME_SECRET"]
    print("printed", held)
    logging.getLogger("their.log").warning("logged %s", held)
    try:
        raise ValueError(held)
    except ValueError:
        logging.getLogger("their.log").exception("failed")
    warnings.warn("warned of " + held)
    assert held == {"backend": model.backend.connection.all_headers()}

def test_that_asks(model):
    model.ask("refuse in words")
"""


class Echo(BaseHTTPRequestHandler):
    """Says back all that it is sent: as an answer, or as an error."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body)["messages"][-1]["content"]
        told = f"{dict(self.headers)} {self.path} {VARIABLE}"
        status, text = answer_of(asked, told)
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if status in (301, 307):
            self.send_header("Location", f"http://elsewhere/?key={KEY}&t={QUERIED}")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def answer_of(asked: str, told: str) -> tuple[int, str]:
    """Say a status and a body."""
    message = {"role": "assistant", "content": f"4 {told}", "reasoning": told}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    answers = {
        "answer": (200, json.dumps({"model": f"m {KEY}", "choices": [choice]})),
        "refuse in words": (400, json.dumps({"error": {"message": f"no: {told}"}})),
        # Cut where the quotation ends, a part of the key would be left.
        "refuse at length": (400, json.dumps({"error": "x" * 285 + KEY + HEADER})),
        "refuse without words": (422, told),
        "fail": (500, told),
        "answer no JSON": (200, told),
        "point elsewhere": (307, ""),
    }
    # Whoever asks anything else looks whether somebody is there.
    return answers.get(asked, answers["answer"])


@dataclass(frozen=True)
class Place:
    """Where the server is."""

    port: int

    def url(self, user: str = "") -> str:
        return f"http://{user}127.0.0.1:{self.port}/v1?token={QUERIED}"


@pytest.fixture
def place() -> Iterator[Place]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Place(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


QUESTIONS = (
    "answer", "refuse in words", "refuse at length", "refuse without words", "fail",
    "answer no JSON",
)  # fmt: skip


def leaks(suite: ArithSuite, result: pytest.RunResult) -> set[str]:
    """Name where a secret is found: the output, or files that the run wrote."""
    places = {
        "stdout": result.stdout.str(),
        "stderr": result.stderr.str(),
        **{
            path.relative_to(suite.root).as_posix(): path.read_text("utf-8", "replace")
            for path in suite.root.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        },
    }
    assert any(name.endswith("results.json") for name in places)
    return {
        f"{form} in {name}"
        for name, text in places.items()
        for form in FORMS
        if form in text
    }


def run(suite: ArithSuite, arguments: str, *more: str) -> pytest.RunResult:
    return suite.run(
        *("--model", "openai", "--model-args", arguments, "--max-attempts", "1"),
        *("-v", "-rA", "--tb=long", "--showlocals", "--junit-xml=junit.xml"),
        *("-o", "junit_logging=all", "--log-level=DEBUG", "--log-file=log.txt"),
        *("-o", "log_cli=true", "-W", "default", *more),
    )


def arguments_of(place: Place, way: str) -> str:
    """Give the model its secrets; a password in the URL takes the place of a key."""
    headers = json.dumps({"X-Door": HEADER, "X-Also": f"Bearer {HEADER}"})
    if way == "password":
        user = f"me:{PASSWORD.replace('/', '%2F')}@"
        return f"model=m,base_url={place.url(user)},headers={headers}"
    sdk = ",client=sdk" if way == "sdk" else ""
    return f"model=m,base_url={place.url()},api_key={KEY},headers={headers}{sdk}"


@pytest.mark.parametrize(
    ("way", "workers"),
    [("key", ()), ("key", ("-n", "2")), ("password", ()), ("sdk", ())],
    ids=["key", "key-n2", "password", "sdk"],
)
def test_a_secret_that_the_server_says_back_is_left_nowhere(
    arith_suite: ArithSuite,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    workers: Sequence[str],
) -> None:
    monkeypatch.setenv("SOME_SECRET", VARIABLE)
    rows = [
        {"id": f"q{n}", "question": q, "answer": "4"} for n, q in enumerate(QUESTIONS)
    ]
    arith_suite.task(rows=rows, doc_to_text="{{question}}", metadata=None)
    arith_suite.write("test_cases.py", _CASES)

    result = run(arith_suite, arguments_of(place, way), *workers)

    samples = {one["item_id"]: one for one in arith_suite.samples()}
    assert [one["status"] for one in samples.values()] == ["scored"] + ["error"] * 5
    assert "***" in samples["q0"]["filtered_resps"]
    assert "***" in samples["q1"]["error"]
    result.assert_outcomes(passed=1, failed=7, warnings=1)
    assert leaks(arith_suite, result) == set()


def test_a_run_that_stops_says_why_without_its_secrets(
    arith_suite: ArithSuite, place: Place
) -> None:
    rows = [{"id": "q0", "question": "point elsewhere", "answer": "4"}]
    arith_suite.task(rows=rows, doc_to_text="{{question}}", metadata=None)

    result = run(arith_suite, arguments_of(place, "key"))

    result.stdout.fnmatch_lines(["*it points to http://elsewhere/?key=[*]*"])
    assert leaks(arith_suite, result) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        f"model=m,api_key={KEY},api_key=x",
        f"model=m,api_key='{KEY}",
        f'model=m,headers={{"Authorization": "Bearer {KEY}"',
        f"model=m,api_key=a,{KEY}",
        f"model=m,base_url=ftp://me:{KEY}@host/",
        f"model=m,api_kay={KEY}",
        f"model=m,api_key=[{KEY}]",
        f"model=m,api_key={KEY},base_url=7",
        f"model=m,base_url=http://me:{KEY}@[host/v1",
        f"model=m,api_key={KEY},proxy={KEY}",
    ],
)
def test_arguments_that_are_wrong_are_told_without_their_secrets(
    arith_suite: ArithSuite, arguments: str
) -> None:
    result = arith_suite.run("--model", "openai", "--model-args", arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = result.stdout.str() + result.stderr.str()
    assert "ERROR: " in told
    assert KEY not in told

"""Runs sent to the clients themselves, as far as they are installed."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import SinkError
from pytest_evalkit.sinks import FinishedRun, parse_sink, send


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """A collector that takes what it is sent, and keeps it."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    thread.join()
    server.server_close()


def test_mlflow_has_figures_settings_and_the_results(
    tmp_path: Path, run: FinishedRun
) -> None:
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    uri = f"sqlite:///{tmp_path / 'store.db'}"

    place = send(parse_sink(f"mlflow:tracking_uri='{uri}',experiment=evals"), run)

    client = mlflow.MlflowClient(tracking_uri=uri)
    (sent,) = client.search_runs(client.get_experiment_by_name("evals").experiment_id)
    assert place == f"run {sent.info.run_id} of 'evals' at {uri}"
    assert sent.info.run_name == "tiny/20261121T101500_000"
    assert sent.info.status == "FINISHED"
    assert sent.data.metrics["sums/acc/strict"] == 0.75
    assert sent.data.params["option/model_args"] == "api_key=***"
    files = client.list_artifacts(sent.info.run_id)
    assert [file.path for file in files] == ["results.json"]


def test_mlflow_that_is_gone_is_one_line(run: FinishedRun) -> None:
    pytest.importorskip("mlflow")
    sink = parse_sink("mlflow:tracking_uri=http://127.0.0.1:9")

    with pytest.raises(SinkError, match="--sink mlflow: nothing was sent"):
        send(sink, run)


def test_wandb_keeps_a_run_offline(tmp_path: Path, run: FinishedRun) -> None:
    wandb = pytest.importorskip("wandb")

    place = send(parse_sink(f"wandb:mode=offline,dir='{tmp_path}'"), run)

    # The process behind it writes the last of it when it ends.
    wandb.teardown()
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    assert place == f"kept for `wandb sync {folder}`"
    (record,) = folder.glob("run-*.wandb")
    content = record.read_bytes()
    assert b"sums/acc/strict" in content
    assert b"results.json" in content
    assert b"hidden" not in content


def test_trackio_has_the_figures(
    tmp_path: Path, run: FinishedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where it keeps things is read when it is imported.
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    trackio = pytest.importorskip("trackio")

    send(parse_sink("trackio:project=evals"), run)

    store = Path(trackio.TRACKIO_DIR) / "evals.db"
    with sqlite3.connect(store) as database:
        rows = database.execute("SELECT run_name, metrics FROM metrics").fetchall()
    database.close()
    name, metrics = rows[-1]
    assert name == "tiny/20261121T101500_000"
    assert json.loads(metrics)["sums/acc/strict"] == 0.75


def test_a_collector_gets_a_trace_for_each_document(
    run: FinishedRun, collector: tuple[str, list[bytes]]
) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    from google.protobuf.json_format import MessageToDict
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
        ExportTraceServiceRequest,
    )

    url, bodies = collector

    place = send(parse_sink(f"otel:endpoint={url}"), run)

    (body,) = bodies
    sent = MessageToDict(ExportTraceServiceRequest.FromString(_unpacked(body)))
    (scope,) = sent["resourceSpans"][0]["scopeSpans"]
    spans = scope["spans"]
    assert place == f"4 spans at {url}/v1/traces"
    assert [span["name"] for span in spans] == ["chat tiny", "evaluate sums"] * 2
    assert len({span["traceId"] for span in spans}) == 2
    assert spans[0]["parentSpanId"] == spans[1]["spanId"]
    assert spans[0]["kind"] == "SPAN_KIND_CLIENT"


def test_a_collector_that_is_gone_is_one_line(
    run: FinishedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")

    with pytest.raises(SinkError, match="the collector did not take the spans"):
        send(parse_sink("otel:endpoint=http://127.0.0.1:9"), run)


def _unpacked(body: bytes) -> bytes:
    import gzip

    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body

"""OpenTelemetry: a trace for each document, with a span for each request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any
from urllib.parse import urlsplit

from pytest_evalkit.errors import OptionError, SinkError
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.models.masking import masked_url
from pytest_evalkit.sinks.finished_run import FinishedRun
from pytest_evalkit.sinks.request_spans import DocumentSpans, Span, document_spans

_PATH = "/v1/traces"
_SCHEMA = "https://opentelemetry.io/schemas/1.44.0"
# Documents in one request to the collector.
_TOGETHER = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class OtelSink:
    """Sends traces to a collector, by OTLP over HTTP.

    Attributes:
        endpoint: The collector, such as ``http://localhost:4318``; None for what the
            variables ``OTEL_EXPORTER_OTLP_*`` say.
        content: Whether to tell prompts and answers.
        service: What the traces are said to be of.
    """

    endpoint: str | None = None
    content: bool = False
    service: str = "pytest-evalkit"

    def check(self) -> None:
        """Refuse an address that is none.

        Raises:
            OptionError: It is none.
        """
        if self.endpoint is None:
            return
        if urlsplit(self.endpoint).scheme not in {"http", "https"}:
            raise OptionError(
                f"--sink otel: endpoint {self.endpoint!r} is no http or https address"
            )

    def send(self, run: FinishedRun) -> str:
        """Send the traces of all documents that have times."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
            OTLPSpanExporter,
        )

        exporter = OTLPSpanExporter(endpoint=_address(self.endpoint))
        documents = document_spans(
            _by_document(run), run.results, with_content=self.content
        )
        traces = _Traces(run, self.service)
        count = 0
        try:
            while together := list(islice(documents, _TOGETHER)):
                spans = traces.of(together)
                count += len(spans)
                _export(exporter, spans)
        finally:
            exporter.shutdown()
        # The exporter knows what its variables say.
        place = getattr(exporter, "_endpoint", self.endpoint)
        return f"{count:,} spans at {masked_url(str(place))}"


class _Traces:
    """Makes OpenTelemetry's own spans.

    Args:
        run: The run that they are of.
        service: What they are said to be of.
    """

    def __init__(self, run: FinishedRun, service: str) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
            InMemorySpanExporter,
        )

        self._made = InMemorySpanExporter()
        resource = Resource({"service.name": service, "evalkit.run": run.name})
        # A provider of its own: one that the user's code has set is not touched.
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._made))
        self._tracer = provider.get_tracer("pytest_evalkit", schema_url=_SCHEMA)

    def of(self, documents: Sequence[DocumentSpans]) -> Sequence[Any]:
        """Make the spans of some documents."""
        from opentelemetry.context import Context
        from opentelemetry.trace import set_span_in_context

        for each in documents:
            whole = self._begin(each.document, Context())
            for request in each.requests:
                self._end(
                    self._begin(request, set_span_in_context(whole, Context())), request
                )
            self._end(whole, each.document)
        spans: Sequence[Any] = self._made.get_finished_spans()
        self._made.clear()
        return spans

    def _begin(self, span: Span, context: Any) -> Any:
        from opentelemetry.trace import SpanKind

        kind = SpanKind.CLIENT if span.is_request else SpanKind.INTERNAL
        return self._tracer.start_span(
            span.name,
            context=context,
            kind=kind,
            attributes=dict(span.attributes),
            start_time=span.start_ns,
        )

    def _end(self, begun: Any, span: Span) -> None:
        from opentelemetry.trace import Status, StatusCode

        for name, attributes in span.events:
            begun.add_event(name, dict(attributes), timestamp=span.end_ns)
        if span.error is not None:
            begun.set_status(Status(StatusCode.ERROR, span.error))
        begun.end(end_time=span.end_ns)


def _export(exporter: Any, spans: Sequence[Any]) -> None:
    from opentelemetry.sdk.trace.export import SpanExportResult

    if exporter.export(spans) is not SpanExportResult.SUCCESS:
        raise SinkError("the collector did not take the spans; is it there?")


def _address(endpoint: str | None) -> str | None:
    """Add the path of traces to an address without one, as variables have it."""
    if endpoint is None or urlsplit(endpoint).path not in {"", "/"}:
        return endpoint
    return endpoint.rstrip("/") + _PATH


def _by_document(run: FinishedRun) -> Iterator[list[SampleDict]]:
    for _, samples in groupby(
        run.samples(), key=lambda sample: (sample["task"], sample["doc_id"])
    ):
        yield list(samples)

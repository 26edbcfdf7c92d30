"""OpenTelemetry: one span per request, without ids of customers. Off unless service.traces is true.

The exporter reads OTEL_EXPORTER_OTLP_ENDPOINT and the other variables of OpenTelemetry by itself.
"""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from service.asgi import App, Message, Receive, Scope, Send

SERVER_ERROR = 500


def tracer_provider(exporter: SpanExporter | None = None) -> TracerProvider:
    """A provider that sends spans in batches, from a thread. None: by OTLP over HTTP."""
    provider = TracerProvider(resource=Resource.create({"service.name": "holdfast"}))
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
    return provider


class TraceMiddleware:
    """A span per request, named after its route: the path holds ids of customers."""

    def __init__(self, app: App, provider: TracerProvider) -> None:
        self.app, self.provider = app, provider
        self.tracer = provider.get_tracer("holdfast.service")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with self.tracer.start_as_current_span("request", kind=trace.SpanKind.SERVER) as span:

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= SERVER_ERROR:
                        span.set_status(trace.StatusCode.ERROR)
                await send(message)

            await self.app(scope, receive, noted)
            route = getattr(scope.get("route"), "path", "other")
            span.update_name(f"{scope['method']} {route}")
            span.set_attribute("http.route", route)
            span.set_attribute("holdfast.request_id", scope["state"]["request_id"])

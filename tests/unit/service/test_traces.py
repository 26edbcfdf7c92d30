"""Spans of OpenTelemetry: one per request, named after the route."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from service.traces import TraceMiddleware, tracer_provider
from tests.unit.service import company, servers


class Kept(SpanExporter):
    def __init__(self):
        self.spans = []

    def export(self, spans):
        self.spans += spans
        return SpanExportResult.SUCCESS


@pytest.mark.parametrize(("status", "is_error"), [(200, False), (404, False), (503, True)])
def test_a_span_names_the_route_and_no_customer(status, is_error):
    async def answer(request):
        return Response(status_code=status)

    route = Route("/customers/{customer_id}", answer)
    exporter = Kept()
    provider = tracer_provider(exporter)
    traced = TraceMiddleware(with_route(Starlette(routes=[route]), route), provider)
    scope = {"type": "http", "method": "GET", "path": "/customers/c002", "headers": []}
    scope |= {"query_string": b"", "state": {"request_id": "r1"}, "root_path": ""}

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        pass

    asyncio.run(traced(scope, receive, send))
    provider.force_flush()
    (span,) = exporter.spans
    assert span.name == "GET /customers/{customer_id}"
    assert dict(span.attributes) == {
        "http.response.status_code": status,
        "http.route": "/customers/{customer_id}",
        "holdfast.request_id": "r1",
    }
    assert (span.status.status_code.name == "ERROR") == is_error


def with_route(app, route):
    """FastAPI notes the route of a request in its scope; Starlette does not."""

    async def noted(scope, receive, send):
        scope["route"] = route
        await app(scope, receive, send)

    return noted


def test_traces_are_off_by_default(lake, registry):
    with servers.running(company.settings_of(lake, None), registry) as service:
        kinds = [m.cls.__name__ for m in service.app.user_middleware]
    assert kinds == ["RequestMiddleware"]


def test_with_traces_a_collector_that_is_away_changes_no_answer(lake, registry, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{servers.free_port()}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with servers.running(company.settings_of(lake, None, traces=True), registry) as service:
        assert service.predict(customer_id="c002").status_code == 200
        kinds = [m.cls.__name__ for m in service.app.user_middleware]
    assert kinds == ["TraceMiddleware", "RequestMiddleware"]

"""The page of the API: routes, examples and errors, from the OpenAPI document. Needs no network."""

from __future__ import annotations

import json
from typing import Any

from jinja2 import Environment

_PAGE = Environment(autoescape=True).from_string(
    """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem;
  color: #1a1a1a; background: #fff }
section { border-top: 1px solid #ccc; padding: .5rem 0 1rem }
code, pre { font: 14px/1.4 ui-monospace, monospace; background: #f3f3f3 }
pre { padding: .75rem; overflow: auto; max-height: 20rem }
th, td { text-align: left; padding-right: 1rem; vertical-align: top }
</style></head><body><main>
<h1>{{ title }}</h1>
<p>{{ description }} The full description is in <a href="/openapi.json">openapi.json</a>.</p>
{% for route in routes %}<section>
<h2><code>{{ route.method }} {{ route.path }}</code></h2>
<p>{{ route.summary }}{% if route.summary[-1:] != "." %}.{% endif %} {{ route.description }}</p>
{% for example in route.examples %}<h3>Example</h3>
<pre tabindex="0">curl -s {{ address }}{{ route.path }} -H 'Content-Type: application/json' \\
  -d '{{ example }}'</pre>{% endfor %}
<table><caption>Answers</caption><tr><th scope="col">Status</th><th scope="col">Meaning</th></tr>
{% for status, text in route.answers %}<tr><td>{{ status }}</td><td>{{ text }}</td></tr>{% endfor %}
</table></section>{% endfor %}
</main></body></html>
"""
)


def page(document: dict[str, Any]) -> str:
    """The page as HTML."""
    routes = [
        {
            "method": method.upper(),
            "path": path,
            "summary": route.get("summary", ""),
            "description": route.get("description", ""),
            "examples": _examples(route, document),
            "answers": [(s, r.get("description", "")) for s, r in route["responses"].items()],
        }
        for path, methods in document["paths"].items()
        for method, route in methods.items()
    ]
    info = document["info"]
    address = document.get("servers", [{"url": ""}])[0]["url"]
    return _PAGE.render(
        title=info["title"], description=info["description"], routes=routes, address=address
    )


def _examples(route: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """The first example of each body that the route takes."""
    content = route.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    texts = []
    for variant in schema.get("oneOf", [schema]):
        name = variant.get("$ref", "").rpartition("/")[2]
        known = document["components"]["schemas"].get(name, variant)
        texts += [json.dumps(example) for example in known.get("examples", [])[:1]]
    return texts

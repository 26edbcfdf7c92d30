"""A local server that answers as HubSpot's documentation says: search, e-mail events, tokens.

It keeps HubSpot's rules: a search gives at most MOST_RESULTS results, sorted as asked, and its
`after` is an offset; e-mail events come newest first under an opaque offset; a token expires.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

MOST_RESULTS = 10_000
# The clock of the server, in unix seconds: 2026-01-10 00:00:00 UTC.
NOW = 1_768_003_200
RATE = {
    "status": "error",
    "message": "You have reached your ten_secondly_rolling limit.",
    "errorType": "RATE_LIMIT",
    "correlationId": "c033cdaa-2c40-4a64-ae48-b4cec88dad24",
    "policyName": "TEN_SECONDLY_ROLLING",
    "requestId": "3d3e35b7-0dae-4b9f-a6e3-9c230cbcf8dd",
}
EXPIRED = {
    "status": "error",
    "message": "The OAuth token used to make this call expired 6 second(s) ago.",
    "correlationId": "4c033cda-2c40-4a64-ae48-b4cec88dad24",
    "category": "EXPIRED_AUTHENTICATION",
}
TOO_MANY = {"status": "error", "message": "no", "category": "VALIDATION_ERROR"}


def contact(number, modified_ms, **properties):
    """A contact of the search endpoint; HubSpot gives all values of properties as text."""
    return {
        "id": str(number),
        "properties": {
            "email": f"c{number}@mail.example",
            "lastmodifieddate": iso(modified_ms),
            **properties,
        },
        "createdAt": iso(0),
        "updatedAt": iso(modified_ms),
        "archived": False,
    }


def iso(ms):
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def ms_of(text):
    return round(dt.datetime.fromisoformat(text).timestamp() * 1000)


class FakeHubspot:
    """objects: contacts and tickets by their type. events: e-mail events.

    behave(number, path): None, or (status, headers, body) instead of the n-th answer.
    tokens: accepted tokens; each request to the token address adds the next of `new_tokens`.
    """

    def __init__(self, behave=lambda number, path: None):
        self.objects = {"contacts": [], "tickets": []}
        self.events, self.heard, self.forms, self.shift = [], [], [], 0
        self.tokens, self.new_tokens, self.behave = {"secret-token"}, [], behave
        self.cursor_property = {"contacts": "lastmodifieddate", "tickets": "hs_lastmodifieddate"}
        outer, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def date_time_string(self, timestamp=None):
                return formatdate(NOW, usegmt=True)

            def do_GET(self):
                self.reply(b"")

            def do_POST(self):
                self.reply(self.rfile.read(int(self.headers["content-length"])))

            def reply(self, body):
                with lock:
                    status, headers, content = outer.answer(self.path, dict(self.headers), body)
                raw = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                headers = {"Content-Type": "application/json;charset=utf-8", **headers}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path, headers, body):
        parts = urlsplit(path)
        if parts.path == "/oauth/v1/token":
            self.forms.append({k: v[0] for k, v in parse_qs(body.decode()).items()})
            token = self.new_tokens.pop(0)
            self.tokens = {token}
            return 200, {}, {"access_token": token, "expires_in": 1800, "token_type": "bearer"}
        self.heard.append((path, headers, json.loads(body) if body else None))
        instead = self.behave(len(self.heard), parts.path)
        if instead is not None:
            return instead
        if headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return 401, {}, EXPIRED
        if parts.path == "/email/public/v1/events":
            return self.email_events({k: v[0] for k, v in parse_qs(parts.query).items()})
        return self.search(parts.path.split("/")[4], json.loads(body))

    def search(self, kind, body):
        ((filter_,),) = [group["filters"] for group in body["filterGroups"]]
        name = self.cursor_property[kind]
        assert filter_["propertyName"] == body["sorts"][0]["propertyName"] == name
        assert filter_["operator"] == "GTE"
        rows = [
            o
            for o in self.objects[kind]
            if ms_of(o["properties"].get(name, iso(0))) >= int(filter_["value"])
        ]
        rows.sort(key=lambda o: (ms_of(o["properties"].get(name, iso(0))), int(o["id"])))
        start, limit = int(body.get("after", 0)), body["limit"]
        if start + limit > MOST_RESULTS:
            return 400, {}, TOO_MANY
        answer = {"total": len(rows), "results": rows[start : start + limit]}
        if start + limit < len(rows):
            answer["paging"] = {"next": {"after": str(start + limit)}}
        return 200, {}, answer

    def email_events(self, params):
        rows = [e for e in self.events if e["created"] >= int(params["startTimestamp"])]
        rows.sort(key=lambda e: (-e["created"], e["id"]))
        start = int(params["offset"].removeprefix("opaque-")) if "offset" in params else 0
        if start:  # `shift` events were added since the offset was given.
            start, self.shift = start + self.shift, 0
        end = start + int(params["limit"])
        has_more = end < len(rows)
        answer = {"hasMore": has_more, "offset": f"opaque-{end}", "events": rows[start:end]}
        return 200, {}, answer

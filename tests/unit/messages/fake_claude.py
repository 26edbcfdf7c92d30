"""A local server for the Messages API that plays the writer, the judge and the reader of tickets."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Tokens per call, whatever it says.
IN, OUT = 500, 40
CLEAN = {
    **dict.fromkeys(("promise", "condition", "leaving_or_watching", "threat", "insult"), False),
    **dict.fromkeys(("discrimination", "other_person"), False),
    **{"language": "en", "makes_sense": True, "reason": ""},
}


def message(text, stop_reason="end_turn"):
    """A complete answer of the Messages API, except for the usage, which the server adds."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-5-5",
        "content": [{"type": "text", "text": text}] if text is not None else [],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": IN, "output_tokens": OUT},
    }


def written(*texts):
    """The writer's answer with these texts."""
    return message(json.dumps({"texts": texts}))


def verdict(**changes):
    """The judge's answer: a clean text, but for the changes."""
    return message(json.dumps({**CLEAN, **changes}))


def error(kind, text="no"):
    return {"type": "error", "error": {"type": kind, "message": text}}


def role_of(body):
    """writer, judge, tickets or sentiment, by the schema that the answer must have."""
    properties = body["output_config"]["format"]["schema"]["properties"]
    return {"texts": "writer", "promise": "judge", "label": "tickets", "scores": "sentiment"}[
        next(iter(properties))
    ]


def data_of(body):
    """The user turn."""
    return json.loads(body["messages"][0]["content"])


def plays(writer, judge=lambda data: verdict()):
    """A behaviour: `writer(data)` and `judge(data)` return an answer, or (status, headers, body)."""

    def behave(body, number):
        answer = (writer if role_of(body) == "writer" else judge)(data_of(body))
        return (*answer, 0) if isinstance(answer, tuple) else (200, {}, answer, 0)

    return behave


class FakeClaude:
    """`behave(body, call_number)` returns (status, headers, body as dict or text, seconds)."""

    def __init__(self, behave):
        self.behave = behave
        self.requests = []
        self.raw = []
        self.lock = threading.RLock()
        self.now = self.most = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                raw = self.rfile.read(int(self.headers["content-length"]))
                with outer.lock:
                    outer.raw.append(raw.decode())
                    outer.now += 1
                    outer.most = max(outer.most, outer.now)
                    outer.requests.append(json.loads(raw))
                    number = len(outer.requests)
                try:
                    status, headers, body, seconds = outer.behave(json.loads(raw), number)
                    time.sleep(seconds)
                finally:
                    with outer.lock:
                        outer.now -= 1
                self.answer(status, headers, body)

            def answer(self, status, headers, body):
                if status is None:  # the connection closes without an answer
                    self.close_connection = True
                    return
                text = body if isinstance(body, str) else json.dumps(body)
                data = text.encode()
                kind = "application/json" if not isinstance(body, str) else "text/html"
                try:
                    self.send_response(status)
                    for name, value in {"content-type": kind, **headers}.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the client timed out

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def of(self, role):
        """The requests to the writer or to the judge."""
        return [body for body in self.requests if role_of(body) == role]

    def close(self):
        self.server.shutdown()
        self.server.server_close()

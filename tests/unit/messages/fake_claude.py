"""A local server for the Messages and Message Batches APIs, with scripted answers."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Tokens per user turn and per answer. A token of the shared part has four bytes here.
OWN, OUT, BYTES_A_TOKEN = 100, 40, 4
# Minimum tokens of a cached part, as documented by Anthropic for claude-haiku-4-5.
CACHED_FROM = 4096


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
        "usage": {},
    }


def written(text):
    """The JSON that the schema of the prompt requires."""
    return message(json.dumps({"message": text}))


def error(kind, text="no"):
    return {"type": "error", "error": {"type": kind, "message": text}}


class FakeClaude:
    """`behave(body, call_number)` returns (status, headers, body as dict or text, seconds)."""

    def __init__(self, behave):
        self.behave = behave
        self.requests = []
        self.raw = []
        self.batches = {}
        self.polls_until_ended = 1
        # (status, True if the batch is still created) for the next batch requests; then 200.
        self.batch_answers = []
        self.seconds_after_a_batch_is_made = 0.0
        # (status, headers, body) for each "poll" or "results" request, while the entry exists.
        self.read_answers = {}
        self.lock = threading.RLock()
        self.now = self.most = 0
        self.cached = set()
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
                try:
                    if self.path.startswith("/v1/messages/batches"):
                        return self.create_batch_request(json.loads(raw))
                    with outer.lock:
                        outer.requests.append(json.loads(raw))
                        number = len(outer.requests)
                    status, headers, body, seconds = outer.behave(json.loads(raw), number)
                    time.sleep(seconds)
                    return self.answer(status, headers, outer.counted(json.loads(raw), body))
                finally:
                    with outer.lock:
                        outer.now -= 1

            def do_GET(self):
                parts = self.path.partition("?")[0].strip("/").split("/")
                if len(parts) == 3:
                    listed = [outer.batch(b) for b in reversed(list(outer.batches))]
                    body = {"data": listed, "has_more": False, "first_id": None, "last_id": None}
                    return self.answer(200, {}, body)
                kind = "results" if parts[-1] == "results" else "poll"
                if kind in outer.read_answers:
                    return self.answer(*outer.read_answers[kind])
                if kind == "results":
                    lines = outer.batches[parts[-2]]["lines"]
                    # The order is not defined.
                    return self.answer(200, {}, "\n".join(json.dumps(x) for x in lines[::-1]))
                with outer.lock:
                    outer.batches[parts[-1]]["polls"] += 1
                return self.answer(200, {}, outer.batch(parts[-1]))

            def create_batch_request(self, body):
                with outer.lock:
                    status, is_made = (
                        outer.batch_answers.pop(0) if outer.batch_answers else (200, True)
                    )
                    made = outer.create_batch(body) if is_made else None
                time.sleep(outer.seconds_after_a_batch_is_made)
                content = made if status == 200 else error("api_error")
                self.answer(status, {"retry-after": "0"}, content)

            def answer(self, status, headers, body):
                if status is None:  # the connection closes without an answer
                    self.close_connection = True
                    return None
                text = body if isinstance(body, str) else json.dumps(body)
                data = text.encode()
                kind = "application/json" if not isinstance(body, str) else "text/html"
                if isinstance(body, str) and '"custom_id"' in body:
                    kind = "application/x-jsonl"
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

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def counted(self, request, answer):
        """Add the usage: the shared part is first written to the cache, then read from it."""
        if not isinstance(answer, dict) or "usage" not in answer:
            return answer
        text = "".join(block["text"] for block in request["system"])
        shared = len(text.encode()) // BYTES_A_TOKEN
        is_cached = shared >= CACHED_FROM and "cache_control" in request["system"][-1]
        with self.lock:
            is_hit = text in self.cached
            if is_cached:
                self.cached.add(text)
        usage = {
            "input_tokens": OWN + (0 if is_cached else shared),
            "output_tokens": OUT,
            "cache_creation_input_tokens": shared if is_cached and not is_hit else 0,
            "cache_read_input_tokens": shared if is_cached and is_hit else 0,
        }
        return {**answer, "usage": usage}

    def create_batch(self, body):
        batch_id = f"msgbatch_{len(self.batches) + 1}"
        lines = []
        for number, request in enumerate(body["requests"], 1):
            status, _, answer, _ = self.behave(request["params"], number)
            if status == 200:
                result = {"type": "succeeded", "message": self.counted(request["params"], answer)}
            elif status == 410:
                result = {"type": "expired"}
            else:
                result = {"type": "errored", "error": {**answer, "request_id": None}}
            lines.append({"custom_id": request["custom_id"], "result": result})
        self.batches[batch_id] = {"lines": lines, "polls": 0, "requests": body["requests"]}
        return self.batch(batch_id)

    def batch(self, batch_id):
        stored = self.batches[batch_id]
        ended = stored["polls"] >= self.polls_until_ended
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        for line in stored["lines"]:
            counts[line["result"]["type"] if ended else "processing"] += 1
        return {
            "id": batch_id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": counts,
            "created_at": "2026-01-01T00:00:00Z",
            "expires_at": "2026-01-02T00:00:00Z",
            "ended_at": "2026-01-01T00:01:00Z" if ended else None,
            "cancel_initiated_at": None,
            "archived_at": None,
            "results_url": f"{self.url}/v1/messages/batches/{batch_id}/results" if ended else None,
        }

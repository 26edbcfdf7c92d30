"""Real receivers on this machine: a webhook over HTTP and a mailbox over SMTP.

`taken` holds each contact once, by its Idempotency-Key or Message-ID. `heard` holds every request.
"""

from __future__ import annotations

import base64
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Webhook:
    """`behave(number)` gives (status, headers) for the n-th request. 2xx accepts the contact."""

    def __init__(self, behave=lambda number: (200, {})):
        self.heard, self.taken = [], {}
        lock, outer = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with lock:
                    outer.heard.append((dict(self.headers), body))
                    number = len(outer.heard)
                status, headers = behave(number)
                if 200 <= status < 300:
                    with lock:
                        outer.taken.setdefault(self.headers["Idempotency-Key"], body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?x=1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Mailbox:
    """An SMTP server.

    refuse: a function that gives None, or the code with which RCPT of an address is refused.
    drop_at: number of the e-mail after whose data the session ends without a reply. The e-mail is
    accepted.
    codes: the code with which other verbs are refused, by verb.
    has_login: offers AUTH PLAIN and accepts any; `logins` holds (user, password).
    """

    def __init__(self, refuse=lambda address: None, drop_at=None, codes=None, *, has_login=False):
        self.heard, self.taken, self.sessions, self.logins = [], {}, 0, []
        lock, outer = threading.Lock(), self

        class Session(socketserver.StreamRequestHandler):
            def say(self, text):
                self.wfile.write(f"{text}\r\n".encode())

            def handle(self):
                with lock:
                    outer.sessions += 1
                self.say("220 here")
                while line := self.rfile.readline().decode().strip():
                    verb = line[:4].upper()
                    if verb == "QUIT":
                        return self.say("221 bye")
                    if codes and verb in codes:
                        self.say(f"{codes[verb]} no")
                        continue
                    if verb == "EHLO" and has_login:
                        self.say("250-here")
                        self.say("250 AUTH PLAIN")
                    elif verb == "AUTH":
                        user, password = base64.b64decode(line.split()[-1]).split(b"\0")[1:]
                        outer.logins.append((user.decode(), password.decode()))
                        self.say("235 ok")
                    elif verb == "RCPT":
                        self.to = line.partition("<")[2].partition(">")[0]
                        code = refuse(self.to)
                        self.say(f"{code} no {self.to}" if code else "250 ok")
                    elif verb == "DATA":
                        self.say("354 go on")
                        if not self.data():
                            return None
                        self.say("250 taken")
                    else:
                        self.say("250 ok")
                return None

            def data(self):
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    if not line:
                        return False
                    lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
                mail = b"".join(lines)
                headers = mail.partition(b"\r\n\r\n")[0].decode().split("\r\n")
                named = [h.partition(": ")[2] for h in headers if h.startswith("Message-ID:")]
                name = named[0] if named else ""
                with lock:
                    outer.heard.append((self.to, mail))
                    outer.taken.setdefault(name, (self.to, mail))
                    return drop_at != len(outer.heard)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

"""Run the service with uvicorn until SIGTERM or SIGINT."""

from __future__ import annotations

import json
import logging
import logging.handlers
import queue
import sys
from dataclasses import replace

import uvicorn

from runtime.model_registry import Registry
from runtime.settings import Settings
from service.app import application, parts
from service.security import refuse_open_address


class JsonLines(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        facts = {"at": self.formatTime(record), "level": record.levelname}
        text = {**facts, "message": record.getMessage()}
        if record.exc_info:
            text["error"] = self.formatException(record.exc_info)
        return json.dumps(text)


def log_to_stderr() -> logging.handlers.QueueListener:
    """Send the service's log to standard error from a thread, so that no request waits for it."""
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("holdfast.service")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(logging.handlers.QueueHandler(lines))
    listener = logging.handlers.QueueListener(lines, handler)
    listener.start()
    return listener


def serve(settings: Settings) -> None:
    """Listen until a signal: open requests are answered and the log is written first.

    UsageError if the address is open to others and there are no API keys.
    """
    conf = settings.service
    refuse_open_address(conf)
    listener = log_to_stderr()
    fraud = Registry(settings, settings.fraud.model_name)
    made = parts(settings, Registry(settings), sys.stderr.write, fraud_source=fraud)
    made = replace(made, is_alone=True)
    try:
        uvicorn.run(
            application(made),
            host=conf.host,
            port=conf.port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=max(1, int(conf.stop_seconds)),
            server_header=False,
        )
    finally:
        listener.stop()

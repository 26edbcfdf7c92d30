"""Figures of the service for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    generate_latest,
)

if TYPE_CHECKING:
    from service.champion import ModelHolder
    from service.inference_log import InferenceLog
    from service.live_engagement import LiveEngagement
    from service.redis_client import GuardedRedis

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """All figures of one service."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "holdfast_requests", "Requests", ("route", "status"), registry=registry
        )
        self.seconds = Histogram(
            "holdfast_request_seconds",
            "Time from the first byte of the request to the last of the answer",
            ("route",),
            buckets=SECONDS,
            registry=registry,
        )
        self.answers = Counter(
            "holdfast_answers",
            "Answers about customers",
            ("arm", "cache", "features"),
            registry=registry,
        )

    def watch(
        self, models: ModelHolder, redis: GuardedRedis, log: InferenceLog, *, live: LiveEngagement
    ) -> None:
        """Add the figures that other objects count. They are read when /metrics is asked."""
        info = Info("holdfast_model", "Versions that answer", registry=self.registry)
        self._model = info, models
        watched: tuple[tuple[str, str, Callable[[], float]], ...] = (
            ("holdfast_model_loads", "Loaded sets of versions", lambda: models.swaps),
            ("holdfast_model_check_failures", "Failed looks at aliases", lambda: models.failures),
            ("holdfast_live_check_failures", "Failed looks at the stream", lambda: live.failures),
            ("holdfast_redis_failures", "Failed calls of Redis", lambda: redis.failures),
            ("holdfast_redis_is_skipped", "1: Redis is not asked now", lambda: redis.is_open),
            ("holdfast_log_waiting", "Answers in the queue of the log", lambda: log.waiting),
            ("holdfast_log_written", "Answers written to the spool", lambda: log.written),
            ("holdfast_log_dropped", "Answers that were not logged", lambda: log.dropped),
        )
        for name, text, value in watched:
            Gauge(name, text, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        """All figures in the text format of Prometheus."""
        info, models = self._model
        now = models.current
        info.info(
            {
                "champion": now.champion.version if now else "",
                "challenger": now.challenger.version if now and now.challenger else "",
            }
        )
        return generate_latest(self.registry)

"""Measurements for Prometheus."""

from __future__ import annotations

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.responses import Response

from .service import Service

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """Counts requests, and looks at queues when it is asked.

    Args:
        service: Whose queues are measured.
    """

    def __init__(self, service: Service) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector('mmps', registry=self.registry)
        known = {'registry': self.registry}
        self.requests = Counter(
            'mmps_requests', 'Requests that were answered', ('route', 'status'), **known
        )
        self.seconds = Histogram(
            'mmps_request_seconds', 'Time to the answer', ('route',), buckets=SECONDS, **known
        )
        batches = Histogram(
            'mmps_batch_size', 'Requests answered together', ('queue',),
            buckets=(1, 2, 4, 8, 16, 32), **known,
        )  # fmt: skip
        waiting = Gauge('mmps_waiting', 'Requests that wait for their turn', ('queue',), **known)
        for name, batcher in (('searches', service.searches), ('network', service.looks)):
            batcher.seen = batches.labels(name).observe
            waiting.labels(name).set_function(lambda queue=batcher: len(queue))
        Gauge('mmps_decoder_kills', 'Uploads whose decoding was stopped', **known).set_function(
            lambda: service.decoder.kills
        )
        self._people = Gauge('mmps_people', 'People of the gallery', **known)
        self._service = service

    def saw(self, route: str, status: int, seconds: float) -> None:
        """Count a request.

        Args:
            route: Path of its route, with parameters by name.
            status: Of the answer.
            seconds: To its end.
        """
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def answer(self) -> Response:
        """Write all measurements."""
        self._people.set(self._service.held.people)
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)

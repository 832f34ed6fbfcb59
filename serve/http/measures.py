"""What is measured while the service runs, for Prometheus."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from serve.http.drift import Drift
from serve.http.scheduler import Batch
from serve.records import ModelInfo, TagRecord

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SHARES: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Measures(Collector):
    """Counters and histograms of one running service, in a registry of its own."""

    def __init__(self, batch_tokens: int, queue_tokens: Callable[[], int]) -> None:
        """Measure batches against `batch_tokens` and ask `queue_tokens` how many wait."""
        self._batch_tokens = batch_tokens
        self._queue_tokens = queue_tokens
        self.model: ModelInfo | None = None
        """The model that answers."""
        self.drift: Drift | None = None
        """Of that model, if it has a reference."""
        registry = self._registry = CollectorRegistry()
        self._requests = Counter("stance_requests", "Requests", ["path", "status"], registry=registry)
        self._seconds = Histogram(
            "stance_request_seconds", "Time to answer", ["path"], buckets=_SECONDS, registry=registry
        )
        self._sentences = Counter("stance_sentences", "Sentences tagged", registry=registry)
        self._tags = Counter("stance_tags", "Tags by label, abstentions included", ["label"], registry=registry)
        self._abstained = Counter("stance_abstentions", "Tags below the threshold", registry=registry)
        self._known = Counter("stance_sentences_known", "Sentences answered from memory", registry=registry)
        self._batches = Counter("stance_batches", "Batches computed", registry=registry)
        self._fill = Histogram(
            "stance_batch_fill", "Tokens of a batch, of those that it may hold", buckets=_SHARES, registry=registry
        )
        self._waited = Histogram(
            "stance_queue_seconds", "Time of a sentence in the queue", buckets=_SECONDS, registry=registry
        )
        registry.register(self)

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count one that was answered."""
        self._requests.labels(path, status).inc()
        self._seconds.labels(path).observe(seconds)

    def batch(self, batch: Batch) -> None:
        """Count one that was computed."""
        self._batches.inc()
        self._fill.observe(min(1.0, batch.tokens / self._batch_tokens))
        for waited in batch.waited:
            self._waited.observe(waited)

    def tagged(self, records: Sequence[TagRecord], known: int) -> None:
        """Count sentences, of which `known` were not computed."""
        self._sentences.inc(len(records))
        self._known.inc(known)
        for record in records:
            self._tags.labels(record.label).inc()
            if record.abstained:
                self._abstained.inc()
        if self.drift is not None:
            self.drift.add(records)

    def collect(self) -> Iterator[Metric]:
        """What is not counted but looked up."""
        yield GaugeMetricFamily("stance_queue_tokens", "Tokens in the queue", value=self._queue_tokens())
        model = GaugeMetricFamily("stance_model_info", "The model that answers", labels=["name", "version", "digest"])
        if self.model is not None:
            model.add_metric([self.model.name, self.model.version, self.model.digest], 1)
        yield model
        if self.drift is not None:
            yield from _drift(self.drift)

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering asks for no values."""
        return ()

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)


def _drift(drift: Drift) -> Iterator[Metric]:
    yield GaugeMetricFamily("stance_drift_sentences", "Last sentences held against the reference", value=len(drift))
    stability = GaugeMetricFamily(
        "stance_drift_stability", "Population stability index against the development split", labels=["of"]
    )
    stability.add_metric(["label"], drift.labels)
    stability.add_metric(["score"], drift.scores)
    yield stability

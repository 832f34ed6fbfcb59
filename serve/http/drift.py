"""The last answers, held against the model's reference."""

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterable

from labels.scheme import STANCES, Stance
from serve.records import TagRecord
from serve.reference import Reference, stability


class Drift:
    """Counts labels and scores of the last sentences."""

    def __init__(self, reference: Reference, most: int) -> None:
        """Compare the last `most` sentences with `reference`."""
        self._reference = reference
        self._last: deque[tuple[Stance, int]] = deque()
        self._most = most
        self._labels: Counter[Stance] = Counter()
        self._bins: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._last)

    def add(self, records: Iterable[TagRecord]) -> None:
        """Count `records`, and forget as many old ones."""
        for record in records:
            bin_ = bisect_right(self._reference.score_edges, record.score)
            self._last.append((record.label, bin_))
            self._labels[record.label] += 1
            self._bins[bin_] += 1
            if len(self._last) > self._most:
                label, bin_ = self._last.popleft()
                self._labels[label] -= 1
                self._bins[bin_] -= 1

    @property
    def labels(self) -> float:
        """Population stability index of the labels; 0 before the first sentence."""
        expected = [self._reference.label_shares[stance] for stance in STANCES]
        return self._index(expected, [self._labels[stance] for stance in STANCES])

    @property
    def scores(self) -> float:
        """Population stability index of the scores; 0 before the first sentence."""
        expected = self._reference.score_shares
        return self._index(expected, [self._bins[number] for number in range(len(expected))])

    def _index(self, expected: list[float], counts: list[int]) -> float:
        return stability(expected, [count / len(self._last) for count in counts]) if self._last else 0.0

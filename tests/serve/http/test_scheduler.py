"""The queue, with a computer that does as it is told."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from serve.answers import Answer
from serve.encode import Encoding
from serve.http.scheduler import Batch, Overloaded, Scheduler


def sentence(number: int, length: int = 8) -> Encoding:
    """One that is known again by its first token."""
    return Encoding([number] * length, [(0, 1)] * length, [0] * length, truncated=False)


def answer(encoding: Encoding) -> Answer:
    return Answer("neutral", (0.0, 0.0, 0.0, float(encoding.ids[0])), abstained=False, spans={})


class Fake:
    """Keeps what it was given; waits for `gate` before it computes, and fails on the number `bad`."""

    def __init__(self, bad: int = -1, parallel: int = 1, packs: bool = False) -> None:
        self.parallel = parallel
        self.packs = packs
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.bad = bad

    def compute(self, encodings: Sequence[Encoding]) -> list[Answer]:
        self.gate.wait()
        numbers = [encoding.ids[0] for encoding in encodings]
        self.batches.append(numbers)
        if self.bad in numbers:
            raise ArithmeticError(numbers)
        return [answer(encoding) for encoding in encodings]


def run(
    body: Callable[[Scheduler], Coroutine[Any, Any, None]],
    queue_tokens: int = 10_000,
    batch_tokens: int = 32,
    on_batch: Callable[[Batch], None] = lambda batch: None,
) -> None:
    """`body` with a scheduler whose batches hold four sentences of eight tokens."""

    async def whole() -> None:
        scheduler = Scheduler(queue_tokens, 1e9, batch_tokens, on_batch)
        scheduler.start()
        try:
            await asyncio.wait_for(body(scheduler), 10)
        finally:
            await scheduler.close()

    asyncio.run(whole())


async def blocked(scheduler: Scheduler, fake: Fake) -> asyncio.Task[list[Answer]]:
    """Occupy the thread, so that what comes next waits in the queue."""
    fake.gate.clear()
    first = asyncio.create_task(scheduler.compute(fake, [sentence(999)], "first"))
    while scheduler.tokens or not first.get_coro():
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)
    return first


def ask(scheduler: Scheduler, fake: Fake, numbers: Sequence[int], client: str) -> asyncio.Task[list[Answer]]:
    return asyncio.create_task(scheduler.compute(fake, [sentence(number) for number in numbers], client))


def numbers(answers: Sequence[Answer]) -> list[float]:
    return [found.scores[3] for found in answers]


def test_answers_come_in_the_order_of_the_sentences_whatever_their_length() -> None:
    async def body(scheduler: Scheduler) -> None:
        given = [sentence(number, length=4 + number % 7) for number in range(40)]
        assert numbers(await scheduler.compute(Fake(), given, "a")) == list(range(40))
        assert await scheduler.compute(Fake(), [], "a") == []

    run(body)


def test_a_batch_has_one_length_and_is_filled_across_clients() -> None:
    async def body(scheduler: Scheduler) -> None:
        fake = Fake()
        first = await blocked(scheduler, fake)
        asked = [ask(scheduler, fake, [number], f"client {number}") for number in range(4)]
        long = asyncio.create_task(scheduler.compute(fake, [sentence(50, 20)], "long"))
        await asyncio.sleep(0)
        fake.gate.set()
        await asyncio.gather(first, long, *asked)
        assert sorted(map(sorted, fake.batches[1:])) == [[0, 1, 2, 3], [50]]

    run(body)


def test_packed_sentences_of_any_lengths_share_a_batch_that_their_tokens_fill() -> None:
    async def body(scheduler: Scheduler) -> None:
        fake = Fake(packs=True)
        first = await blocked(scheduler, fake)
        given = [sentence(1, 17), sentence(2, 40), sentence(3, 20), sentence(4, 32), sentence(5, 21)]
        asked = asyncio.create_task(scheduler.compute(fake, given, "a"))
        await asyncio.sleep(0.01)
        assert scheduler.tokens == 130
        fake.gate.set()
        assert numbers(await asked) == [1, 2, 3, 4, 5]
        await first
        assert fake.batches[1:] == [[1, 2, 3], [4, 5]]

    run(body, batch_tokens=77)


def test_many_sentences_of_one_do_not_keep_another_waiting() -> None:
    async def body(scheduler: Scheduler) -> None:
        fake = Fake()
        first = await blocked(scheduler, fake)
        many = ask(scheduler, fake, range(100), "many")
        await asyncio.sleep(0)
        single = ask(scheduler, fake, [500], "single")
        await asyncio.sleep(0)
        fake.gate.set()
        await asyncio.gather(first, many, single)
        assert next(n for n, batch in enumerate(fake.batches) if 500 in batch) <= 2
        assert len(fake.batches) == 1 + 26

    run(body)


def test_a_clients_own_requests_take_turns_and_none_is_starved_by_new_ones() -> None:
    async def body(scheduler: Scheduler) -> None:
        fake = Fake()
        first = await blocked(scheduler, fake)
        large = ask(scheduler, fake, range(12), "one address")
        await asyncio.sleep(0)
        fake.gate.set()
        await first
        served = 0
        while not large.done():
            await ask(scheduler, fake, [500], "one address")
            served += 1
        assert served < 12
        await large

    run(body)


def test_two_busy_clients_share_evenly_though_one_sends_more_requests() -> None:
    async def body(scheduler: Scheduler) -> None:
        fake = Fake()
        first = await blocked(scheduler, fake)
        flood = [ask(scheduler, fake, range(100 * n, 100 * n + 10), "flood") for n in range(1, 9)]
        one = ask(scheduler, fake, range(10), "one")
        await asyncio.sleep(0)
        fake.gate.set()
        await asyncio.gather(first, one)
        done = sum(len(batch) for batch in fake.batches) - 1
        assert done <= 28, "the one client waited for more than its turn"
        await asyncio.gather(*flood)

    run(body)


def test_the_queue_is_bounded_and_says_when_to_come_back() -> None:
    async def body(scheduler: Scheduler) -> None:
        fake = Fake()
        first = await blocked(scheduler, fake)
        large = ask(scheduler, fake, range(8), "large")
        await asyncio.sleep(0)
        assert scheduler.tokens == 64
        with pytest.raises(Overloaded) as refused:
            await scheduler.compute(fake, [sentence(1)], "large")
        assert refused.value.retry_after >= 1
        newcomer = ask(scheduler, fake, [1], "newcomer")
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await scheduler.compute(fake, [sentence(n) for n in range(8)], "another newcomer")
        fake.gate.set()
        await asyncio.gather(first, large, newcomer)
        assert scheduler.tokens == 0

    run(body, queue_tokens=64)


def test_a_request_larger_than_the_queue_is_taken_if_it_is_empty() -> None:
    async def body(scheduler: Scheduler) -> None:
        assert len(await ask(scheduler, Fake(), range(100), "large")) == 100

    run(body, queue_tokens=64)


def test_accounts_of_idle_clients_are_dropped_once_the_queue_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve.http.scheduler._IDLE_CLIENTS", 5)

    async def body(scheduler: Scheduler) -> None:
        for number in range(50):
            await ask(scheduler, Fake(), range(1 + number % 3), f"client {number}")
        assert len(scheduler._clients) <= 7

    run(body)


def test_what_was_given_up_is_not_computed_and_leaves_the_queue() -> None:
    async def body(scheduler: Scheduler) -> None:
        fake = Fake()
        first = await blocked(scheduler, fake)
        gone, stays = ask(scheduler, fake, range(8), "gone"), ask(scheduler, fake, [50], "stays")
        late = asyncio.create_task(asyncio.wait_for(scheduler.compute(fake, [sentence(60)], "late"), 0.01))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait({gone, late})
        assert isinstance(late.exception(), TimeoutError)
        assert scheduler.tokens == 8
        fake.gate.set()
        await asyncio.gather(first, stays)
        assert fake.batches == [[999], [50]]

    run(body)


def test_a_failure_is_its_own_requests_alone() -> None:
    async def body(scheduler: Scheduler) -> None:
        fake = Fake(bad=13)
        first = await blocked(scheduler, fake)
        bad = ask(scheduler, fake, [12, 13, 14], "bad")
        good = [ask(scheduler, fake, [number], "good") for number in range(3)]
        await asyncio.sleep(0)
        fake.gate.set()
        await asyncio.wait({first, bad, *good})
        assert isinstance(bad.exception(), ArithmeticError)
        assert [numbers(task.result()) for task in good] == [[0], [1], [2]]
        assert scheduler.tokens == 0
        assert numbers(await ask(scheduler, fake, [5], "good")) == [5]

    run(body)


@pytest.mark.parametrize(("parallel", "most"), [(1, 1), (2, 2), (3, 3)])
def test_as_many_batches_are_computed_at_a_time_as_the_tagger_can(parallel: int, most: int) -> None:
    class Counting(Fake):
        inside = 0
        seen = 0
        lock = threading.Lock()

        def compute(self, encodings: Sequence[Encoding]) -> list[Answer]:
            with self.lock:
                self.inside += 1
                self.seen = max(self.seen, self.inside)
            time.sleep(0.01)
            with self.lock:
                self.inside -= 1
            return super().compute(encodings)

    async def body(scheduler: Scheduler) -> None:
        fake = Counting(parallel=parallel)
        found = await asyncio.gather(*(ask(scheduler, fake, range(n, n + 9), f"client {n}") for n in range(0, 90, 9)))
        assert [numbers(answers) for answers in found] == [list(range(n, n + 9)) for n in range(0, 90, 9)]
        assert fake.seen == most
        assert scheduler.tokens == 0

    run(body)


def test_a_wrong_number_of_answers_is_a_failure_and_shifts_nobodys() -> None:
    class Short(Fake):
        def compute(self, encodings: Sequence[Encoding]) -> list[Answer]:
            return super().compute(encodings)[1:]

    async def body(scheduler: Scheduler) -> None:
        with pytest.raises(RuntimeError, match="0 answers to 1 sentences"):
            await ask(scheduler, Short(), range(3), "a")
        assert numbers(await ask(scheduler, Fake(), [7], "a")) == [7]

    run(body)


def test_two_models_are_never_in_one_batch() -> None:
    async def body(scheduler: Scheduler) -> None:
        old, new = Fake(), Fake()
        first = await blocked(scheduler, old)
        asked = [ask(scheduler, model, [n], "a") for n, model in enumerate([old, new, old, new])]
        await asyncio.sleep(0)
        old.gate.set()
        await asyncio.gather(first, *asked)
        assert (sorted(old.batches[1]), sorted(new.batches[0])) == ([0, 2], [1, 3])

    run(body)


def test_batches_are_told_with_their_fill_and_waits() -> None:
    seen: list[Batch] = []

    async def body(scheduler: Scheduler) -> None:
        await ask(scheduler, Fake(), range(6), "a")

    run(body, on_batch=seen.append)
    assert [(batch.sentences, batch.tokens, len(batch.waited)) for batch in seen] == [(4, 32, 4), (2, 16, 2)]
    assert all(wait >= 0 for batch in seen for wait in batch.waited)

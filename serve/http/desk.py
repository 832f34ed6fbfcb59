"""What answers requests: one model, one queue, one account of it all, whichever way a request comes in."""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from labels.errors import UserError
from serve.article import count_labels, pairs, place
from serve.http.keys import Keys
from serve.http.measures import Measures
from serve.http.problems import Problem
from serve.http.rate import Rates
from serve.http.scheduler import Overloaded, Scheduler
from serve.http.served import Served
from serve.http.settings import Settings
from serve.messages import (
    MAX_ARTICLE_SENTENCES,
    ArticleRequest,
    ArticleResponse,
    FieldError,
    TagRequest,
    TagResponse,
)
from serve.records import ModelInfo, TagRecord
from serve.sentences import split_sentences

#: Characters, or bytes, from which on work is done aside, so that it holds up nobody else.
_LARGE: Final = 16_384
#: More than English prose has, so that an article is hardly taken for longer than it is.
_CHARACTERS_OF_A_TOKEN: Final = 8
#: When to ask again while there is no model; loading one takes some two seconds.
_NOT_READY_SECONDS: Final = 5

_log = logging.getLogger("bentoml.stance")

Result = TypeVar("Result")
#: Told of every sentence that was tagged, and of its record.
OnTagged = Callable[[Sequence[str], Sequence[TagRecord]], None]


class Desk:
    """Tags for clients, and changes the model under them without their noticing."""

    def __init__(self, settings: Settings, find_folder: Callable[[], Path], on_tagged: OnTagged | None = None) -> None:
        """Serve the model that `find_folder` finds, which is asked again for each change.

        Raises:
            SettingsError: the file of keys cannot be used.
        """
        self.settings = settings
        self.keys = Keys(settings.api_keys, settings.api_keys_file)
        self.served: Served | None = None
        """None until a model has answered a sentence."""
        self._scheduler = Scheduler(
            settings.queue_tokens,
            settings.queue_seconds,
            settings.batch_tokens,
            lambda batch: self.measures.batch(batch),
        )
        self.measures = Measures(settings.batch_tokens, lambda: self._scheduler.tokens)
        self._find_folder = find_folder
        self._on_tagged = on_tagged
        self._rates = Rates(settings.sentences_per_minute)
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._changing = asyncio.Lock()
        self._signalled: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Load the model and begin to answer; a model that cannot be loaded is logged, and the service not ready."""
        self._scheduler.start()
        if threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._on_hangup)
        try:
            await self.change_model()
        except UserError as error:
            _log.error("not ready: %s", error)

    async def close(self) -> None:
        """Stop computing."""
        await self._scheduler.close()
        self._aside.shutdown()

    @property
    def ready(self) -> Served:
        """The model that answers.

        Raises:
            Problem: there is none.
        """
        if self.served is None:
            message = "the service is not ready: no usable model is loaded; its log says why"
            raise Problem(503, "not_ready", message, retry_after=_NOT_READY_SECONDS)
        return self.served

    async def change_model(self) -> ModelInfo:
        """Load the model anew and put it in the place of the present one, which goes on if the new one is no good.

        Raises:
            UserError: the new model cannot be used; the message says why.
        """
        async with self._changing:
            loading = asyncio.ensure_future(asyncio.to_thread(self._load))
            await asyncio.wait({loading})
            failure = loading.exception()
            if failure is not None and not isinstance(failure, UserError):
                raise UserError(f"the model failed on a trial sentence ({type(failure).__name__})") from failure
            served = loading.result()
            self.served = served
            self.measures.model, self.measures.drift = served.tagger.info, served.drift
        _log.info("model: %s %s, %s", served.tagger.info.name, served.tagger.info.version, served.tagger.runs_as)
        return served.tagger.info

    def _load(self) -> Served:
        return Served.load(self._find_folder(), self.settings)

    def _on_hangup(self) -> None:
        task = asyncio.create_task(self._change_on_signal())
        self._signalled.add(task)
        task.add_done_callback(self._signalled.discard)

    async def _change_on_signal(self) -> None:
        try:
            await self.change_model()
        except UserError as error:
            _log.error("the new model is refused, the present one goes on: %s", error)

    async def tag(self, request: TagRequest, client: str) -> TagResponse:
        """Tag each sentence by itself; the answers are in the order of the request.

        Raises:
            Problem: there is no model, no room, or the client has sent too much.
        """
        return TagResponse(tags=await self._tag(request.sentences, client))

    async def tag_article(self, request: ArticleRequest, client: str) -> ArticleResponse:
        """Split an article into sentences, tag them, and say who takes which stance toward whom.

        Raises:
            Problem: there is no model, no room, or the client has sent too much.
        """
        try:
            # Splitting takes a tenth of the time that computing does, which is too much for what is refused then.
            self._scheduler.check_room(len(request.text) // _CHARACTERS_OF_A_TOKEN, client)
        except Overloaded as full:
            raise _overloaded(full) from None
        spans = await self.aside(len(request.text), lambda: split_sentences(request.text))
        if len(spans) > MAX_ARTICLE_SENTENCES:
            fault = FieldError(
                path="text",
                message=f"An article has at most {MAX_ARTICLE_SENTENCES} sentences, not {len(spans)}; send it in parts",
            )
            raise Problem(422, "invalid", "1 field is not valid", [fault])
        records = await self._tag([span.text for span in spans], client)

        def put_together() -> ArticleResponse:
            sentences = place(spans, records)
            return ArticleResponse(sentences=sentences, counts=count_labels(sentences), pairs=pairs(sentences))

        return await self.aside(len(request.text), put_together)

    async def aside(self, size: int, work: Callable[[], Result]) -> Result:
        """Do `work` here, or in another thread if its `size` would hold up the others."""
        if size < _LARGE:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._aside, work)

    async def _tag(self, sentences: Sequence[str], client: str) -> list[TagRecord]:
        served = self.ready
        if (wait := self._rates.wait(client, len(sentences))) is not None:
            allowed = f"{self.settings.sentences_per_minute} sentences a minute are allowed"
            raise Problem(429, "rate_limited", f"{allowed}; send the request again in {wait} s", retry_after=wait)
        size = sum(map(len, sentences))
        encodings, keys = await self.aside(size, lambda: served.encode(sentences))
        # The memory is touched by this thread alone.
        answers = {key: answer for key in keys if (answer := served.memory.get(key)) is not None}
        missing = {key: encoding for key, encoding in zip(keys, encodings, strict=True) if key not in answers}
        try:
            computed = await self._scheduler.compute(served.tagger, list(missing.values()), client)
        except Overloaded as full:
            self._rates.give_back(client, len(sentences))
            raise _overloaded(full) from None
        for key, answer in zip(missing, computed, strict=True):
            answers[key] = served.memory[key] = answer
        known = len(sentences) - len(missing)
        records = await self.aside(size, lambda: served.records(sentences, encodings, [answers[key] for key in keys]))
        self.measures.tagged(records, known)
        self._tell(sentences, records)
        return records

    def _tell(self, sentences: Sequence[str], records: Sequence[TagRecord]) -> None:
        if self._on_tagged is None:
            return
        try:
            self._on_tagged(sentences, records)
        except Exception as error:  # whatever the monitoring raises that was configured
            # The tags are right, whether or not a disk is full. Without the message, which may have a text in it.
            reason = error.strerror if isinstance(error, OSError) else "see BentoML's configuration of monitoring"
            _log.error("what was tagged could not be monitored: %s: %s", type(error).__name__, reason)


def _overloaded(full: Overloaded) -> Problem:
    message = f"too much is waiting already; send the request again in {full.retry_after} s"
    return Problem(429, "overloaded", message, retry_after=full.retry_after)

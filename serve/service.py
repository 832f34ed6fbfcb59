"""The BentoML service: the tagger over HTTP. The only file that imports bentoml."""

import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Before bentoml is imported: it reports its use over the network otherwise.
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import bentoml
from bentoml.exceptions import NotFound

from serve.errors import ModelError, SettingsError
from serve.http.desk import Desk
from serve.http.front import Front
from serve.http.information import first_line
from serve.http.listening import open_to_others, warn_if_open
from serve.http.openapi import complete
from serve.http.passing_on import Guarded
from serve.http.settings import Settings, variable
from serve.http_errors import Application, OneErrorShape, WithoutText
from serve.messages import ArticleRequest, ArticleResponse, TagRequest, TagResponse
from serve.model_folder import WEIGHTS, read_manifest
from serve.records import TagRecord
from serve.ui import Page

_NEWEST = bentoml.models.BentoModel("stance:latest")
#: Names a model folder to serve instead of the newest in BentoML's model store.
_MODEL_VARIABLE = variable("model")

_log = logging.getLogger("bentoml.stance")


def register(folder: Path) -> str:
    """Copy a saved model into BentoML's model store and return its tag, `name:version`.

    Raises:
        ModelError: the folder holds no usable manifest.
    """
    manifest = read_manifest(folder)
    with bentoml.models.create(
        f"{manifest.name}:{manifest.version}",
        labels={"base": manifest.base.name.replace("/", "-")},
        metadata={"weights_sha256": manifest.files[WEIGHTS]},
    ) as stored:
        for file in folder.iterdir():
            (Path(stored.path) / file.name).write_bytes(file.read_bytes())
    return str(stored.tag)


class FrontedService(bentoml.Service):  # type: ignore[misc]
    """A BentoML service behind `Front`, which answers the tagging paths itself."""

    def to_asgi(self, is_main: bool = True) -> Application:
        """BentoML's application with ours before it."""
        return Front(super().to_asgi(is_main=is_main), lambda: self.desk, self._described)

    def __call__(self) -> Any:
        """A new instance, whose desk the front goes to from now on."""
        instance = super().__call__()
        self.desk: Desk = instance.desk
        return instance

    def _described(self) -> bytes:
        return json.dumps(complete(self.openapi_spec.asdict())).encode()


@bentoml.service(
    name="stance",
    workers=1,
    service_class=FrontedService,
    http={"host": "127.0.0.1"},
    # What these would do is done by the front, without writing a path into the log.
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
class StanceService:
    """Tags sentences of news coverage with a stance act and its roles."""

    # Named only where it is there and wanted, for BentoML does not start a service whose model it cannot find.
    if _MODEL_VARIABLE not in os.environ and _NEWEST.stored is not None:
        model = _NEWEST

    def __init__(self) -> None:
        settings = Settings.from_environment(os.environ)
        self.desk = Desk(settings, self._folder, _monitor if settings.monitor else None)

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def check_settings() -> None:
        """Tell every fault of the settings before a worker is started, which would be started again and again."""
        try:
            settings = Settings.from_environment(os.environ)
            Desk(settings, Path)
        except SettingsError as error:
            print(error, file=sys.stderr)
            raise SystemExit(2) from None

    @bentoml.on_startup  # type: ignore[untyped-decorator]
    async def start(self) -> None:
        """Load the model and say what there is."""
        await self.desk.start()
        _log.info("%s", first_line(self.desk.served, self.desk.settings))
        if not self.desk.keys.required:
            warn_if_open(open_to_others())

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    async def stop(self) -> None:
        """Let go of the threads; what was accepted has been answered by then."""
        await self.desk.close()

    def _folder(self) -> Path:
        if self.desk.settings.model is not None:
            return self.desk.settings.model
        try:
            return Path(bentoml.models.get("stance:latest").path)
        except NotFound as error:
            raise ModelError("BentoML's model store has no model `stance`; train one with `python -m train`") from error

    @bentoml.api  # type: ignore[untyped-decorator]
    async def tag(self, request: TagRequest, /) -> TagResponse:
        """Tag each sentence by itself; the answers are in the order of the request."""
        return await self.desk.tag(request, "this process")

    @bentoml.api  # type: ignore[untyped-decorator]
    async def tag_article(self, request: ArticleRequest, /) -> ArticleResponse:
        """Split an article into sentences, tag them, and say who takes which stance toward whom."""
        return await self.desk.tag_article(request, "this process")


def _monitor(sentences: Sequence[str], records: Sequence[TagRecord]) -> None:
    # The first by itself, for BentoML warns if the first record there is has several rows.
    for part in (slice(1), slice(1, None)):
        if not records[part]:
            return
        with bentoml.monitor("stance") as monitor:
            monitor.log_batch([record.label for record in records[part]], "label", "prediction", "categorical")
            monitor.log_batch([record.score for record in records[part]], "score", "prediction", "numerical")
            monitor.log_batch([len(sentence) for sentence in sentences[part]], "characters", "feature", "numerical")


# The decorator made a service of the class, which its type does not say. A page, or anything else that answers
# requests, is added here as middleware: it gets what the front leaves to BentoML.
service: Any = StanceService
service.add_asgi_middleware(Guarded)
service.add_asgi_middleware(Page, settings=lambda: service.desk.settings)
service.add_asgi_middleware(OneErrorShape)
logging.getLogger("bentoml._internal.server.http_app").addFilter(WithoutText())

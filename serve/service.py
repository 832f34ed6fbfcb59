"""The BentoML service: the tagger over HTTP. The only file that imports bentoml."""

import logging
import os
from pathlib import Path
from typing import Any

# Before bentoml is imported: it reports its use over the network otherwise.
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import bentoml
from bentoml.exceptions import BentoMLException, ServiceUnavailable

from serve.article import count_labels, pairs, tag_article
from serve.errors import ModelError
from serve.http_errors import TIMEOUT_SECONDS, OneErrorShape, WithoutText
from serve.messages import ArticleRequest, ArticleResponse, TagRequest, TagResponse
from serve.model_folder import WEIGHTS, read_manifest
from serve.tagger import Tagger
from serve.ui import Page

#: Names a model folder to serve instead of the newest in BentoML's model store.
MODEL_VARIABLE = "STANCE_MODEL"

_NEWEST = bentoml.models.BentoModel("stance:latest")

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


@bentoml.service(name="stance", workers=1, traffic={"timeout": 2 * TIMEOUT_SECONDS})
class StanceService:
    """Tags sentences of news coverage with a stance act and its roles."""

    # Named only where it is there and wanted, for BentoML does not start a service whose model it cannot find.
    if MODEL_VARIABLE not in os.environ and _NEWEST.stored is not None:
        model = _NEWEST

    def __init__(self) -> None:
        self._tagger: Tagger | None = None
        try:
            tagger = Tagger.load(self._folder())
            # Ready means that a real sentence was answered, not that a file was found.
            tagger.tag(["The mayor denied the allegation."])
            self._tagger = tagger
        except (ModelError, BentoMLException) as error:
            _log.error("not ready: %s", error)

    def _folder(self) -> Path:
        named = os.environ.get(MODEL_VARIABLE)
        if named:
            return Path(named)
        if _NEWEST.stored is None:
            raise ModelError("BentoML's model store has no model `stance`; train one with `python -m train`")
        return Path(_NEWEST.stored.path)

    def __is_ready__(self) -> bool:
        return self._tagger is not None

    def _ready_tagger(self) -> Tagger:
        if self._tagger is None:
            raise ServiceUnavailable("no usable model is loaded")
        return self._tagger

    @bentoml.api  # type: ignore[untyped-decorator]
    def tag(self, request: TagRequest, /) -> TagResponse:
        """Tag each sentence by itself; the answers are in the order of the request."""
        return TagResponse(tags=self._ready_tagger().tag(request.sentences))

    @bentoml.api  # type: ignore[untyped-decorator]
    def tag_article(self, request: ArticleRequest, /) -> ArticleResponse:
        """Split an article into sentences, tag them, and say who takes which stance toward whom."""
        sentences = tag_article(self._ready_tagger(), request.text)
        return ArticleResponse(sentences=sentences, counts=count_labels(sentences), pairs=pairs(sentences))


# The decorator made a service of the class, which its type does not say.
service: Any = StanceService
service.add_asgi_middleware(Page)
service.add_asgi_middleware(OneErrorShape, paths=frozenset({"/tag", "/tag_article"}))
logging.getLogger("bentoml._internal.server.http_app").addFilter(WithoutText())

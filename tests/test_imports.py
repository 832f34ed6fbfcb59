"""The direction `labels <- serve <- train`, and who may import the heavy packages."""

import ast
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT

MODULES = sorted(path for package in ("labels", "serve", "train") for path in (ROOT / package).rglob("*.py"))


def imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here, so that this test can read them"
            yield str(node.module)


def breaches(package: str, file: str, source: str) -> list[str]:
    forbidden = {"labels": {"serve", "train", "sklearn", "bentoml"}, "serve": {"train", "sklearn"}, "train": set()}[
        package
    ]
    if (package, file) != ("serve", "service.py"):
        forbidden = forbidden | {"bentoml"}
    return [name for name in imported(source) if name.split(".")[0] in forbidden]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_imports_against_the_direction(path: object) -> None:
    relative = (ROOT / str(path)).relative_to(ROOT)
    assert breaches(relative.parts[0], relative.name, (ROOT / relative).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("package", "file", "source", "breach"),
    [
        ("labels", "corpus.py", "from serve.tagger import Tagger", "serve.tagger"),
        ("serve", "tagger.py", "import train", "train"),
        ("serve", "tagger.py", "def f():\n    import sklearn.metrics", "sklearn.metrics"),
        ("train", "recipe.py", "import bentoml.models", "bentoml.models"),
    ],
)
def test_a_breach_would_be_seen(package: str, file: str, source: str, breach: str) -> None:
    assert breaches(package, file, source) == [breach]


def test_there_is_no_drawer_module() -> None:
    assert [path.name for path in MODULES if path.stem in {"utils", "util", "common", "helpers", "misc"}] == []

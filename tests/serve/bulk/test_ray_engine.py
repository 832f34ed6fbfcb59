"""What keeps the taggers of a Ray cluster from starting is one sentence, at once; the cluster here is none.

Neither does what Ray prints get among the tags.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from serve.__main__ import app
from serve.bulk.engine import Load
from serve.bulk.errors import BulkError
from serve.bulk.ray_engine import Cluster, RayEngine
from serve.errors import ModelError


class Fake:
    """As much of Ray as is asked before an actor tags."""

    def __init__(self, *nodes: dict[str, float], raises: Exception | None = None) -> None:
        self.open = False
        self._nodes = nodes
        self._raises = raises

    def init(self, **options: object) -> None:
        if self._raises is not None:
            raise self._raises
        self.open = True

    def shutdown(self) -> None:
        self.open = False

    def cluster_resources(self) -> dict[str, float]:
        return {name: sum(node.get(name, 0) for node in self._nodes) for name in ("CPU", "GPU")}

    def nodes(self) -> list[dict[str, Any]]:
        gone = {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}}
        return [gone, *({"Alive": True, "Resources": node} for node in self._nodes)]


def start(monkeypatch: pytest.MonkeyPatch, ray: Any, address: str | None = None, **load: Any) -> str:
    """What the user is told."""
    monkeypatch.setitem(sys.modules, "ray", ray)
    with pytest.raises(BulkError) as caught:
        RayEngine(Load(**{"model": Path("none"), **load}), Cluster(address))
    assert not ray.open
    return str(caught.value)


@pytest.mark.parametrize("error", [RuntimeError("Version mismatch\nof all"), Exception("no raylet"), ConnectionError()])
def test_ray_that_does_not_start_is_one_sentence(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    said = start(monkeypatch, Fake(raises=error), "h:1")
    first = str(error).split("\n")[0] or "ConnectionError"
    assert said.startswith(f"no Ray cluster at h:1: {first}; start one")


@pytest.mark.parametrize(
    ("nodes", "load", "said"),
    [
        ([{"CPU": 4.0}], {"device": "cuda"}, "the cluster has no GPU; choose --device cpu"),
        ([{"CPU": 4.0}, {"CPU": 6.0}], {"device": "cpu", "threads": 8}, "has 8 cores for a tagger, the largest has 6;"),
        ([{"CPU": 8.0}, {"CPU": 2.0, "GPU": 1.0}], {"threads": 4}, "with a GPU of the cluster has 4 cores"),
    ],
)
def test_a_cluster_without_room_is_one_sentence_at_once(
    monkeypatch: pytest.MonkeyPatch, nodes: list[dict[str, float]], load: dict[str, Any], said: str
) -> None:
    assert said in start(monkeypatch, Fake(*nodes), **load)


def test_a_users_mistake_in_an_actor_is_told_without_its_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    exceptions = pytest.importorskip("ray.exceptions", reason="the extra `distributed` is not installed")
    cause = ModelError("the model has no export for onnx")
    error = exceptions.RayTaskError(
        "load", "Traceback: far away", cause, "python", 1, "127.0.0.1"
    ).as_instanceof_cause()

    def get(ready: object) -> None:
        raise error

    ray: Any = Fake({"CPU": 1.0})
    ray.get = get
    ray.put = lambda files: files
    ray.wait = lambda waiting, timeout: (waiting[:1], waiting[1:])
    load = SimpleNamespace(remote=lambda *sent: "loading")
    ray.remote = lambda **needs: lambda worker: SimpleNamespace(remote=lambda: SimpleNamespace(load=load))
    assert start(monkeypatch, ray, model=tmp_path) == str(cause)


class Working(Fake):
    """Its actors are objects of this process, and whenever it is asked what is ready, it prints."""

    def __init__(self) -> None:
        super().__init__({"CPU": 1.0})

    def put(self, files: object) -> object:
        return files

    def remote(self, **needs: object) -> Any:
        return lambda worker: SimpleNamespace(remote=lambda: Actor(worker()))

    def wait(self, waiting: list[Any], timeout: float | None) -> Any:
        print("a node has been marked dead")
        return waiting[:1], waiting[1:]

    def get(self, ready: Any) -> Any:
        return ready.value


@dataclass(eq=False)
class Ready:
    value: Any


class Actor:
    def __init__(self, worker: Any) -> None:
        for name in ("load", "tag"):
            method = getattr(worker, name)
            setattr(self, name, SimpleNamespace(remote=lambda *sent, method=method: Ready(method(*sent))))


def test_what_ray_prints_is_not_among_the_tags(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray.exceptions", reason="the extra `distributed` is not installed")
    (tmp_path / "a.txt").write_text("It rained. No.")
    arguments = ["tag", str(tmp_path), "--out", "-", "--model", str(model_folder), "--device", "cpu", "--quiet"]
    local = CliRunner().invoke(app, arguments)
    monkeypatch.setitem(sys.modules, "ray", Working())
    result = CliRunner().invoke(app, [*arguments, "--engine", "ray"])
    assert (result.exit_code, result.stdout) == (0, local.stdout)
    assert result.stdout.count("\n") == 2
    assert set(result.stderr.splitlines()) == {"a node has been marked dead"}

"""The service as a Bento, and what is to begin from where it is to run for good."""

import configparser
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from serve.http.settings import Settings
from serve.load.servers import running
from serve.tagger import Tagger
from serve.weights import save
from tests.conftest import ROOT, SENTENCES, manifest, tiny_network, tiny_tokenizer

DEPLOY = ROOT / "serve/deploy"


@pytest.mark.slow
def test_a_bento_is_built_and_answers_from_its_own_folder(tmp_path: Path, bentoml_home: Path) -> None:
    """In this environment: installing that of the Bento anew would take minutes."""
    from serve.service import register

    # Of a version of its own, for the store is shared with other tests.
    save(tmp_path / "model", tiny_network(), tiny_tokenizer(), manifest(version="packed"), "# card\n")
    register(tmp_path / "model")
    tagger = Tagger.load(tmp_path / "model")
    build = [sys.executable, "-m", "bentoml", "build", ".", "--output", "tag"]
    ended = subprocess.run(build, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120, check=True)  # noqa: S603
    name, version = ended.stdout.strip().removeprefix("__tag__:").split(":")
    bento = bentoml_home / "bentos" / name / version
    assert not any((bento / "src" / folder).exists() for folder in ("train", "tests", "models", ".git"))
    environment = {"BENTOML_HOME": str(bentoml_home), "PYTHONPATH": ""}
    with running(["bentoml", "serve", str(bento)], environment, bento / "src") as server:
        tags = httpx.post(f"{server.url}/tag", json={"sentences": SENTENCES}).json()["tags"]
        info = httpx.get(f"{server.url}/info").json()
    assert [tag["label"] for tag in tags] == [answer.label for answer in tagger.predict(SENTENCES)]
    assert info["model"] == tagger.info.model_dump()


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))


def test_the_manifest_hangs_together() -> None:
    deployment, service, budget = documents()
    assert [document["kind"] for document in (deployment, service, budget)] == [
        "Deployment",
        "Service",
        "PodDisruptionBudget",
    ]
    pod = deployment["spec"]["template"]
    labels = pod["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert service["spec"]["selector"] == budget["spec"]["selector"]["matchLabels"] == labels
    (container,) = pod["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert service["spec"]["ports"][0]["targetPort"] in ports
    assert {container[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe")} == {"/readyz"}
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounted) == {volume["name"] for volume in pod["spec"]["volumes"]}
    settings = Settings.from_environment({variable["name"]: variable["value"] for variable in container["env"]})
    assert settings.api_keys_file is not None
    assert str(settings.api_keys_file.parent) in mounted.values()
    assert pod["spec"]["terminationGracePeriodSeconds"] > settings.body_seconds + settings.deadline_seconds
    # Variables such as STANCE_PORT, for a Service of this name, would be taken for settings.
    assert pod["spec"]["enableServiceLinks"] is False
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True


def test_the_unit_reloads_by_a_hangup_and_waits_for_requests() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    lines = (DEPLOY / "stance.service").read_text().splitlines()
    unit.read_string("\n".join(line for line in lines if not line.startswith("Environment=")))
    service = unit["Service"]
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["ExecStart"].endswith("-m serve http --host 127.0.0.1 --port 3000")
    environment = dict(
        line.removeprefix("Environment=").split("=") for line in lines if line.startswith("Environment=")
    )
    settings = Settings.from_environment(environment)
    assert float(service["TimeoutStopSec"]) > settings.body_seconds + settings.deadline_seconds

"""What is to begin from where the service is to run for good: a unit for systemd, a manifest for Kubernetes."""

import configparser
import copy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from kubernetes_validate.utils import ValidationError

from serve.http.settings import Settings
from tests.conftest import ROOT

DEPLOY = ROOT / "serve/deploy"
UNIT = (DEPLOY / "stance.service").read_text()
#: Releases of Kubernetes that it is held against.
RELEASES = ("1.35", "1.36", "1.37")


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))


@pytest.mark.parametrize("release", RELEASES)
def test_the_manifest_is_what_kubernetes_takes(release: str) -> None:
    for document in documents():
        assert kubernetes_validate.validate(document, release, strict=True) == release


@pytest.mark.parametrize(("field", "value"), [("readinesProbe", {}), ("ports", "http"), ("env", [{"name": 1}])])
def test_a_wrong_manifest_would_be_seen(field: str, value: object) -> None:
    deployment = copy.deepcopy(documents()[0])
    deployment["spec"]["template"]["spec"]["containers"][0][field] = value
    with pytest.raises(ValidationError):
        kubernetes_validate.validate(deployment, RELEASES[-1], strict=True)


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
    asleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["spec"]["terminationGracePeriodSeconds"] > asleep + settings.body_seconds + settings.deadline_seconds
    # Variables such as STANCE_PORT, for a Service of this name, would be taken for settings.
    assert pod["spec"]["enableServiceLinks"] is False
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    # Whatever ends the process, it is started again.
    assert pod["spec"].get("restartPolicy", "Always") == "Always"


def verified(unit: str, folder: Path) -> str:
    """What systemd has to say against `unit`, with an interpreter that is there."""
    file = folder / "stance.service"
    file.write_text(unit.replace("/opt/stance/.venv/bin/python", sys.executable))
    command = ["systemd-analyze", "verify", "--man=no", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    return ended.stdout + ended.stderr + ("" if ended.returncode == 0 else f"exit {ended.returncode}")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here to verify its unit")
def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path) -> None:
    assert verified(UNIT, tmp_path) == ""
    # What it does not know it passes over with a line, and exits with 0.
    assert "ProtectSistem" in verified(UNIT.replace("ProtectSystem", "ProtectSistem"), tmp_path)


def test_the_unit_reloads_by_a_hangup_and_waits_for_requests() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    lines = UNIT.splitlines()
    unit.read_string("\n".join(line for line in lines if not line.startswith("Environment=")))
    service = unit["Service"]
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["ExecStart"].endswith("-m serve http --host 127.0.0.1 --port 3000")
    environment = dict(
        line.removeprefix("Environment=").split("=") for line in lines if line.startswith("Environment=")
    )
    settings = Settings.from_environment(environment)
    assert float(service["TimeoutStopSec"]) > settings.body_seconds + settings.deadline_seconds
    # Killed, it is started again; set up wrongly, it is not.
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("on-failure", "2")

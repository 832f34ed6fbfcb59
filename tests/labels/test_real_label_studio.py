"""Against a real Label Studio: `STANCE_LABEL_STUDIO` names its executable, in an environment of its own.

python3 -m venv ls && ls/bin/pip install label-studio
STANCE_LABEL_STUDIO=ls/bin/label-studio python -m pytest -m slow tests/labels/test_real_label_studio.py
"""

import json
import os
import random
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from labels import corpus, label_studio, markup
from labels.exchange import import_answers
from labels.queue import make_queue
from labels.record import AnnotatedSentence
from labels.task import Task
from tests.conftest import sentence
from tests.labels.test_queue import tagged

EXECUTABLE = os.environ.get("STANCE_LABEL_STUDIO")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(EXECUTABLE is None, reason="STANCE_LABEL_STUDIO does not name a label-studio executable"),
]

EMOJI = "😀🧵 {source|The 👩‍🚒 union} accused {target|Norvex 🚢} of {issue|hiding 🗂 reports} 🙈."


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a Label Studio of our own on the loopback, once it is alive; its first start makes the database."""
    home = tmp_path_factory.mktemp("label-studio")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    token = secrets.token_hex(20)
    command = [str(Path(str(EXECUTABLE)).resolve()), "start", "--no-browser", "--enable-legacy-api-token"]
    command += ["--internal-host", "127.0.0.1", "--port", str(port), "--data-dir", str(home)]
    command += ["--username", "ann@example.org", "--password", secrets.token_hex(8), "--user-token", token]
    # It would report its use, and ask for its latest version.
    quiet = {"COLLECT_ANALYTICS": "False", "LATEST_VERSION_CHECK": "False", "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": ""}
    log = home / "log.txt"
    with log.open("wb") as output:
        server = subprocess.Popen(  # noqa: S603 - what the variable names
            command, cwd=home, env={**os.environ, **quiet, "HOME": str(home)}, stdout=output, stderr=subprocess.STDOUT
        )
    headers = {"Authorization": f"Token {token}"}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=120) as client:
            deadline = time.monotonic() + 240
            while not alive(client):
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(1)
            yield client
    finally:
        server.terminate()
        server.wait(timeout=60)


def alive(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def call(client: httpx.Client, method: str, path: str, **arguments: Any) -> Any:
    response = client.request(method, path, **arguments)
    assert response.is_success, response.text
    return response.json()


def project_with(client: httpx.Client, tasks: list[Task], folder: Path) -> int:
    """A new project with our labelling configuration, into which the tasks were imported as a file."""
    file, configuration = label_studio.write(tasks, folder / "tasks.json")
    project = call(
        client, "POST", "/api/projects", json={"title": "stances", "label_config": configuration.read_text()}
    )
    upload = {"file": ("tasks.json", file.read_bytes(), "application/json")}
    assert call(client, "POST", f"/api/projects/{project['id']}/import", files=upload)["task_count"] == len(tasks)
    return int(project["id"])


def export_of(client: httpx.Client, project: int, file: Path) -> Path:
    parameters = {"exportType": "JSON", "download_all_tasks": "true"}
    file.write_bytes(client.get(f"/api/projects/{project}/export", params=parameters).raise_for_status().content)
    return file


def results_by_id(file: Path) -> dict[str, object]:
    """Data and results of each task of a file, ours or Label Studio's."""
    return {
        task["data"]["id"]: (task["data"], [annotation["result"] for annotation in task["annotations"]])
        for task in json.loads(file.read_text(encoding="utf-8"))
    }


def test_an_export_comes_back_unchanged(studio: httpx.Client, tmp_path: Path) -> None:
    written = corpus.read_corpus()
    text, roles = markup.parse(EMOJI)
    chosen: list[AnnotatedSentence] = [
        sentence(text, "accuses", id="emoji-1", roles=roles, tags=["social"]),
        *(found for found in written if max(found.text) > "\uffff"),
        *random.Random(7).sample(written, 400),  # noqa: S311 - not for secrecy
    ]
    picked = list({found.id: found for found in chosen}.values())
    project = project_with(studio, [Task(found) for found in picked], tmp_path)
    exported = export_of(studio, project, tmp_path / "export.json")
    assert results_by_id(exported) == results_by_id(tmp_path / "tasks.json")
    imported = import_answers("label-studio", exported, tmp_path / "back.jsonl")
    assert dict(imported.left_out) == {}
    assert [corpus.to_line(found) for found in imported.sentences] == [corpus.to_line(found) for found in picked]


def test_a_guess_is_filled_in_corrected_and_comes_back(studio: httpx.Client, tmp_path: Path) -> None:
    text, roles = markup.parse(EMOJI)
    places = {span.role: {"text": text[span.start : span.end], "start": span.start, "end": span.end} for span in roles}
    records = [
        tagged(text, "denies", 0.4, **places),
        *(tagged(f"This is sentence number {number}.", score=0.5) for number in range(3)),
    ]
    project = project_with(studio, make_queue(records, 4).tasks, tmp_path)
    # The version of the predictions is that of the project, so that the form opens filled in.
    assert call(studio, "GET", f"/api/projects/{project}")["model_version"] == "stance 1"
    tasks = call(studio, "GET", "/api/tasks", params={"project": project, "fields": "all"})["tasks"]
    first, second = (
        call(studio, "GET", f"/api/tasks/{task['id']}")
        for task in sorted(tasks, key=lambda task: task["data"]["text"] != text)[:2]
    )
    result = first["predictions"][0]["result"]
    assert [entry["value"].get("choices") for entry in result][-1] == ["denies"]
    result[-1]["value"]["choices"] = ["accuses"]
    target = next(entry["value"] for entry in result if entry["value"].get("labels") == ["target"])
    # A person's selection often takes the space after it.
    target |= {"end": target["end"] + 1, "text": f"{target['text']} "}
    call(studio, "POST", f"/api/tasks/{first['id']}/annotations/", json={"result": result, "lead_time": 3.5})
    call(studio, "POST", f"/api/tasks/{second['id']}/annotations/", json={"result": [], "was_cancelled": True})
    exported = export_of(studio, project, tmp_path / "export.json")
    imported = import_answers("label-studio", exported, tmp_path / "back.jsonl", "1", ["social"])
    assert imported.left_out == {"skipped": 1, "not annotated": 2}
    (made,) = imported.sentences
    assert (made.label, markup.render(made.text, made.roles)) == ("accuses", EMOJI)


def test_a_correction_of_an_imported_answer_counts(studio: httpx.Client, tmp_path: Path) -> None:
    text, roles = markup.parse(EMOJI)
    project = project_with(
        studio, [Task(sentence(text, "denies", id="emoji-1", roles=roles, tags=["social"]))], tmp_path
    )
    (task,) = json.loads(export_of(studio, project, tmp_path / "before.json").read_text(encoding="utf-8"))
    (annotation,) = task["annotations"]
    assert annotation["ground_truth"] is False
    annotation["result"][-1]["value"]["choices"] = ["accuses"]
    call(studio, "PATCH", f"/api/annotations/{annotation['id']}/", json={"result": annotation["result"]})
    exported = export_of(studio, project, tmp_path / "after.json")
    (made,) = import_answers("label-studio", exported, tmp_path / "back.jsonl").sentences
    assert made.label == "accuses"

"""Who may ask: keys from the settings and from a file."""

from pathlib import Path

import pytest

from tests.serve.http.conftest import GOOD, KEY, Start


def test_without_a_good_key_nothing_is_tagged(start: Start) -> None:
    client = start(api_keys=f"{KEY},another-key-of-some-length")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}):
        for answer in (
            client.post("/tag", json={"sentences": ["a"]}, headers=headers),
            client.get("/info", headers=headers),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"
    assert client.get("/readyz").status_code == 200
    for key in (KEY, "another-key-of-some-length"):
        answer = client.post("/tag", json={"sentences": ["a"]}, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200


def test_a_file_of_keys_is_read_again_when_it_changes(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("serve.http.keys._LOOK_EVERY", 0.0)
    file = tmp_path / "keys"
    file.write_text(f"# for the desk\n{KEY}\n")
    client = start(api_keys_file=file)

    def status() -> int:
        return client.post("/tag", json={"sentences": ["a"]}, headers=GOOD).status_code

    assert status() == 200
    file.write_text("")
    assert status() == 200, "a file without keys locks nobody out"
    assert "the keys stay as they are" in caplog.text
    for wrong in ("ключ-достаточно-длинный", "a key with spaces in it", "a-key-that-is-o\xadther"):
        file.write_text(f"{KEY}\n{wrong}\n")
        assert status() == 200
    assert "line 2 has spaces or other than printable ASCII characters" in caplog.text
    file.write_text("a-key-that-is-another\n")
    assert status() == 401

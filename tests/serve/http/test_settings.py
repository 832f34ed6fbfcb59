"""Settings from the environment."""

from pathlib import Path

import pytest

from serve.errors import SettingsError
from serve.http.keys import read_keys
from serve.http.settings import Settings
from tests.conftest import ROOT


def test_settings_are_read_by_their_names() -> None:
    found = Settings.from_environment(
        {
            "STANCE_QUEUE_TOKENS": "5",
            "STANCE_API_KEYS": "a" * 16 + ", " + "b" * 16,
            "STANCE_REQUEST_LOG": "true",
            "STANCE_TRUSTED_PROXIES": "192.0.2.1, 198.51.100.0/24",
            "PATH": "x",
        }
    )
    assert (found.queue_tokens, found.api_keys, found.request_log) == (5, ("a" * 16, "b" * 16), True)
    assert found.deadline_seconds == 60
    assert found.trusted_proxies == ("192.0.2.1", "198.51.100.0/24")
    with pytest.raises(SettingsError, match=r"STANCE_TRUSTED_PROXIES: .* IPv4 or IPv6 network"):
        Settings.from_environment({"STANCE_TRUSTED_PROXIES": "*"})


def test_every_fault_is_told_at_once_and_no_key_with_it() -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment(
            {"STANCE_QUEUE_TOKEN": "5", "STANCE_THREADS": "none", "STANCE_DEVICE": "", "STANCE_API_KEYS": "secret"}
        )
    assert str(error.value).splitlines() == [
        "STANCE_QUEUE_TOKEN is no setting; did you mean STANCE_QUEUE_TOKENS?",
        "STANCE_DEVICE is empty; leave it out instead",
        "STANCE_THREADS: Input should be a valid integer, unable to parse string as an integer",
        "STANCE_API_KEYS: String should have at least 16 characters",
    ]


@pytest.mark.parametrize("value", ["", " ", ",", " ,\t, "])
def test_a_list_of_nothing_is_a_fault_and_not_taken_for_no_keys(value: str) -> None:
    with pytest.raises(SettingsError, match="STANCE_API_KEYS is empty; leave it out instead"):
        Settings.from_environment({"STANCE_API_KEYS": value})


@pytest.mark.parametrize("content", ["", "# only a comment\n", "short\n"])
def test_a_file_of_keys_must_hold_good_ones(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys").write_text(content)
    with pytest.raises(SettingsError, match="write one key of 16 or more a line"):
        read_keys(tmp_path / "keys")
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        read_keys(tmp_path / "nothing")


def test_the_readme_names_every_setting() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"STANCE_{name.upper()}`" not in readme] == []

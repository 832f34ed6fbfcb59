"""How many cores there are, as a container or a unit has it."""

from pathlib import Path

import pytest

from serve.cores import available_cores


@pytest.mark.parametrize(
    ("group", "limits", "cores"),
    [
        ("0::/\n", {}, 8),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "10000 100000\n"}, 1),
        ("0::/desk.slice/stance\n", {"desk.slice/cpu.max": "300000 100000\n", "cpu.max": "max 100000\n"}, 3),
        ("3:cpu,cpuacct:/docker/7\n0::/\n", {"cpu/cpu.cfs_quota_us": "400000", "cpu/cpu.cfs_period_us": "100000"}, 4),
        ("3:cpu,cpuacct:/docker/7\n0::/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ("2:cpuset:/\n", {"cpu.max": "100000 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "nothing of the kind"}, 8),
    ],
)
def test_cores_are_those_whose_time_is_allowed(
    group: str, limits: dict[str, str], cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr("serve.cores._GROUP", tmp_path / "group")
    monkeypatch.setattr("serve.cores._GROUPS", tmp_path / "groups")
    (tmp_path / "group").write_text(group)
    for name, content in limits.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(content)
    assert available_cores() == cores


def test_cores_are_counted_where_there_are_no_control_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve.cores._GROUP", tmp_path / "nothing")
    assert available_cores() >= 1

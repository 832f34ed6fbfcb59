from pathlib import Path

from labels import manifest


def test_the_manifest_tells_changed_missing_and_new_files(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    for name in ("a", "b"):
        (tmp_path / "corpus" / f"{name}.jsonl").write_text(name)
    assert [str(fault) for fault in manifest.faults(tmp_path)] == [
        "SHA256SUMS: cannot be read: No such file or directory; write it with `python -m labels manifest`"
    ]
    written = manifest.write(tmp_path)
    # Of the letters a and b, by sha256sum.
    assert written.read_text() == (
        "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  corpus/a.jsonl\n"
        "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d  corpus/b.jsonl\n"
    )
    assert manifest.faults(tmp_path) == []
    (tmp_path / "corpus" / "a.jsonl").write_text("other")
    (tmp_path / "corpus" / "b.jsonl").unlink()
    (tmp_path / "corpus" / "c.jsonl").write_text("c")
    assert [str(fault).split(" is not")[0] for fault in manifest.faults(tmp_path)] == [
        "SHA256SUMS: corpus/a.jsonl",
        "SHA256SUMS: corpus/b.jsonl",
        "SHA256SUMS: corpus/c.jsonl",
    ]

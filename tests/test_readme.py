"""What the README says, held against the project."""

import json
import re

from labels.scheme import STANCES
from serve.messages import TagRequest
from serve.records import TagRecord
from tests.conftest import ROOT

#: How an apostrophe is written within single quotes in a shell.
SHELL_APOSTROPHE = "'\\''"

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", "\n".join(blocks("sh"))))
    assert {"train", "test", "serve"} <= named <= targets


def test_every_file_that_is_named_exists() -> None:
    named = set(re.findall(r"\b((?:labels|serve|train|configs|tests)/[\w./-]*[\w/])", README))
    assert len(named) > 20
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_the_file_tree_names_every_module() -> None:
    modules = {
        str(path.relative_to(ROOT))
        for package in ("labels", "serve", "train")
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py"
    }
    assert sorted(module for module in modules if module not in README) == []


def test_the_example_request_is_valid_and_the_answer_has_todays_shape() -> None:
    (request,) = re.findall(r"--data '(\{.*\})'", README)
    sentences = TagRequest.model_validate_json(request.replace(SHELL_APOSTROPHE, "'")).sentences
    answers = [json.loads(block) for block in blocks("json")]
    (answer,) = [found for found in answers if "tags" in found]
    records = [TagRecord.model_validate(tag) for tag in answer["tags"]]
    assert len(records) == len(sentences)
    for sentence, record in zip(sentences, records, strict=True):
        assert set(record.scores) == set(STANCES)
        for role in (record.source, record.target, record.issue):
            assert role is None or sentence[role.start : role.end] == role.text


def test_the_configuration_keys_that_are_named_exist() -> None:
    from train.config import Config

    for section, key in re.findall(r"\b([a-z]+)\.([a-z_]+)=", "\n".join(blocks("sh"))):
        assert key in Config.model_fields[section].annotation.model_fields  # type: ignore[union-attr]

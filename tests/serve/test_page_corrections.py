"""Corrections made in a real browser, to the review file and into the corpus."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from labels.exchange import import_answers
from labels.review import Review, digest
from serve.tagger import Tagger
from tests.serve.conftest import OpenPage, tag
from tests.serve.page_article import article
from tests.serve.test_service import real_server

pytestmark = pytest.mark.slow

TEXT, ANSWER = article()


def read(file: Path) -> list[Review]:
    return [Review.model_validate_json(line) for line in file.read_text(encoding="utf-8").splitlines()]


def spans(review: Review) -> dict[str, str]:
    return {span.role: review.text[span.start : span.end] for span in review.roles}


def draw(page: Page, first: str, last: str) -> None:
    """Draw with the mouse from the word `first` to the word `last`."""
    for word, press in ((first, page.mouse.down), (last, page.mouse.up)):
        box = page.locator("#correction .word", has_text=word).first.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
        press()


def test_words_drawn_with_the_mouse_reach_the_review_file_and_the_corpus(
    open_page: OpenPage, reviews: Path, tmp_path: Path
) -> None:
    page = open_page()
    tag(page)
    # The headline begins with an emoji, which is two of the browser's units and one character.
    page.click("[data-index='0'] .role-target")
    dialog = page.locator("#correction")
    expect(dialog.locator("[name=label]:checked")).to_have_value("accuses")
    dialog.locator("[name=label][value=denies]").check()
    dialog.locator("[name=role][value=issue]").check()
    draw(page, "before", "collapse")
    dialog.get_by_label("Clear the target").click()
    dialog.get_by_label("Your name (optional)").fill("Ada")
    dialog.get_by_role("button", name="Save the correction").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("[data-index='0']")).to_be_focused()
    expect(page.locator("[data-index='0'] .badge")).to_contain_text("denies corrected")
    expect(page.locator("#live")).to_have_text("The correction is saved.")
    (review,) = read(reviews)
    was = ANSWER.sentences[0]
    assert (review.text, review.label, review.reviewer) == (was.text, "denies", "Ada")
    assert spans(review) == {"source": "Dockers", "issue": "before pier collapse"}
    assert (review.was.label, review.was.scores) == ("accuses", was.scores)
    assert review.was.target is not None
    assert review.was.target.text == "Norvex"
    assert review.model.model_dump() == was.model.model_dump()
    imported = import_answers("review", reviews, tmp_path / "mine.jsonl")
    assert [(found.id, found.label) for found in imported.sentences] == [
        (f"review-{digest(was.text)[:16]}", "denies"),
    ]


def test_the_pairs_follow_a_correction(open_page: OpenPage, reviews: Path) -> None:
    page = open_page()
    tag(page)
    before = page.locator(".edge").count()
    page.click("[data-index='2'] .role-source")
    page.locator("#correction [value=neutral]").check()
    expect(page.get_by_label("First word of the source")).to_be_disabled()
    page.get_by_role("button", name="Save the correction").click()
    expect(
        page.get_by_role("button", name="Show 1 sentence: The dockers' union accuses Norvex Shipping")
    ).to_be_visible()
    assert page.locator(".edge").count() == before
    assert page.locator("[data-index='2'] .role").count() == 0
    assert page.locator("#filters .number").all_inner_texts() == ["5", "4", "3", "7", "2"]
    (review,) = read(reviews)
    assert (review.label, review.roles) == ("neutral", ())


def test_a_service_that_keeps_none_lets_them_be_downloaded(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    tag(page)
    page.click("[data-index='1']")
    dialog = page.locator("#correction")
    expect(dialog).to_contain_text("This service keeps no corrections")
    dialog.locator("[value=accuses]").check()
    dialog.get_by_role("button", name="Save the correction").click()
    expect(dialog.locator(".problem")).to_have_text("A sentence that accuses needs at least one role. Mark its words.")
    dialog.get_by_label("First word of the target").select_option("1 The")
    dialog.get_by_label("Last word of the target").select_option("2 inquiry")
    dialog.get_by_role("button", name="Save the correction").click()
    # They outlast the article that they were made in.
    page.get_by_role("button", name="Another article").click()
    tag(page)
    page.click("[data-index='13']")
    dialog.get_by_role("button", name="Save the correction").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download 2 corrections").click()
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    review, _ = read(file)
    assert (review.label, spans(review)) == ("accuses", {"target": "The inquiry"})
    imported = import_answers("review", file, tmp_path / "mine.jsonl")
    assert [found.label for found in imported.sentences] == ["accuses", "neutral"]


def test_a_correction_that_is_refused_stays_in_the_dialog(open_page: OpenPage, reviews: Path) -> None:
    page = open_page()
    tag(page)
    page.click("[data-index='2'] .role-source")
    error = {
        "error": {"code": "invalid", "message": "1 fields are not valid", "fields": [{"path": "", "message": "no"}]}
    }
    page.route("**/ui/reviews", lambda route: route.fulfill(status=422, json=error))
    page.get_by_role("button", name="Save the correction").click()
    expect(page.locator("#correction .problem")).to_contain_text("Not saved.")
    page.unroute("**/ui/reviews")
    page.get_by_role("button", name="Save the correction").click()
    expect(page.locator("#correction")).to_be_hidden()
    assert len(read(reviews)) == 1


def test_everything_can_be_done_by_keyboard_alone(open_page: OpenPage, reviews: Path) -> None:
    page = open_page()
    press = page.keyboard.press
    press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    press("Enter")
    press("Tab")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.insert_text(TEXT)
    press("Tab")
    press("Enter")
    expect(page.locator("#result-title")).to_be_focused()
    for _ in range(30):
        press("Tab")
        if page.evaluate("document.activeElement.matches('#article .sentence')"):
            break
    press("ArrowDown")
    press("ArrowDown")
    press("Enter")
    dialog = page.locator("#correction")
    expect(dialog.locator("[name=label][value=accuses]")).to_be_focused()
    press("ArrowDown")
    expect(dialog.locator("[name=label][value=denies]")).to_be_checked()
    for _ in range(8):
        press("Tab")
        if page.evaluate("document.activeElement.ariaLabel") == "First word of the target":
            break
    # The list of words jumps to what is typed: their numbers.
    page.keyboard.type("6 ")
    for _ in range(12):
        press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Save the correction":
            break
    press("Enter")
    expect(page.locator("[data-index='2']")).to_be_focused()
    (review,) = read(reviews)
    assert (review.label, spans(review)["target"]) == ("denies", "Norvex Shipping")
    press("Tab")
    expect(page.locator(".edge[tabindex='0']")).to_be_focused()
    press("ArrowDown")
    press("Enter")
    expect(page.locator("#shown-pair")).to_be_visible()
    press("Escape")
    press("Escape")
    expect(page.locator("#shown-pair")).to_be_hidden()


def test_the_real_service_serves_the_page_and_keeps_a_correction(
    open_page: OpenPage, model_folder: Path, tagger: Tagger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "reviews.jsonl"
    monkeypatch.setenv("STANCE_REVIEWS", str(file))
    with real_server(tmp_path / "home", tmp_path / "server.log", STANCE_MODEL=str(model_folder)) as client:
        page = open_page(str(client.base_url).rstrip("/"))
        tag(page, "The dockers' union accused Norvex.")
        (answer,) = tagger.predict(["The dockers' union accused Norvex."])
        page.click("[data-index='0']")
        page.locator("#correction [value=neutral]").check()
        page.get_by_role("button", name="Save the correction").click()
        expect(page.locator("#correction")).to_be_hidden()
    (review,) = read(file)
    assert (review.was.label, review.label) == (answer.label, "neutral")
    assert json.loads(file.read_text(encoding="utf-8"))["sha256"] == digest("The dockers' union accused Norvex.")

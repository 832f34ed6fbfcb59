"""Saves of corrections in a real browser whose answers are late, or never come."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.serve.conftest import OpenPage, tag
from tests.serve.test_page import drop
from tests.serve.test_page_corrections import read, spans

pytestmark = pytest.mark.slow


def centre(found: Locator) -> tuple[float, float]:
    box = found.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def save_slowly(page: Page) -> list[Route]:
    """Correct the third sentence to `denies` without an issue and save it; the answers to saves are held back."""
    held: list[Route] = []
    page.route("**/ui/reviews", lambda route: held.append(route))
    page.click("[data-index='2'] .role-source")
    page.locator("#correction [name=label][value=denies]").check()
    page.get_by_label("Clear the issue").click()
    with page.expect_request("**/ui/reviews"):
        page.get_by_role("button", name="Save the correction").click()
    return held


def test_a_dialog_stays_until_its_save_is_answered(open_page: OpenPage, reviews: Path) -> None:
    page = open_page()
    tag(page)
    held = save_slowly(page)
    dialog = page.locator("#correction")
    waiting = dialog.get_by_role("status")
    page.evaluate("""() => { window.closings = 0;
        document.querySelector("#correction").addEventListener("close", () => { window.closings += 1; }); }""")
    page.keyboard.press("Escape")
    page.wait_for_timeout(50)
    expect(dialog).to_be_visible()
    assert page.evaluate("window.closings") == 0
    # The browser lets a page bar the first of several Escapes alone.
    for _ in range(2):
        page.keyboard.press("Escape")
        page.wait_for_timeout(50)
        expect(dialog).to_be_visible()
        expect(waiting).to_be_focused()
    expect(waiting).to_have_text("Saving …")
    for name in ("Cancel", "Close", "Save the correction"):
        page.mouse.click(*centre(dialog.locator(f"button:text-is('{name}'), [aria-label='{name}']")))
    page.mouse.click(2, 2)
    page.keyboard.press("Enter")
    expect(dialog.locator("h2")).to_have_text("Correct sentence 3")
    expect(waiting).to_be_visible()
    assert len(held) == 1
    held[0].continue_()
    expect(dialog).to_be_hidden()
    expect(page.locator("[data-index='2']")).to_be_focused()
    expect(page.locator("#article .corrected")).to_have_count(1)
    expect(page.locator("[data-index='2'] .badge")).to_contain_text("denies corrected")
    (review,) = read(reviews)
    assert (review.label, set(spans(review))) == ("denies", {"source", "target"})
    page.click("[data-index='4'] .role-source")
    expect(dialog.locator("h2")).to_have_text("Correct sentence 5")
    expect(waiting).to_be_empty()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_save_that_fails_late_is_told_in_its_own_dialog(open_page: OpenPage, reviews: Path) -> None:
    page = open_page()
    tag(page)
    held = save_slowly(page)
    dialog = page.locator("#correction")
    for _ in range(3):
        page.keyboard.press("Escape")
    error = {"error": {"code": "not_kept", "message": "the file is full", "fields": []}}
    held[0].fulfill(status=503, json=error)
    expect(dialog.locator("h2")).to_have_text("Correct sentence 3")
    expect(dialog.get_by_role("alert")).to_contain_text("Not saved.")
    expect(dialog.get_by_role("alert")).to_contain_text("the file is full")
    expect(dialog.get_by_role("status")).to_be_empty()
    expect(dialog.get_by_role("button", name="Save the correction")).to_be_focused()
    expect(dialog.locator("[name=label]:checked")).to_have_value("denies")
    expect(dialog.get_by_label("First word of the issue")).to_have_value("")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#article .corrected")).to_have_count(0)
    assert not reviews.exists()


def test_a_save_without_an_answer_is_given_up(open_page: OpenPage, reviews: Path) -> None:
    page = open_page()
    tag(page)
    page.clock.install()
    held = save_slowly(page)
    dialog = page.locator("#correction")
    # The clock also runs by itself.
    page.clock.fast_forward(10_000)
    expect(dialog.get_by_role("status")).to_have_text("Saving …")
    with page.expect_event("requestfailed"):
        page.clock.fast_forward(10_000)
    expect(dialog.get_by_role("alert")).to_contain_text("Not saved. The service has not answered within 20 seconds.")
    assert len(held) == 1
    page.unroute("**/ui/reviews")
    dialog.get_by_role("button", name="Save the correction").click()
    expect(dialog).to_be_hidden()
    assert len(read(reviews)) == 1


def test_a_file_that_is_dropped_on_a_dialog_leaves_the_article_behind_it(open_page: OpenPage) -> None:
    page = open_page()
    tag(page)
    before = page.locator("#article").inner_text()
    page.click("[data-index='2'] .role-source")
    drop(page, "other.txt", "It rained.", "text/plain")
    page.wait_for_timeout(200)
    expect(page.locator("#correction h2")).to_have_text("Correct sentence 3")
    page.keyboard.press("Escape")
    expect(page.locator("#result")).to_be_visible()
    assert page.locator("#article").inner_text() == before
    drop(page, "other.txt", "It rained.", "text/plain")
    expect(page.locator("#text")).to_have_value("It rained.")

"""The page in a real browser: keys that cannot be sent, and a browser that keeps nothing for the page."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.serve.conftest import OpenPage, tag

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("key", ["clé", "s3cret\u200b", "пароль", "s3\u0007cret"])
def test_a_key_that_cannot_be_sent_is_refused_where_it_is_typed(open_page: OpenPage, key: str) -> None:
    page = open_page()
    page.click("#key-button")
    field = page.get_by_label("Key", exact=True)
    field.fill(key)
    page.keyboard.press("Enter")
    expect(page.locator("#key")).to_be_visible()
    expect(page.locator("#key [role=alert]")).to_contain_text("A key has only printable ASCII characters")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("printable ASCII"))
    assert page.evaluate("sessionStorage.length") == 0
    field.fill("s3cret ~!")
    expect(page.locator("#key [role=alert]")).to_be_empty()
    expect(field).to_have_attribute("aria-invalid", "false")
    page.keyboard.press("Enter")
    expect(page.locator("#key")).to_be_hidden()
    with page.expect_request("**/tag_article") as asked:
        tag(page)
    assert asked.value.headers["authorization"] == "Bearer s3cret ~!"


def test_a_key_that_is_not_used_is_not_left_in_the_dialog(open_page: OpenPage) -> None:
    page = open_page()
    field = page.get_by_label("Key", exact=True)
    page.click("#key-button")
    field.fill("clé")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#key")).to_be_hidden()
    page.click("#key-button")
    expect(field).to_have_value("")
    expect(field).to_have_attribute("aria-invalid", "false")
    expect(page.locator("#key [role=alert]")).to_be_empty()


#: Storage that is barred, and storage that is there but takes nothing.
NO_STORAGE = {
    "barred": """for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, {
        get() { throw new DOMException("Access is denied for this document.", "SecurityError"); } });""",
    "full": """Storage.prototype.setItem = () => { throw new DOMException("No room.", "QuotaExceededError"); };""",
    "missing": """for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, { value: null });""",
}


@pytest.mark.parametrize("storage", NO_STORAGE)
def test_all_but_remembering_works_without_storage(open_page: OpenPage, reviews: Path, storage: str) -> None:
    page = open_page()
    page.context.add_init_script(NO_STORAGE[storage])
    page.reload()
    page.click("#theme-button")
    page.click("#theme-button")
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.click("#key-button")
    page.get_by_label("Key", exact=True).fill("s3cret")
    page.keyboard.press("Enter")
    expect(page.locator("#key-button")).to_have_text("API key: set")
    with page.expect_request("**/tag_article") as asked:
        tag(page)
    assert asked.value.headers["authorization"] == "Bearer s3cret"
    page.click("[data-index='2'] .role-source")
    name = page.get_by_label("Your name (optional)")
    name.fill("Ada")
    page.get_by_role("button", name="Save the correction").click()
    expect(page.locator("[data-index='2'] .badge")).to_contain_text("corrected")
    assert '"reviewer":"Ada"' in reviews.read_text(encoding="utf-8")
    page.click("[data-index='4'] .role-source")
    expect(name).to_have_value("Ada")
    page.keyboard.press("Escape")
    page.click("#key-button")
    page.get_by_role("button", name="Forget").click()
    expect(page.locator("#key-button")).to_have_text("API key")
    page.reload()
    expect(page.get_by_role("button", name="Theme: system")).to_be_visible()


def test_a_key_can_be_entered_in_the_middle_of_a_correction(open_page: OpenPage, reviews: Path) -> None:
    page = open_page()
    tag(page)
    sent = []

    def guard(route: Route) -> None:
        sent.append(route.request.headers.get("authorization"))
        if sent[-1] is None:
            route.fulfill(status=401, json={"error": {"code": "unauthorized", "message": "no key", "fields": []}})
        else:
            route.continue_()

    page.route("**/ui/reviews", guard)
    page.click("[data-index='2'] .role-source")
    dialog = page.locator("#correction")
    page.get_by_label("Your name (optional)").fill("Ada")
    dialog.get_by_role("button", name="Save the correction").click()
    dialog.get_by_role("button", name="Enter a key").click()
    page.get_by_label("Key", exact=True).fill("s3cret")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your name (optional)")).to_have_value("Ada")
    dialog.get_by_role("button", name="Save the correction").click()
    expect(dialog).to_be_hidden()
    assert sent == [None, "Bearer s3cret"]
    assert '"reviewer":"Ada"' in reviews.read_text(encoding="utf-8")


def test_what_is_announced_in_a_dialog_is_in_it(open_page: OpenPage) -> None:
    page = open_page()
    tag(page)
    page.click("[data-index='2'] .role-source")
    source, target = (page.get_by_label(f"First word of the {role}") for role in ("source", "target"))
    target.select_option(source.input_value())
    expect(page.locator("#correction #live")).to_have_text("The source overlapped and was cleared.")
    page.keyboard.press("Escape")
    page.click("[data-index='2'] .role-target")
    expect(page.locator("#correction h2")).to_have_text("Correct sentence 3")
    page.keyboard.press("Escape")
    page.click("#key-button")
    page.get_by_label("Key", exact=True).fill("s3cret")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text("The key is set.")
    expect(page.locator("dialog #live")).to_have_count(0)

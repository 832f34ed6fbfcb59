"""The page in a real browser: waiting, failing, keys, themes, and what an accessibility checker says."""

import json
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from serve.messages import MAX_ARTICLE_CHARACTERS
from tests.serve.conftest import OpenPage, refuse, tag
from tests.serve.page_article import article

pytestmark = pytest.mark.slow

TEXT, ANSWER = article()


@pytest.mark.parametrize(
    ("status", "sentence", "retry"),
    [
        (413, "The article is too large for the service.", False),
        (422, "The service cannot take this text.", False),
        (429, "The service has too much to do", True),
        (500, "The service failed on this request.", True),
        (503, "The service is not ready", True),
        (504, "The article took longer than the service allows.", True),
    ],
)
def test_a_refusal_is_a_sentence_and_keeps_the_text(
    open_page: OpenPage, status: int, sentence: str, retry: bool
) -> None:
    page = open_page()
    refuse(page, status, "what the service said")
    page.fill("#text", TEXT)
    page.click("#submit")
    failure = page.get_by_role("alert")
    expect(failure).to_contain_text(sentence)
    expect(failure).to_contain_text("what the service said")
    expect(failure).to_be_focused()
    expect(page.locator("#text")).to_have_value(TEXT)
    again = failure.get_by_role("button", name="Try again")
    assert again.count() == (1 if retry else 0)
    if retry:
        page.unroute("**/tag_article")
        again.click()
        expect(page.locator("#article .sentence")).to_have_count(len(ANSWER.sentences))
        expect(failure).to_be_hidden()


def test_a_retry_waits_as_long_as_the_service_asks(open_page: OpenPage) -> None:
    page = open_page()
    refuse(page, 429, **{"Retry-After": "2"})
    page.fill("#text", TEXT)
    page.click("#submit")
    again = page.locator("#failure button").first
    expect(again).to_have_text("Try again in 2 seconds")
    expect(again).to_be_disabled()
    expect(again).to_be_enabled(timeout=5000)
    expect(again).to_have_text("Try again")


def test_a_network_that_is_down_is_told_and_tried_again(open_page: OpenPage) -> None:
    page = open_page()
    page.fill("#text", TEXT)
    page.context.set_offline(True)
    page.click("#submit")
    expect(page.get_by_role("alert")).to_contain_text("The service cannot be reached.")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#result")).to_be_visible()


def test_a_long_wait_shows_progress_and_can_be_cancelled(open_page: OpenPage) -> None:
    page = open_page()
    held: list[Route] = []
    page.route("**/tag_article", lambda route: held.append(route))
    page.fill("#text", TEXT)
    with page.expect_event("requestfailed") as failed:
        page.click("#submit")
        expect(page.locator("#busy")).to_contain_text("Tagging about 11 sentences, 1 s")
        expect(page.locator("#busy progress")).to_be_visible()
        expect(page.locator("#cancel")).to_be_focused()
        expect(page.locator("#submit")).to_be_disabled()
        page.click("#cancel")
    assert failed.value.url.endswith("/tag_article")
    expect(page.locator("#busy")).to_be_hidden()
    expect(page.locator("#submit")).to_be_focused()
    expect(page.locator("#text")).to_have_value(TEXT)
    expect(page.locator("#live")).to_have_text("Cancelled.")
    assert len(held) == 1


def test_a_key_is_sent_and_lives_as_long_as_the_tab(open_page: OpenPage) -> None:
    page = open_page()
    sent: list[str | None] = []

    def guard(route: Route) -> None:
        sent.append(route.request.headers.get("authorization"))
        if sent[-1] == "Bearer s3cret":
            route.continue_()
        else:
            route.fulfill(status=401, json={"error": {"code": "unauthorized", "message": "no key", "fields": []}})

    page.route("**/tag_article", guard)
    page.fill("#text", TEXT)
    page.click("#submit")
    page.get_by_role("button", name="Enter a key").click()
    page.get_by_label("Key", exact=True).fill("s3cret")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#result")).to_be_visible()
    assert sent == [None, "Bearer s3cret"]
    stored = page.evaluate("JSON.stringify([{ ...localStorage }, document.cookie, { ...sessionStorage }])")
    assert json.loads(stored) == [{}, "", {"stance-key": "s3cret"}]
    page.click("#key-button")
    page.get_by_role("button", name="Forget").click()
    assert page.evaluate("sessionStorage.length") == 0


def test_the_theme_is_chosen_and_remembered(open_page: OpenPage) -> None:
    page = open_page()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme-button")
    page.click("#theme-button")
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    dark = page.evaluate(ground)
    page.reload()
    assert page.evaluate(ground) == dark != light
    page.click("#theme-button")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) == dark


def nothing(page: Page) -> None:
    expect(page.locator("#empty")).to_be_visible()


def failed(page: Page) -> None:
    refuse(page, 429, **{"Retry-After": "60"})
    page.fill("#text", TEXT)
    page.click("#submit")
    page.wait_for_selector("#failure button")


def waiting(page: Page) -> None:
    page.route("**/tag_article", lambda route: None)
    page.fill("#text", TEXT)
    page.click("#submit")


def tagged(page: Page) -> None:
    tag(page)
    page.keyboard.press("Tab")
    page.focus("[data-index='2']")
    page.wait_for_selector("#tooltip:not([hidden])")


def chosen(page: Page) -> None:
    tag(page)
    page.locator("#pairs-table button.show").first.click()
    page.fill("#minimum", "90")


def correcting(page: Page) -> None:
    tag(page)
    page.click("[data-index='2'] .role-source")
    page.click("#correction summary")


def saving(page: Page) -> None:
    settings = {"reviews": True, "max_article_characters": MAX_ARTICLE_CHARACTERS}
    page.route("**/ui/settings.json", lambda route: route.fulfill(json=settings))
    page.route("**/ui/reviews", lambda route: None)
    page.reload()
    tag(page)
    page.click("[data-index='2'] .role-source")
    page.click("#correction button[type=submit]")
    expect(page.get_by_text("Saving …")).to_be_focused()


def keyed(page: Page) -> None:
    page.click("#key-button")


def misspelt(page: Page) -> None:
    page.click("#key-button")
    page.fill("#key-field", "clé")
    page.keyboard.press("Enter")


STATES: list[Callable[[Page], None]] = [
    *(nothing, failed, waiting, tagged, chosen, correcting, saving, keyed, misspelt),
]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360)])
def test_no_serious_fault_of_accessibility_and_nothing_too_wide(open_page: OpenPage, scheme: str, width: int) -> None:
    faults: list[str] = []
    for state in STATES:
        page = open_page(color_scheme=scheme, viewport={"width": width, "height": 800}, reduced_motion="reduce")
        state(page)
        for fault in Axe().run(page).response["violations"]:
            if fault["impact"] in {"serious", "critical"}:
                places = [node["target"] for node in fault["nodes"]]
                faults.append(f"{state.__name__}: {fault['id']} at {places}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            faults.append(f"{state.__name__}: {wide} pixels wide")
    assert faults == []

"""The page in a real browser: an article goes in, and is read."""

import csv
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from serve.messages import MAX_ARTICLE_CHARACTERS
from tests.serve.conftest import OpenPage, tag
from tests.serve.page_article import article

pytestmark = pytest.mark.slow

TEXT, ANSWER = article()


def indices(page: Page, selector: str) -> list[int]:
    return [int(str(found.get_attribute("data-index"))) for found in page.locator(f"#article {selector}").all()]


def drop(page: Page, name: str, content: str | bytes, media_type: str) -> None:
    content = content.encode() if isinstance(content, str) else content
    transfer = page.evaluate_handle(
        """([name, bytes, type]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
            return transfer;
        }""",
        [name, list(content), media_type],
    )
    page.dispatch_event("#text", "drop", {"dataTransfer": transfer})


def test_a_pasted_article_is_shown_as_it_is_with_its_acts_and_roles(open_page: OpenPage) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", TEXT)
    page.focus("#text")
    page.keyboard.press("Control+V")
    expect(page.locator("#count")).to_have_text(f"{len(TEXT):,} of 100,000 characters")
    page.click("#submit")
    expect(page.locator("#result-title")).to_be_focused()
    assert page.locator("#article p").count() == TEXT.count("\n\n") + 1
    for number, sentence in enumerate(ANSWER.sentences):
        element = page.locator(f"[data-index='{number}']")
        badge = "unsure" if sentence.abstained else "" if sentence.label == "neutral" else sentence.label
        expect(element).to_have_class(re.compile(r"\bunsure\b" if badge == "unsure" else rf"\bact-{sentence.label}\b"))
        assert element.inner_text().endswith(sentence.text)
        assert element.locator(".badge").all_inner_texts() == ([] if not badge else [page_sign(badge) + badge])
        for role in ("source", "target", "issue"):
            filler = getattr(sentence, role)
            assert element.locator(f".role-{role}").all_inner_texts() == ([] if filler is None else [filler.text])
    expect(page.locator("#result-title")).to_have_text("13 acts in 21 sentences")
    assert page.title().startswith("Stance tagger")


def page_sign(badge: str) -> str:
    return {"accuses": "!", "denies": "×", "defends": "+", "unsure": "?"}[badge] + "\n"


def test_a_dropped_page_gives_its_text_and_neither_runs_nor_loads(open_page: OpenPage) -> None:
    # The browser says of a document that is parsed, although it is never shown, what the policy would not let it do.
    page = open_page(tolerated=("Applying inline style violates", "Executing inline event handler violates"))
    html = """<html><head><title>T</title><script>window.ran = 1</script></head><body><nav>Menu</nav>
      <article><h1>Dockers  accuse Norvex</h1><p>It <b>denied</b>
      that.</p><script>window.ran = 1</script><img src="https://other.example/x.png" onerror="window.ran = 1">
      <style>p { color: red }</style><ul><li>One &amp; two</li></ul>Last<br>words</article></body></html>"""
    drop(page, "a.html", html, "text/html")
    expect(page.locator("#text")).to_have_value(
        "Dockers accuse Norvex\n\nIt denied that.\n\nOne & two\n\nLast\n\nwords"
    )
    assert page.evaluate("window.ran") is None


def test_files_are_opened_or_refused_with_a_sentence(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    (tmp_path / "a.txt").write_text("The mayor denied it.\r\nShe left.", encoding="utf-8", newline="")
    page.set_input_files("#file", tmp_path / "a.txt")
    expect(page.locator("#text")).to_have_value("The mayor denied it.\nShe left.")
    drop(page, "a.pdf", "x", "application/pdf")
    expect(page.locator("#failure")).to_contain_text("a.pdf is neither .txt nor .html")
    drop(page, "a.txt", b"caf\xe9", "text/plain")
    expect(page.locator("#failure")).to_contain_text("a.txt is not in UTF-8")
    expect(page.locator("#text")).to_have_value("The mayor denied it.\nShe left.")


def test_nothing_and_too_much_are_refused_before_they_are_sent(open_page: OpenPage) -> None:
    page = open_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.click("#submit")
    expect(page.locator("#failure")).to_contain_text("There is no text yet.")
    # Two UTF-16 units each, but one character for the service.
    page.fill("#text", "🧵" * MAX_ARTICLE_CHARACTERS + "a")
    page.click("#submit")
    expect(page.locator("#failure")).to_contain_text("The article has 100,001 characters, and at most 100,000")
    expect(page.locator("#failure")).to_be_focused()
    assert [url for url in sent if "tag_article" in url] == []


def test_the_example_is_one_click_away(open_page: OpenPage) -> None:
    page = open_page()
    page.click("#example")
    expect(page.locator("#article .headline")).to_contain_text("Harbour inquiry opens")
    assert page.locator("#article .sentence").count() > 12


def test_probabilities_are_told_to_the_pointer_and_to_the_keyboard(open_page: OpenPage) -> None:
    page = open_page()
    tag(page)
    tooltip = page.locator("#tooltip")
    page.hover("[data-index='2'] .role-source")
    expect(tooltip).to_be_visible()
    assert tooltip.locator(".score .value").all_text_contents() == ["98 %. ", "< 1 %. ", "< 1 %. ", "< 1 %. "]
    expect(tooltip).to_contain_text("source: The dockers' union")
    page.mouse.move(2, 2)
    expect(tooltip).to_be_hidden()
    page.keyboard.press("Tab")
    page.focus("[data-index='0']")
    for _ in range(12):
        page.keyboard.press("ArrowDown")
    unsure = page.locator("[data-index='12']")
    expect(unsure).to_be_focused()
    expect(unsure).to_have_attribute("aria-describedby", "tooltip")
    expect(tooltip).to_contain_text("Not sure enough to say; most likely accuses.")
    page.keyboard.press("Escape")
    expect(tooltip).to_be_hidden()
    expect(unsure).to_be_focused()


def test_filters_fade_sentences_and_reduce_the_pairs(open_page: OpenPage) -> None:
    page = open_page()
    tag(page)
    assert page.locator("#filters .number").all_inner_texts() == ["6", "4", "3", "6", "2"]
    assert page.locator(".edge").count() == len(ANSWER.pairs)
    page.uncheck("#filters [value=accuses]")
    left_out = indices(page, ".left-out")
    assert left_out == [n for n, s in enumerate(ANSWER.sentences) if s.label == "accuses" and not s.abstained]
    assert page.locator(".edge.act-accuses").count() == 0
    page.fill("#minimum", "95")
    shown = indices(page, ".sentence:not(.left-out)")
    assert shown == [n for n, s in enumerate(ANSWER.sentences) if s.label != "accuses" and s.score >= 0.95]
    expect(page.locator("#live")).to_have_text(f"{len(shown)} sentences of 21 match the filters.")
    assert page.locator("#pairs-table tbody tr").count() == 3


def test_a_pair_shows_its_sentences_from_the_graph_and_from_the_table(open_page: OpenPage) -> None:
    page = open_page()
    tag(page)
    first = ANSWER.pairs[0]
    assert len(first.sentences) == 2
    edge = page.get_by_role("button", name="The dockers' union accuses Norvex Shipping, 2 sentences")
    edge.locator("circle").click()
    assert indices(page, ".highlighted") == first.sentences
    expect(page.locator(f"[data-index='{first.sentences[0]}']")).to_be_focused()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.locator(f"[data-index='{first.sentences[1]}']")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert indices(page, ".highlighted") == []
    row = page.get_by_role("button", name="Show 1 sentence: Karel Munro defends the mayor")
    row.focus()
    page.keyboard.press("Enter")
    assert indices(page, ".highlighted") == [7]
    expect(row).to_have_attribute("aria-pressed", "true")


def test_the_table_is_sorted_by_each_column_both_ways(open_page: OpenPage) -> None:
    page = open_page()
    tag(page)
    for name, column in (("Source", 1), ("Act", 2), ("Target", 3)):
        for order in ("ascending", "descending"):
            page.click(f"#pairs-table th:nth-child({column}) button")
            expect(page.locator(f"#pairs-table th:nth-child({column})")).to_have_attribute("aria-sort", order)
            cells = page.locator(f"#pairs-table td:nth-child({column})").all_inner_texts()
            values = ["" if cell == "not named" else cell.casefold() for cell in cells]
            assert values == sorted(values, reverse=order == "descending"), name


def test_downloads_hold_what_is_shown(open_page: OpenPage) -> None:
    page = open_page()
    tag(page)

    def downloaded(button: str) -> str:
        with page.expect_download() as waiting:
            page.click(button)
        return Path(waiting.value.path()).read_text(encoding="utf-8")

    found: dict[str, Any] = json.loads(downloaded("#download-json"))
    assert found["text"] == TEXT
    expected = json.loads(ANSWER.model_dump_json())
    assert [{**s, "correction": None} for s in expected["sentences"]] == found["sentences"]
    assert found["pairs"] == expected["pairs"]
    table = downloaded("#download-csv")
    assert table.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(table[1:])))
    assert [row["text"] for row in rows] == [sentence.text for sentence in ANSWER.sentences]
    assert (rows[2]["label"], rows[2]["source"], rows[2]["accuses"]) == ("accuses", "The dockers' union", "0.982")


def test_a_spreadsheet_takes_no_text_for_a_formula(open_page: OpenPage) -> None:
    page = open_page()
    tag(page, '=HYPERLINK("x") said the "mayor", and left.')
    with page.expect_download() as waiting:
        page.click("#download-csv")
    rows = csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text(encoding="utf-8-sig")))
    assert [row["text"][:2] for row in rows] == ["'="]


def test_the_digest_is_sha256(open_page: OpenPage) -> None:
    page = open_page()
    texts = ["", "abc", "é🧵", *("a" * length for length in (55, 56, 63, 64, 65, 1000))]
    found = page.evaluate("async ts => { const m = await import('/ui/sha256.js'); return ts.map(m.sha256); }", texts)
    assert found == [hashlib.sha256(text.encode()).hexdigest() for text in texts]

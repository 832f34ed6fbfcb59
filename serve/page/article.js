// The article as text in its paragraphs, its sentences marked by act and role.

import { SIGNS, current } from "./acts.js";
import { byId, make, rove } from "./elements.js";

const HEADLINE_LENGTH = 120;

/** The sentences with the text before each, in paragraphs, for a line end always ends a sentence. */
function paragraphsOf(text, sentences) {
  const characters = Array.from(text);
  const paragraphs = [];
  let position = 0;
  for (const sentence of sentences) {
    const gap = characters.slice(position, sentence.start).join("");
    if (paragraphs.length === 0 || gap.includes("\n")) paragraphs.push([]);
    paragraphs.at(-1).push({ sentence, gap: paragraphs.at(-1).length === 0 ? "" : gap });
    position = sentence.end;
  }
  return paragraphs;
}

function isHeadline(paragraph) {
  const { text } = paragraph[0].sentence;
  return paragraph.length === 1 && text.length <= HEADLINE_LENGTH && !/[.!?…]["”’')]*$/.test(text);
}

/** The label that stands before the text of a sentence, or null where there is nothing to say. */
export function badgeOf(tag) {
  if (tag.abstained) return make("span", { class: "badge unsure" }, make("b", { "aria-hidden": true }, "?"), "unsure");
  if (tag.label === "neutral" && !tag.corrected) return null;
  const sign = make("b", { "aria-hidden": true }, SIGNS[tag.label]);
  const corrected = tag.corrected && make("i", {}, " corrected");
  return make("span", { class: `badge act-${tag.label}` }, sign, tag.label, corrected);
}

function markedText(sentence, tag) {
  const characters = Array.from(sentence.text);
  const pieces = [];
  let position = 0;
  for (const { role, start, end } of tag.roles.toSorted((a, b) => a.start - b.start)) {
    pieces.push(characters.slice(position, start).join(""));
    pieces.push(make("span", { class: `role role-${role}` }, characters.slice(start, end).join("")));
    position = end;
  }
  pieces.push(characters.slice(position).join(""));
  return pieces;
}

function dress(element, sentence) {
  const tag = current(sentence);
  const kind = tag.abstained ? "unsure" : `act-${tag.label}`;
  element.className = `sentence ${kind}${tag.corrected ? " corrected" : ""}`;
  const badge = badgeOf(tag);
  // Read out, the act comes before the text.
  element.replaceChildren(...(badge ? [badge, " "] : []), ...markedText(sentence, tag));
}

/** Puts an article on the page and keeps it up to date. */
export class ArticleView {
  /** `onChoose(sentence)` is called when a sentence is clicked, or Enter pressed on it. */
  constructor(onChoose) {
    this.root = byId("article");
    this.elements = [];
    this.roving = rove(this.root, ".sentence");
    const chosen = (event) => {
      const element = event.target.closest(".sentence");
      // Text that is being selected is to be copied, not corrected.
      if (element && (event.type !== "click" || window.getSelection().isCollapsed)) {
        event.preventDefault();
        onChoose(this.sentences[Number(element.dataset.index)]);
      }
    };
    this.root.addEventListener("click", chosen);
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") chosen(event);
    });
  }

  show(text, sentences) {
    this.sentences = sentences;
    this.elements = [];
    const paragraphs = paragraphsOf(text, sentences);
    const made = paragraphs.map((paragraph, number) => {
      const block = make("p", { class: number === 0 && isHeadline(paragraph) ? "headline" : null });
      for (const { sentence, gap } of paragraph) {
        const element = make("span", { role: "button", tabindex: -1, "data-index": sentence.index });
        dress(element, sentence);
        this.elements.push(element);
        block.append(gap, element);
      }
      return block;
    });
    this.root.replaceChildren(...made);
    this.roving.reset();
  }

  /** Draw one sentence anew, after it was corrected. */
  redraw(sentence) {
    dress(this.elements[sentence.index], sentence);
  }

  /** The sentence that has the focus, or had it last. */
  position() {
    return Math.max(0, this.elements.findIndex((element) => element.tabIndex === 0));
  }

  focus(index) {
    this.elements[index].focus({ preventScroll: true });
    this.elements[index].scrollIntoView({ block: "center" });
  }

  /** Fade what the filters leave out, and point out the sentences of a pair. */
  emphasise(kept, highlighted) {
    for (const [index, element] of this.elements.entries()) {
      element.classList.toggle("left-out", !kept.has(index));
      element.classList.toggle("highlighted", highlighted !== null && highlighted.has(index));
      element.classList.toggle("faded", highlighted !== null && !highlighted.has(index));
    }
  }
}

// A sentence as words of which some fill a role: marked with the pointer, or chosen from lists.

import { ROLES } from "./acts.js";
import { make } from "./elements.js";

/** The words and signs of `text` with their places `[start, end)` in code points; no cut between two goes through a word. */
export function wordsOf(text) {
  const words = [];
  let units = 0;
  let characters = 0;
  for (const { 0: word, index } of text.matchAll(/[\p{L}\p{N}\p{M}]+|[^\p{L}\p{N}\p{M}\s]/gu)) {
    characters += Array.from(text.slice(units, index)).length;
    const length = Array.from(word).length;
    words.push({ text: word, start: characters, end: characters + length, before: text.slice(units, index) });
    characters += length;
    units = index + word.length;
  }
  return words;
}

/** The marks of a sentence while they are being changed: for each role the first and last word, or nothing. */
export class Marks {
  constructor(text, roles) {
    this.text = text;
    this.words = wordsOf(text);
    this.ranges = new Map();
    for (const { role, start, end } of roles) {
      const first = this.words.findIndex((word) => word.end > start);
      const last = this.words.findLastIndex((word) => word.start < end);
      if (first >= 0 && last >= first) this.ranges.set(role, [first, last]);
    }
  }

  /** Mark the words from one to another, in whichever order; returns the roles that had to give way. */
  mark(role, one, other) {
    const [first, last] = [Math.min(one, other), Math.max(one, other)];
    const yielding = [...this.ranges].filter(([name, [from, to]]) => name !== role && from <= last && first <= to);
    for (const [name] of yielding) this.ranges.delete(name);
    this.ranges.set(role, [first, last]);
    return yielding.map(([name]) => name);
  }

  clear(role) {
    this.ranges.delete(role);
  }

  roleAt(index) {
    return ROLES.find((role) => this.ranges.has(role) && this.ranges.get(role)[0] <= index && index <= this.ranges.get(role)[1]);
  }

  /** As spans `[start, end)` in code points, in the order of the text. */
  spans() {
    return [...this.ranges]
      .map(([role, [first, last]]) => ({ role, start: this.words[first].start, end: this.words[last].end }))
      .sort((a, b) => a.start - b.start);
  }
}

/** The words to be marked with the pointer: press on the first, let go on the last. */
export function wordField(marks, { roleNow, onMark }) {
  const field = make("div", { class: "words", "aria-hidden": true });
  let anchor = null;
  let reach = null;

  const wordAt = (event) => {
    const element = document.elementFromPoint(event.clientX, event.clientY)?.closest(".word");
    return element && field.contains(element) ? Number(element.dataset.word) : null;
  };
  const refresh = () => {
    for (const element of field.querySelectorAll(".word, .space")) {
      const index = Number(element.dataset.word);
      // The space belongs to the word after it, and is marked if the word before it is, too.
      const inside = (role) => role && (!element.matches(".space") || marks.roleAt(index - 1) === role);
      const role = marks.roleAt(index);
      const base = element.matches(".space") ? "space" : "word";
      element.className = inside(role) ? `${base} role role-${role}` : base;
      const [low, high] = anchor === null ? [1, 0] : [Math.min(anchor, reach), Math.max(anchor, reach)];
      element.classList.toggle("dragged", low <= index && index <= high && (base === "word" || index > low));
    }
  };
  for (const [index, word] of marks.words.entries()) {
    if (word.before) field.append(make("span", { class: "space", "data-word": index }, word.before));
    field.append(make("span", { class: "word", "data-word": index }, word.text));
  }
  field.addEventListener("pointerdown", (event) => {
    const index = wordAt(event);
    if (index === null || event.button !== 0 || !roleNow()) return;
    event.preventDefault();
    field.setPointerCapture(event.pointerId);
    [anchor, reach] = [index, index];
    refresh();
  });
  field.addEventListener("pointermove", (event) => {
    const index = anchor === null ? null : wordAt(event);
    if (index === null || index === reach) return;
    reach = index;
    refresh();
  });
  field.addEventListener("pointerup", () => {
    if (anchor === null) return;
    const [one, other] = [anchor, reach];
    [anchor, reach] = [null, null];
    onMark(one, other);
  });
  field.addEventListener("pointercancel", () => {
    [anchor, reach] = [null, null];
    refresh();
  });
  refresh();
  return { field, refresh };
}

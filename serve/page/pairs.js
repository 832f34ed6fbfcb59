// Who takes which stance toward whom: the service's pairs, moved where a person corrected, reduced by the filters.

import { SIGNS, UNNAMED, current, filler } from "./acts.js";
import { byId, counted, make } from "./elements.js";

const folded = (name) => (name === null ? null : name.toLowerCase());
const same = (pair, source, label, target) =>
  folded(pair.source) === folded(source) && pair.label === label && folded(pair.target) === folded(target);

/** The pairs with each corrected sentence under its new names, the most frequent first. */
export function amended(pairs, sentences) {
  const found = pairs.map((pair) => ({ ...pair, sentences: [...pair.sentences] }));
  for (const sentence of sentences.filter((candidate) => candidate.correction)) {
    for (const pair of found) pair.sentences = pair.sentences.filter((index) => index !== sentence.index);
    const { label } = current(sentence);
    if (label === "neutral") continue;
    const [source, target] = [filler(sentence, "source"), filler(sentence, "target")];
    const home = found.find((pair) => same(pair, source, label, target));
    if (home) home.sentences = [...home.sentences, sentence.index].sort((a, b) => a - b);
    else found.push({ source, label, target, sentences: [sentence.index] });
  }
  return ordered(found);
}

/** The pairs with the sentences that are in `kept`. */
export function reduced(pairs, kept) {
  return ordered(pairs.map((pair) => ({ ...pair, sentences: pair.sentences.filter((index) => kept.has(index)) })));
}

const ordered = (pairs) =>
  pairs.filter((pair) => pair.sentences.length > 0).toSorted((a, b) => b.sentences.length - a.sentences.length);

/** What is the same of a pair however often it is counted anew. */
export function nameOf(pair) {
  return JSON.stringify([folded(pair.source), pair.label, folded(pair.target)]);
}

/** `Norvex denies (2 sentences)`, in words. */
export function inWords(pair) {
  const source = pair.source ?? "Somebody not named";
  const target = pair.target === null ? "" : ` ${pair.label === "denies" ? "for " : ""}${pair.target}`;
  return `${source} ${pair.label}${target}`;
}

const COLUMNS = [
  { name: "Source", value: (pair) => folded(pair.source) ?? "" },
  { name: "Act", value: (pair) => pair.label },
  { name: "Target", value: (pair) => folded(pair.target) ?? "" },
  { name: "Count", value: (pair) => -pair.sentences.length },
];

const name = (text) => (text === null ? make("em", {}, UNNAMED) : text);

/** The pairs as a table that is sorted by the column chosen. */
export class PairsTable {
  constructor(onChoose) {
    this.root = byId("pairs-table");
    this.onChoose = onChoose;
    this.column = 3;
    this.down = false;
  }

  show(pairs, chosen) {
    this.pairs = pairs;
    this.chosen = chosen;
    if (pairs.length === 0) {
      this.root.replaceChildren(make("p", { class: "fine" }, "No sentence that matches the filters names an act."));
      return;
    }
    const { value } = COLUMNS[this.column];
    const order = (a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (this.down ? -1 : 1);
    const rows = pairs.toSorted(order).map((pair) => this.#row(pair));
    const head = make("tr", {}, ...COLUMNS.map((column, number) => this.#heading(column, number)));
    const caption = make("caption", { class: "unseen" }, `Who to whom, ${counted(pairs.length, "pair")}`);
    this.root.replaceChildren(make("table", {}, caption, make("thead", {}, head), make("tbody", {}, ...rows)));
  }

  #heading(column, number) {
    const active = number === this.column;
    const sort = active ? (this.down ? "descending" : "ascending") : "none";
    // The most frequent first is what a reader calls descending.
    const told = number === 3 && active ? (this.down ? "ascending" : "descending") : sort;
    const sign = { ascending: "▲", descending: "▼", none: "" }[told];
    const press = () => {
      this.down = active && !this.down;
      this.column = number;
      this.show(this.pairs, this.chosen);
      this.root.querySelectorAll("thead button")[number].focus();
    };
    const button = make("button", { type: "button", onclick: press }, column.name, make("span", { "aria-hidden": true }, sign));
    return make("th", { scope: "col", "aria-sort": told }, button);
  }

  #row(pair) {
    const chosen = nameOf(pair) === this.chosen;
    const number = pair.sentences.length;
    const button = make(
      "button",
      {
        type: "button",
        class: "show",
        "aria-pressed": String(chosen),
        "aria-label": `Show ${counted(number, "sentence")}: ${inWords(pair)}`,
        "data-pair": nameOf(pair),
      },
      String(number),
    );
    const badge = make("span", { class: `badge act-${pair.label}` }, make("b", { "aria-hidden": true }, SIGNS[pair.label]), pair.label);
    const row = make("tr", { class: chosen ? "chosen" : null });
    row.append(make("td", {}, name(pair.source)), make("td", {}, badge), make("td", {}, name(pair.target)), make("td", {}, button));
    row.addEventListener("click", () => this.onChoose(pair, this.root));
    return row;
  }
}

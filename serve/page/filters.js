// Which sentences count: by act and by how sure the model is. The filters are the legend of the acts, too.

import { ROLES, SIGNS, STANCES, current } from "./acts.js";
import { byId, counted, make } from "./elements.js";

const KINDS = [...STANCES, "unsure"];

/** The kind of a sentence among the filters: its act, or `unsure`. */
export function kindOf(sentence) {
  const tag = current(sentence);
  return tag.abstained ? "unsure" : tag.label;
}

/** The filters and what they let through. */
export class Filters {
  constructor(onChange) {
    this.root = byId("filters");
    this.onChange = onChange;
  }

  /** Begin anew, with everything let through. */
  reset(sentences) {
    this.sentences = sentences;
    this.kinds = new Set(KINDS);
    this.minimum = 0;
    this.#draw();
  }

  /** Positions of the sentences that are let through; a person's correction is sure. */
  kept() {
    const passes = (sentence) =>
      this.kinds.has(kindOf(sentence)) && (current(sentence).corrected || 100 * sentence.score >= this.minimum);
    return new Set(this.sentences.filter(passes).map((sentence) => sentence.index));
  }

  /** Count anew, after a correction. */
  recount() {
    for (const kind of KINDS) {
      const number = this.sentences.filter((sentence) => kindOf(sentence) === kind).length;
      this.root.querySelector(`[data-kind=${kind}] .number`).textContent = number;
    }
  }

  #draw() {
    const chips = KINDS.map((kind) => {
      const box = make("input", { type: "checkbox", checked: true, value: kind });
      box.addEventListener("change", () => {
        if (box.checked) this.kinds.add(kind);
        else this.kinds.delete(kind);
        this.#changed();
      });
      const sign = make("b", { "aria-hidden": true }, SIGNS[kind] ?? "?");
      const look = kind === "unsure" ? "unsure" : `act-${kind}`;
      return make("label", { class: `chip ${look}`, "data-kind": kind }, box, sign, kind, " ", make("span", { class: "number" }));
    });
    const output = make("output", { for: "minimum" }, "0 %");
    const slider = make("input", { type: "range", id: "minimum", min: 0, max: 99, step: 1, value: 0 });
    slider.addEventListener("input", () => {
      this.minimum = Number(slider.value);
      output.textContent = `${slider.value} %`;
      slider.setAttribute("aria-valuetext", `${slider.value} percent`);
      this.#changed();
    });
    const legend = ROLES.map((role) => make("li", {}, make("span", { class: `role role-${role}` }, role)));
    this.root.replaceChildren(
      make("div", { class: "chips", role: "group", "aria-label": "Acts" }, ...chips),
      make("div", { class: "slider" }, make("label", { for: "minimum" }, "Probability at least"), slider, output),
      make("ul", { class: "legend", "aria-label": "Roles" }, ...legend),
    );
    this.recount();
  }

  #changed() {
    this.onChange(`${counted(this.kept().size, "sentence")} of ${this.sentences.length} match the filters.`);
  }
}

// Who to whom as a picture: those who speak on the left, those spoken of on the right, an arrow for each pair.

import { SIGNS } from "./acts.js";
import { byId, counted, draw, make, rove } from "./elements.js";
import { LINE, PILL, layOut } from "./layout.js";
import { inWords, nameOf } from "./pairs.js";

/** Arrows that can be told apart in one picture. */
const MOST = 15;

function box(node, x, width) {
  const lines = node.lines.map((line, number) => {
    const y = node.y + node.height / 2 + (number - (node.lines.length - 1) / 2) * LINE + 4;
    return draw("tspan", { x: x + width / 2, y }, line);
  });
  return draw(
    "g",
    { class: `node${node.name === null ? " unnamed" : ""}` },
    draw("title", {}, node.name ?? "not named in the sentence"),
    draw("rect", { x, y: node.y, width, height: node.height, rx: 6 }),
    draw("text", { "text-anchor": "middle" }, ...lines),
  );
}

/** The line of an arrow; all lines lie below all signs. */
function line({ pair, from, to }, chosen) {
  const bend = (from.x + to.x) / 2;
  const path = `M ${from.x} ${from.y} C ${bend} ${from.y} ${bend} ${to.y} ${to.x - 7} ${to.y}`;
  const thickness = Math.min(1.6 + 0.9 * (pair.sentences.length - 1), 6);
  return draw(
    "g",
    { class: `line act-${pair.label}${chosen ? " chosen" : ""}`, "aria-hidden": true, "data-pair": nameOf(pair) },
    draw("path", { class: "reach", d: path }),
    draw("path", { class: "shaft", d: path, "stroke-width": thickness }),
    draw("path", { class: "head", d: `M ${to.x} ${to.y} l -9 -5 v 10 z` }),
  );
}

/** The sign of an arrow, which is also its button. */
function edge({ pair, sign }, chosen) {
  const number = counted(pair.sentences.length, "sentence");
  return draw(
    "g",
    {
      class: `edge act-${pair.label}${chosen ? " chosen" : ""}`,
      role: "button",
      tabindex: -1,
      "aria-pressed": String(chosen),
      "aria-label": `${inWords(pair)}, ${number}`,
      "data-pair": nameOf(pair),
    },
    draw("title", {}, `${inWords(pair)}: ${number}`),
    draw("circle", { cx: sign.x, cy: sign.y, r: PILL }),
    draw("text", { x: sign.x, y: sign.y + 4, "text-anchor": "middle" }, SIGNS[pair.label]),
  );
}

/** The picture of the pairs; it is drawn anew when there is more or less room. */
export class PairsGraph {
  constructor(onChoose) {
    this.root = byId("graph");
    this.pairs = [];
    this.roving = rove(this.root, ".edge");
    const choose = (event) => {
      const part = event.target.closest("[data-pair]");
      const pair = part && this.pairs.find((candidate) => nameOf(candidate) === part.dataset.pair);
      if (!pair) return;
      event.preventDefault();
      onChoose(pair, this.root);
    };
    this.root.addEventListener("click", choose);
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") choose(event);
    });
    const heat = (event) => {
      const name = ["pointerover", "focusin"].includes(event.type) && event.target.closest("[data-pair]")?.dataset.pair;
      for (const part of this.root.querySelectorAll(".line")) part.classList.toggle("hot", part.dataset.pair === name);
    };
    for (const type of ["pointerover", "pointerout", "focusin", "focusout"]) this.root.addEventListener(type, heat);
    new ResizeObserver(() => {
      if (Math.abs(this.root.clientWidth - this.width) > 8) this.show(this.pairs, this.chosen);
    }).observe(this.root);
  }

  show(pairs, chosen) {
    this.pairs = pairs;
    this.chosen = chosen;
    this.width = this.root.clientWidth;
    this.root.hidden = pairs.length === 0;
    if (pairs.length === 0) return;
    const width = Math.max(this.width, 280);
    const drawn = pairs.slice(0, MOST);
    const { left, right, column, height, arrows } = layOut(drawn, width);
    const isChosen = (arrow) => nameOf(arrow.pair) === chosen;
    const picture = draw(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "Who to whom, as arrows" },
      ...left.map((node) => box(node, 0.75, column - 1.5)),
      ...right.map((node) => box(node, width - column + 0.75, column - 1.5)),
      ...arrows.map((arrow) => line(arrow, isChosen(arrow))),
      ...arrows.map((arrow) => edge(arrow, isChosen(arrow))),
    );
    picture.classList.toggle("choosing", arrows.some(isChosen));
    const heads = make("div", { class: "sides", "aria-hidden": true }, make("span", {}, "source"), make("span", {}, "target"));
    const note =
      pairs.length > MOST &&
      make("p", { class: "fine" }, `The ${MOST} most frequent of ${pairs.length} pairs; the table has them all.`);
    this.root.replaceChildren(...[heads, picture, note].filter(Boolean));
    this.roving.reset();
  }
}

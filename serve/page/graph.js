// Who to whom as a picture: those who speak on the left, those spoken of on the right, an arrow for each pair.

import { SIGNS, UNNAMED } from "./acts.js";
import { byId, counted, draw, make, rove } from "./elements.js";
import { inWords, nameOf } from "./pairs.js";

const MOST = 15;
const LINE = 16;
const GAP = 14;
const CHARACTER = 6.7;
const PILL = 9;

/** `text` in at most two lines of about `length` characters. */
function wrapped(text, length) {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length <= length || lines.at(-1) === "") lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  if (lines.length > 2) lines.splice(1, lines.length, `${lines[1]} …`);
  return lines.map((line) => (line.length > length + 1 ? `${line.slice(0, length - 1)}…` : line));
}

/** The nodes of one side by their names without regard to case, with the pairs that end there. */
function nodesOf(pairs, side) {
  const nodes = new Map();
  for (const pair of pairs) {
    const id = (pair[side] ?? "").toLowerCase();
    if (!nodes.has(id)) nodes.set(id, { name: pair[side], pairs: [] });
    nodes.get(id).pairs.push(pair);
  }
  return [...nodes.values()];
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** Put each side in the order of the middle of what it is joined to, a few times over, so that few arrows cross. */
function untangle(left, right) {
  const at = (nodes) => new Map(nodes.flatMap((node, number) => node.pairs.map((pair) => [pair, number])));
  for (let round = 0; round < 4; round += 1) {
    const lefts = at(left);
    right.sort((a, b) => mean(a.pairs.map((pair) => lefts.get(pair))) - mean(b.pairs.map((pair) => lefts.get(pair))));
    const rights = at(right);
    left.sort((a, b) => mean(a.pairs.map((pair) => rights.get(pair))) - mean(b.pairs.map((pair) => rights.get(pair))));
  }
}

function stack(nodes, width) {
  let y = GAP / 2;
  for (const node of nodes) {
    node.lines = wrapped(node.name ?? UNNAMED, Math.floor((width - 16) / CHARACTER));
    node.height = Math.max(node.lines.length * LINE + 12, node.pairs.length * 13 + 8);
    node.y = y;
    y += node.height + GAP;
  }
  return y - GAP / 2;
}

/** Where on the edge of its node each pair begins or ends, in the order of where it goes. */
function ports(nodes, others) {
  const centre = new Map(others.flatMap((node) => node.pairs.map((pair) => [pair, node.y + node.height / 2])));
  const found = new Map();
  for (const node of nodes) {
    const sorted = node.pairs.toSorted((a, b) => centre.get(a) - centre.get(b));
    for (const [number, pair] of sorted.entries()) {
      found.set(pair, node.y + (node.height * (number + 1)) / (sorted.length + 1));
    }
  }
  return found;
}

/** A place for the sign of an arrow that is clear of the signs that stand already. */
function pillPlace(from, to, taken) {
  const bend = (from.x + to.x) / 2;
  const along = (t) => {
    const u = 1 - t;
    const cubic = (a, b, c, d) => u ** 3 * a + 3 * u * u * t * b + 3 * u * t * t * c + t ** 3 * d;
    return { x: cubic(from.x, bend, bend, to.x), y: cubic(from.y, from.y, to.y, to.y) };
  };
  const places = [0.5, 0.36, 0.64, 0.43, 0.57, 0.28, 0.72].map(along);
  const clear = (place) => taken.every((other) => Math.hypot(place.x - other.x, place.y - other.y) > 2 * PILL + 2);
  const place = places.find(clear) ?? places[0];
  taken.push(place);
  return place;
}

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

function arrow(pair, from, to, place, chosen) {
  const bend = (from.x + to.x) / 2;
  const path = `M ${from.x} ${from.y} C ${bend} ${from.y} ${bend} ${to.y} ${to.x - 7} ${to.y}`;
  const number = pair.sentences.length;
  return draw(
    "g",
    {
      class: `edge act-${pair.label}${chosen ? " chosen" : ""}`,
      role: "button",
      tabindex: -1,
      "aria-pressed": String(chosen),
      "aria-label": `${inWords(pair)}, ${counted(number, "sentence")}`,
      "data-pair": nameOf(pair),
    },
    draw("title", {}, `${inWords(pair)}: ${counted(number, "sentence")}`),
    draw("path", { class: "reach", d: path }),
    draw("path", { class: "line", d: path, "stroke-width": Math.min(1.6 + 0.9 * (number - 1), 6) }),
    draw("path", { class: "head", d: `M ${to.x} ${to.y} l -9 -5 v 10 z` }),
    draw("circle", { cx: place.x, cy: place.y, r: PILL }),
    draw("text", { x: place.x, y: place.y + 4, "text-anchor": "middle" }, SIGNS[pair.label]),
  );
}

/** The picture of the pairs; it is drawn anew when there is more or less room. */
export class PairsGraph {
  constructor(onChoose) {
    this.root = byId("graph");
    this.pairs = [];
    this.roving = rove(this.root, ".edge");
    const choose = (event) => {
      const edge = event.target.closest(".edge");
      const pair = edge && this.pairs.find((candidate) => nameOf(candidate) === edge.dataset.pair);
      if (!pair) return;
      event.preventDefault();
      onChoose(pair, this.root);
    };
    this.root.addEventListener("click", choose);
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") choose(event);
    });
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
    const [left, right] = [nodesOf(drawn, "source"), nodesOf(drawn, "target")];
    untangle(left, right);
    const column = Math.min(170, Math.round(width * 0.34));
    const height = Math.max(stack(left, column), stack(right, column));
    for (const side of [left, right]) {
      const rest = (height - (side.at(-1).y + side.at(-1).height + GAP / 2)) / 2;
      for (const node of side) node.y += rest;
    }
    const [starts, ends] = [ports(left, right), ports(right, left)];
    const taken = [];
    const edges = drawn.map((pair) => {
      const [from, to] = [{ x: column, y: starts.get(pair) }, { x: width - column, y: ends.get(pair) }];
      return arrow(pair, from, to, pillPlace(from, to, taken), nameOf(pair) === chosen);
    });
    const picture = draw(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "Who to whom, as arrows" },
      ...left.map((node) => box(node, 0.75, column - 1.5)),
      ...right.map((node) => box(node, width - column + 0.75, column - 1.5)),
      ...edges,
    );
    picture.classList.toggle("choosing", edges.some((edge) => edge.classList.contains("chosen")));
    const heads = make("div", { class: "sides", "aria-hidden": true }, make("span", {}, "source"), make("span", {}, "target"));
    const note =
      pairs.length > MOST &&
      make("p", { class: "fine" }, `The ${MOST} most frequent of ${pairs.length} pairs; the table has them all.`);
    this.root.replaceChildren(...[heads, picture, note].filter(Boolean));
    this.roving.reset();
  }
}

// Where the names and arrows of the picture stand.

import { UNNAMED } from "./acts.js";

const GAP = 14;
const CHARACTER = 6.7;

/** Height of a line of a name, in pixels. */
export const LINE = 16;
/** Radius of the sign on an arrow. */
export const PILL = 9;

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

/** The point at `t`, 0 to 1, of the curve between two points. */
function along(from, to, t) {
  const bend = (from.x + to.x) / 2;
  const u = 1 - t;
  const cubic = (a, b, c, d) => u ** 3 * a + 3 * u * u * t * b + 3 * u * t * t * c + t ** 3 * d;
  return { x: cubic(from.x, bend, bend, to.x), y: cubic(from.y, from.y, to.y, to.y) };
}

const STEPS = [0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.25, 0.75, 0.2, 0.8];
const near = (place, others, most) =>
  others.reduce((least, other) => Math.min(least, Math.hypot(place.x - other.x, place.y - other.y)), most) / most;

/** Put the sign of each arrow near its middle, clear of the other signs first and of the other arrows next. */
function placeSigns(arrows) {
  const points = arrows.map(({ from, to }) => Array.from({ length: 41 }, (_, step) => along(from, to, step / 40)));
  const signs = [];
  for (const [number, { from, to }] of arrows.entries()) {
    const others = points.filter((_, other) => other !== number).flat();
    const worth = (t) => {
      const place = along(from, to, t);
      return 3 * near(place, signs, 2 * PILL + 3) + near(place, others, PILL + 3) - Math.abs(t - 0.5);
    };
    const best = STEPS.reduce((chosen, t) => (worth(t) > worth(chosen) ? t : chosen));
    signs.push(along(from, to, best));
  }
  return signs;
}

/** The names of both sides with their places, and the arrow of each pair from where to where with its sign. */
export function layOut(pairs, width) {
  const [left, right] = [nodesOf(pairs, "source"), nodesOf(pairs, "target")];
  untangle(left, right);
  const column = Math.min(170, Math.round(width * 0.34));
  const height = Math.max(stack(left, column), stack(right, column));
  for (const side of [left, right]) {
    const rest = (height - (side.at(-1).y + side.at(-1).height + GAP / 2)) / 2;
    for (const node of side) node.y += rest;
  }
  const [starts, ends] = [ports(left, right), ports(right, left)];
  const arrows = pairs.map((pair) => ({
    pair,
    from: { x: column, y: starts.get(pair) },
    to: { x: width - column, y: ends.get(pair) },
  }));
  const signs = placeSigns(arrows);
  return { left, right, column, height, arrows: arrows.map((arrow, number) => ({ ...arrow, sign: signs[number] })) };
}

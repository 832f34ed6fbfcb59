// Elements, made and found. Text is only ever set as text, so nothing of an article is read as markup.

const SVG = "http://www.w3.org/2000/svg";

/** The element with the id `id`, which index.html has. */
export function byId(id) {
  return document.getElementById(id);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}

/** An HTML element; attributes that begin with `on` are listeners, those that are false or null are left out. */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

const live = byId("live");

/** Tell it to screen readers; the same sentence twice is told twice. */
export function announce(sentence) {
  // What is not in the dialog that is open is not read out; of several the last was opened last.
  const place = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
  if (live.parentElement !== place) place.append(live);
  live.textContent = "";
  window.setTimeout(() => {
    live.textContent = sentence;
  }, 50);
}

/** `1 sentence`, `2 sentences`. */
export function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** One tab stop for a list of elements, with the arrow keys, Home and End between them. */
export function rove(container, selector) {
  const members = () => [...container.querySelectorAll(selector)];
  const only = (chosen) => {
    for (const member of members()) member.setAttribute("tabindex", member === chosen ? "0" : "-1");
  };
  container.addEventListener("focusin", (event) => {
    const member = event.target.closest(selector);
    if (member) only(member);
  });
  container.addEventListener("keydown", (event) => {
    const all = members();
    const at = all.indexOf(event.target.closest(selector));
    if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const steps = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0 };
    const next = event.key === "End" ? all.length - 1 : steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    if (next >= 0 && next < all.length) all[next].focus();
  });
  return { reset: () => only(members()[0]) };
}

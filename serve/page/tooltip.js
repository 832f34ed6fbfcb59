// What the model says of a sentence, shown while it is pointed at or has the focus.

import { ROLES, STANCES, current, filler, percent } from "./acts.js";
import { byId, make } from "./elements.js";

const DELAY = 120;

/** What keeps things apart that are read out one after the other. */
const stop = (text) => make("span", { class: "unseen" }, text);

/** The four probabilities as bars, which are also words. */
export function scoreBars(sentence) {
  const rows = STANCES.map((stance) => {
    const fill = make("span", { class: `fill act-${stance}` });
    fill.style.width = `${100 * sentence.scores[stance]}%`;
    return make(
      "div",
      { class: `score${stance === sentence.label ? " chosen" : ""}` },
      make("span", { class: "name" }, stance, stop(" ")),
      make("span", { class: "bar", "aria-hidden": true }, fill),
      make("span", { class: "value" }, percent(sentence.scores[stance]), stop(". ")),
    );
  });
  return make("div", { class: "scores" }, ...rows);
}

function notesOf(sentence) {
  const notes = [];
  if (current(sentence).corrected) notes.push(`Corrected by you to ${current(sentence).label}.`);
  else if (sentence.abstained) notes.push(`Not sure enough to say; most likely ${sentence.label}.`);
  if (sentence.truncated) notes.push("Too long for the model: only the beginning was read.");
  return notes;
}

function contents(sentence) {
  const roles = ROLES.map((role) => [role, filler(sentence, role)]).filter(([, text]) => text !== null);
  return [
    scoreBars(sentence),
    roles.length > 0 &&
      make(
        "div",
        { class: "fillers" },
        ...roles.map(([role, text]) => make("div", {}, make("span", { class: "name" }, `${role}: `), text, stop(". "))),
      ),
    ...notesOf(sentence).map((note) => make("p", {}, note)),
  ].filter(Boolean);
}

function place(tooltip, element) {
  const box = element.getBoundingClientRect();
  const { clientWidth, clientHeight } = document.documentElement;
  const left = Math.min(Math.max(8, box.left), clientWidth - tooltip.offsetWidth - 8);
  const below = box.bottom + 6;
  const above = box.top - tooltip.offsetHeight - 6;
  const top = below + tooltip.offsetHeight > clientHeight && above > 0 ? above : below;
  tooltip.style.left = `${Math.max(8, left) + window.scrollX}px`;
  tooltip.style.top = `${top + window.scrollY}px`;
}

/** Show the tooltip for the sentences in `root`; `find(element)` gives the sentence of an element. */
export function describeOn(root, find) {
  const tooltip = byId("tooltip");
  let shown = null;
  let timer = 0;

  const hide = () => {
    window.clearTimeout(timer);
    shown?.removeAttribute("aria-describedby");
    shown = null;
    tooltip.hidden = true;
  };
  const show = (element) => {
    window.clearTimeout(timer);
    if (shown === element) return;
    hide();
    shown = element;
    tooltip.replaceChildren(...contents(find(element)));
    element.setAttribute("aria-describedby", "tooltip");
    tooltip.hidden = false;
    place(tooltip, element);
  };
  const soon = (action) => {
    window.clearTimeout(timer);
    timer = window.setTimeout(action, DELAY);
  };
  // What has the focus is described again when the pointer leaves something else.
  const rest = () => {
    const focused = document.activeElement?.closest?.(".sentence");
    if (focused && root.contains(focused) && focused.matches(":focus-visible")) show(focused);
    else hide();
  };

  root.addEventListener("pointerover", (event) => {
    const element = event.target.closest(".sentence");
    if (element && event.pointerType !== "touch") soon(() => show(element));
  });
  root.addEventListener("pointerout", () => soon(rest));
  tooltip.addEventListener("pointerenter", () => window.clearTimeout(timer));
  tooltip.addEventListener("pointerleave", () => soon(rest));
  root.addEventListener("focusin", (event) => {
    const element = event.target.closest(".sentence");
    if (element?.matches(":focus-visible")) show(element);
  });
  root.addEventListener("focusout", () => hide());
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !tooltip.hidden) {
      hide();
      event.stopImmediatePropagation();
    }
  });
  return { hide };
}

// What went wrong, where the reader looks, with what can be done about it.

import { byId, counted, make } from "./elements.js";
import { askForKey } from "./preferences.js";

/** Statuses of which another try, later or after a change elsewhere, may come to something. */
const PASSING = new Set([0, 401, 429, 500, 502, 503, 504]);

let timer = 0;

/** Take the notice away. */
export function clearFailure() {
  window.clearInterval(timer);
  byId("failure").hidden = true;
  byId("failure").replaceChildren();
}

function countDown(button, seconds) {
  let left = seconds;
  const tick = () => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? `Try again in ${counted(left, "second")}` : "Try again";
    if (left <= 0) window.clearInterval(timer);
    left -= 1;
  };
  tick();
  timer = window.setInterval(tick, 1000);
}

/** Show `failure`; `retry` is called if the reader wants another try. */
export function showFailure(failure, retry = null) {
  clearFailure();
  const box = byId("failure");
  const parts = [make("h2", {}, failure.message)];
  const details = failure.details ?? [];
  if (details.length > 0) parts.push(make("ul", {}, ...details.map((detail) => make("li", {}, detail))));
  const actions = make("div", { class: "row" });
  if (retry && PASSING.has(failure.status)) {
    const again = make("button", { type: "button", onclick: retry }, "Try again");
    if (failure.wait) countDown(again, failure.wait);
    actions.append(again);
  }
  if (failure.status === 401) actions.append(make("button", { type: "button", onclick: askForKey }, "Enter a key"));
  actions.append(make("button", { type: "button", class: "quiet", onclick: clearFailure }, "Dismiss"));
  box.append(...parts, actions);
  box.hidden = false;
  box.focus({ preventScroll: true });
  box.scrollIntoView({ block: "nearest" });
}

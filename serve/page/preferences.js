// Light or dark, and the key of the service.

import { key, keyProblemOf } from "./client.js";
import { announce, byId, make } from "./elements.js";
import { lastingStore } from "./storage.js";

const THEME = "stance-theme";
const THEMES = ["system", "light", "dark"];

/** The button that goes through system, light and dark; the choice is remembered. */
export function offerThemes() {
  const button = byId("theme-button");
  const use = (theme) => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    const sign = make("span", { "aria-hidden": true }, { system: "◐ ", light: "○ ", dark: "● " }[theme]);
    button.setAttribute("aria-label", `Theme: ${theme}`);
    button.replaceChildren(sign, make("span", { class: "word" }, "Theme: "), theme);
  };
  let now = lastingStore.get(THEME);
  if (!THEMES.includes(now)) now = "system";
  use(now);
  button.addEventListener("click", () => {
    now = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
    lastingStore.set(THEME, now);
    use(now);
  });
}

function showWhetherSet() {
  byId("key-button").textContent = key.get() ? "API key: set" : "API key";
}

/** Open the dialog for the key. */
export function askForKey() {
  byId("key").showModal();
}

/** The dialog for the key, which is kept until the tab is closed and sent to this service alone. */
export function offerKey() {
  const dialog = byId("key");
  const field = make("input", {
    type: "password",
    id: "key-field",
    autocomplete: "off",
    value: key.get(),
    "aria-describedby": "key-problem",
  });
  const problem = make("p", { class: "problem", id: "key-problem", role: "alert" });
  const tell = (sentence) => {
    problem.textContent = sentence;
    field.setAttribute("aria-invalid", String(sentence !== ""));
  };
  const keep = (value) => {
    key.set(value);
    showWhetherSet();
    dialog.close();
    announce(value ? "The key is set." : "The key is forgotten.");
  };
  const form = make(
    "form",
    { novalidate: true },
    make("h2", { id: "key-title" }, "API key"),
    make("p", { class: "fine" }, "Needed only if the service asks for one. It stays in this tab until you close it."),
    make("label", { for: "key-field" }, "Key"),
    field,
    problem,
    make(
      "div",
      { class: "row end" },
      make("button", { type: "button", class: "quiet", onclick: () => keep("") }, "Forget"),
      make("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
      make("button", { type: "submit", class: "primary" }, "Use this key"),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const value = field.value.trim();
    const refusal = keyProblemOf(value);
    if (refusal === null) {
      keep(value);
      return;
    }
    tell(refusal);
    field.focus();
  });
  field.addEventListener("input", () => tell(""));
  dialog.addEventListener("close", () => {
    field.value = key.get();
    tell("");
  });
  dialog.replaceChildren(form);
  byId("key-button").addEventListener("click", askForKey);
  showWhetherSet();
}

// The dialog in which a person says what a sentence does, and who is who in it.

import { ROLES, SIGNS, STANCES, current, lengthOf } from "./acts.js";
import { sendCorrection } from "./client.js";
import { announce, byId, make } from "./elements.js";
import { askForKey } from "./preferences.js";
import { sha256 } from "./sha256.js";
import { tabStore } from "./storage.js";
import { scoreBars } from "./tooltip.js";
import { Marks, wordField } from "./words.js";

const REVIEWER = "stance-reviewer";
const LONGEST = 2000;
const MEANINGS = {
  accuses: "blames, charges or criticises conduct, or alleges a wrong",
  denies: "rejects an allegation or a claim of fact",
  defends: "stands by, justifies or praises a party or its conduct",
  neutral: "none of these",
};

/** The correction as it is sent and kept. */
function made(sentence, label, roles, reviewer) {
  const was = Object.fromEntries(
    ["label", "score", "scores", "abstained", ...ROLES].map((name) => [name, sentence[name]]),
  );
  const { name, version, digest } = sentence.model;
  return { label, roles, text: sentence.text, model: { name, version, digest }, was, reviewer: reviewer || null };
}

/** A correction as a line of a review file, for the page that has none to send it to. */
export function asReview(correction, time) {
  return { ...correction, time: time.toISOString(), sha256: sha256(correction.text) };
}

function problemOf(label, spans, text) {
  if (lengthOf(text) > LONGEST) return `A sentence of more than ${LONGEST} characters cannot be corrected.`;
  if (label !== "neutral" && spans.length === 0) return `A sentence that ${label} needs at least one role. Mark its words.`;
  return null;
}

/** Opens the dialog for one sentence at a time; it stays until the service has answered a save. */
export class CorrectionDialog {
  /** `onSaved(sentence)` is called once a correction is kept; `keeps` says whether the service keeps them. */
  constructor({ keeps, onSaved }) {
    this.dialog = byId("correction");
    this.keeps = keeps;
    this.onSaved = onSaved;
    this.waiting = false;
    this.dialog.addEventListener("cancel", (event) => {
      if (this.waiting) event.preventDefault();
    });
    // A browser closes it all the same if it is asked twice.
    this.dialog.addEventListener("close", () => {
      if (this.waiting) this.#wait(true);
    });
  }

  open(sentence) {
    const tag = current(sentence);
    this.sentence = sentence;
    this.marks = new Marks(sentence.text, tag.roles);
    this.label = tag.label;
    this.role = ROLES.find((role) => !this.marks.ranges.has(role)) ?? "source";
    this.#draw();
    this.dialog.showModal();
    this.dialog.querySelector("input[name=label]:checked").focus();
  }

  #draw() {
    const { sentence } = this;
    const field = wordField(this.marks, {
      roleNow: () => (this.label === "neutral" ? null : this.role),
      onMark: (one, other) => this.#mark(this.role, one, other),
    });
    this.refreshWords = field.refresh;
    const certainty = make("details", { class: "certainty", open: matchMedia("(hover: none)").matches }, make("summary", {}, "What the model said"), scoreBars(sentence));
    this.problem = make("p", { class: "problem", role: "alert" });
    this.reviewer = make("input", { type: "text", maxlength: 100, autocomplete: "name", value: tabStore.get(REVIEWER) ?? "" });
    this.save = make("button", { type: "submit", class: "primary" }, "Save the correction");
    const close = () => this.dialog.close();
    this.form = make(
      "form",
      { novalidate: true },
      make("header", {}, make("h2", { id: "correction-title" }, `Correct sentence ${sentence.index + 1}`), make("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: close }, "✕")),
      make("blockquote", { class: "unseen" }, sentence.text),
      this.#labels(),
      this.#roles(field.field),
      certainty,
      make("label", { class: "reviewer" }, "Your name (optional)", this.reviewer),
      !this.keeps && make("p", { class: "fine" }, "This service keeps no corrections: yours stay in this page until you download them."),
      this.problem,
      make("div", { class: "row end" }, make("button", { type: "button", onclick: close }, "Cancel"), this.save),
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    this.state = make("p", { class: "state", role: "status", tabindex: -1 });
    this.dialog.replaceChildren(this.form, this.state);
    this.#refresh();
  }

  #labels() {
    const options = STANCES.map((stance) => {
      const radio = make("input", { type: "radio", name: "label", value: stance, checked: stance === this.label });
      radio.addEventListener("change", () => {
        this.label = stance;
        this.#refresh();
      });
      const badge = make("span", { class: `badge act-${stance}` }, make("b", { "aria-hidden": true }, SIGNS[stance]), stance);
      return make("label", { class: "option" }, radio, badge, make("span", { class: "meaning" }, MEANINGS[stance]));
    });
    return make("fieldset", { class: "labels" }, make("legend", {}, "The sentence"), ...options);
  }

  #roles(words) {
    const rows = ROLES.map((role) => this.#roleRow(role));
    this.rolesField = make(
      "fieldset",
      { class: "roles" },
      make("legend", {}, "Who, whom, about what"),
      make("p", { class: "fine" }, "Choose a role and draw over its words, or choose its first and last word from the lists."),
      words,
      ...rows,
    );
    return this.rolesField;
  }

  #roleRow(role) {
    const radio = make("input", { type: "radio", name: "role", value: role, checked: role === this.role });
    radio.addEventListener("change", () => {
      this.role = role;
    });
    const list = (which) => {
      const options = this.marks.words.map((word, index) => make("option", { value: index }, `${index + 1} ${word.text}`));
      return make("select", { "aria-label": `${which} word of the ${role}`, "data-role": role }, make("option", { value: "" }, "–"), ...options);
    };
    const [first, last] = [list("First"), list("Last")];
    first.addEventListener("change", () => {
      if (first.value === "") this.#clear(role);
      else this.#mark(role, Number(first.value), Math.max(Number(first.value), Number(last.value || first.value)));
    });
    last.addEventListener("change", () => {
      if (last.value === "") this.#clear(role);
      else this.#mark(role, Math.min(Number(last.value), Number(first.value || last.value)), Number(last.value));
    });
    const clear = make("button", { type: "button", class: "quiet", "aria-label": `Clear the ${role}`, onclick: () => this.#clear(role) }, "Clear");
    return make(
      "div",
      { class: "role-row", "data-role": role },
      make("label", {}, radio, make("span", { class: `role role-${role}` }, role)),
      make("span", { class: "lists" }, first, make("span", { "aria-hidden": true }, "to"), last),
      clear,
    );
  }

  #mark(role, one, other) {
    const gone = this.marks.mark(role, one, other);
    if (gone.length > 0) announce(`The ${gone.join(" and the ")} overlapped and was cleared.`);
    this.#refresh();
  }

  #clear(role) {
    this.marks.clear(role);
    this.#refresh();
  }

  #refresh() {
    this.problem.textContent = "";
    this.rolesField.disabled = this.label === "neutral";
    for (const row of this.dialog.querySelectorAll(".role-row")) {
      const range = this.marks.ranges.get(row.dataset.role);
      const [first, last] = row.querySelectorAll("select");
      [first.value, last.value] = range ? range.map(String) : ["", ""];
      row.querySelector("button").disabled = !range;
    }
    this.refreshWords();
  }

  /** Let nothing be done but wait for the service, or let the form be used again. */
  #wait(waiting) {
    this.waiting = waiting;
    this.form.inert = waiting;
    this.state.textContent = waiting ? "Saving …" : "";
    // The one thing that can be reached, so that the dialog can be scrolled by keyboard.
    this.state.tabIndex = waiting ? 0 : -1;
    if (!this.dialog.open) this.dialog.showModal();
    (waiting ? this.state : this.save).focus();
  }

  async #save() {
    const { sentence, label } = this;
    const roles = label === "neutral" ? [] : this.marks.spans();
    const problem = problemOf(label, roles, sentence.text);
    if (problem) {
      this.problem.textContent = problem;
      return;
    }
    const reviewer = this.reviewer.value.trim();
    tabStore.set(REVIEWER, reviewer);
    const correction = made(sentence, label, roles, reviewer);
    if (this.keeps) {
      this.problem.textContent = "";
      this.#wait(true);
      try {
        await sendCorrection(correction);
      } catch (failure) {
        this.#wait(false);
        this.problem.textContent = [`Not saved. ${failure.message}`, ...(failure.details ?? [])].join(" ");
        // The button at the top of the page is out of reach as long as the dialog is open.
        if (failure.status === 401) this.problem.append(" ", make("button", { type: "button", onclick: askForKey }, "Enter a key"));
        // What is no answer of the service is a fault of the page.
        if (failure.status === undefined) throw failure;
        return;
      }
      this.waiting = false;
    }
    sentence.correction = asReview(correction, new Date());
    this.dialog.close();
    this.onSaved(sentence);
  }
}

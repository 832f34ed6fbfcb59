// The page from end to end: an article goes in, its stances are shown.

import { lengthOf } from "./acts.js";
import { settings, tagArticle } from "./client.js";
import { announce, byId, counted } from "./elements.js";
import { EXAMPLE } from "./example.js";
import { clearFailure, showFailure } from "./failure.js";
import { Refusal, acceptDrops, cleaned, problemOf, textOfFile } from "./intake.js";
import { offerKey, offerThemes } from "./preferences.js";
import { Result } from "./result.js";

/** Characters of a sentence of news, on average, to say how many there will be. */
const SENTENCE_LENGTH = 120;

const field = byId("text");
const result = new Result();

let limit = 100_000;
let underway = null;

function show(state) {
  byId("intake").hidden = state === "result";
  byId("busy").hidden = state !== "busy";
  byId("empty").hidden = state !== "empty";
  byId("result").hidden = state !== "result";
  if (state !== "result") byId("model").textContent = "";
  field.readOnly = state === "busy";
  for (const name of ["submit", "open-file", "example"]) byId(name).disabled = state === "busy";
}

function count() {
  const length = lengthOf(field.value);
  byId("count").textContent = length ? `${length.toLocaleString("en")} of ${limit.toLocaleString("en")} characters` : "";
  byId("count").classList.toggle("over", length > limit);
}

function take(text) {
  if (underway) return;
  clearFailure();
  show("empty");
  field.value = text;
  count();
  field.focus();
  field.setSelectionRange(0, 0);
}

async function takeFile(file) {
  try {
    take(await textOfFile(file));
    announce(`${file.name} is in the field.`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    showFailure(error);
  }
}

/** Say every second what is being waited for; returns how to stop. */
function tellProgress(text) {
  const began = Date.now();
  const about = counted(Math.max(1, Math.round(lengthOf(text) / SENTENCE_LENGTH)), "sentence");
  const tell = () => {
    const seconds = Math.round((Date.now() - began) / 1000);
    byId("busy-title").textContent = `Tagging about ${about}${seconds > 0 ? `, ${seconds} s` : ""} …`;
  };
  tell();
  announce(`Tagging about ${about}.`);
  const clock = window.setInterval(tell, 1000);
  return () => window.clearInterval(clock);
}

async function submit() {
  clearFailure();
  const text = cleaned(field.value);
  const problem = problemOf(text, limit);
  if (problem) {
    showFailure(new Refusal(problem));
    return;
  }
  underway = new AbortController();
  show("busy");
  const stop = tellProgress(text);
  byId("cancel").focus();
  try {
    const answer = await tagArticle(text, underway.signal);
    show("result");
    result.show(text, answer);
  } catch (error) {
    show("empty");
    if (error.name === "AbortError") {
      announce("Cancelled.");
      byId("submit").focus();
    } else if (error.status === undefined) throw error;
    else showFailure(error, submit);
  } finally {
    stop();
    underway = null;
  }
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
field.addEventListener("input", count);
byId("cancel").addEventListener("click", () => underway?.abort());
byId("example").addEventListener("click", () => {
  take(EXAMPLE);
  submit();
});
byId("open-file").addEventListener("click", () => byId("file").click());
byId("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) takeFile(file);
  event.target.value = "";
});
byId("again").addEventListener("click", () => {
  show("empty");
  field.focus();
  field.select();
});
acceptDrops(field, { onText: take, onFile: takeFile });
offerThemes();
offerKey();
show("empty");
count();
settings().then(
  (found) => {
    result.correction.keeps = found.reviews;
    limit = found.max_article_characters;
    count();
  },
  (failure) => showFailure(failure),
);

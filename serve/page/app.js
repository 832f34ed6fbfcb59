// The page from end to end: an article goes in, its stances are shown, a person corrects them.

import { ACTS, lengthOf } from "./acts.js";
import { ArticleView } from "./article.js";
import { settings, tagArticle } from "./client.js";
import { CorrectionDialog } from "./correction.js";
import { saveCsv, saveJson, saveReviews } from "./downloads.js";
import { announce, byId, counted, make } from "./elements.js";
import { EXAMPLE } from "./example.js";
import { clearFailure, showFailure } from "./failure.js";
import { Filters, kindOf } from "./filters.js";
import { PairsGraph } from "./graph.js";
import { Refusal, acceptDrops, cleaned, problemOf, textOfFile } from "./intake.js";
import { PairsTable, amended, inWords, nameOf, reduced } from "./pairs.js";
import { offerKey, offerThemes } from "./preferences.js";
import { describeOn } from "./tooltip.js";

const SENTENCE_LENGTH = 120;

const field = byId("text");
const article = new ArticleView((sentence) => {
  tooltip.hide();
  correction.open(sentence);
});
const tooltip = describeOn(article.root, (element) => sentences[Number(element.dataset.index)]);
const filters = new Filters((told) => {
  update();
  announce(told);
});
const table = new PairsTable(choosePair);
const graph = new PairsGraph(choosePair);
const correction = new CorrectionDialog({ keeps: false, onSaved: corrected });

let limit = 100_000;
let text = "";
let sentences = [];
let pairs = [];
let chosen = null;
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

function take(newText) {
  clearFailure();
  show("empty");
  field.value = newText;
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
    showFailure(new Refusal(error.message));
  }
}

async function submit() {
  clearFailure();
  const sent = cleaned(field.value);
  const problem = problemOf(sent, limit);
  if (problem) {
    showFailure(new Refusal(problem));
    return;
  }
  underway = new AbortController();
  const began = Date.now();
  const about = counted(Math.max(1, Math.round(lengthOf(sent) / SENTENCE_LENGTH)), "sentence");
  const progress = () => {
    const seconds = Math.round((Date.now() - began) / 1000);
    byId("busy-title").textContent = `Tagging about ${about}${seconds > 0 ? `, ${seconds} s` : ""} …`;
  };
  progress();
  const clock = window.setInterval(progress, 1000);
  show("busy");
  announce(`Tagging about ${about}.`);
  byId("cancel").focus();
  try {
    showResult(sent, await tagArticle(sent, underway.signal));
  } catch (error) {
    show("empty");
    if (error.name === "AbortError") {
      announce("Cancelled.");
      byId("submit").focus();
    } else if (error.status === undefined) throw error;
    else showFailure(error, submit);
  } finally {
    window.clearInterval(clock);
    underway = null;
  }
}

function showResult(sent, answer) {
  text = sent;
  sentences = answer.sentences.map((sentence, index) => ({ ...sentence, index }));
  pairs = answer.pairs;
  chosen = null;
  show("result");
  article.show(text, sentences);
  filters.reset(sentences);
  update();
  const [first] = sentences;
  byId("model").textContent = first ? `Answered by ${first.model.name} ${first.model.version}.` : "";
  byId("download-corrections").hidden = true;
  byId("result-title").focus();
  window.scrollTo(0, 0);
}

/** Draw what hangs on filters, corrections and the pair that is chosen. */
function update() {
  const kept = filters.kept();
  const now = reduced(amended(pairs, sentences), kept);
  const pair = now.find((candidate) => nameOf(candidate) === chosen) ?? null;
  if (!pair) chosen = null;
  article.emphasise(kept, pair && new Set(pair.sentences));
  graph.show(now, chosen);
  table.show(now, chosen);
  showPair(pair);
  const acts = sentences.filter((sentence) => ACTS.includes(kindOf(sentence))).length;
  byId("result-title").textContent = acts ? `${counted(acts, "act")} in ${counted(sentences.length, "sentence")}` : "No acts found";
  byId("result-text").textContent = acts
    ? `${counted(amended(pairs, sentences).length, "pair")} of who takes which stance toward whom.`
    : `None of ${counted(sentences.length, "sentence")} accuses, denies or defends, as far as the model is sure.`;
}

function showPair(pair) {
  const box = byId("shown-pair");
  box.hidden = pair === null;
  if (pair === null) return;
  const step = (by) => {
    const focused = Number(document.querySelector(".sentence[tabindex='0']").dataset.index);
    const next = pair.sentences.filter((index) => (by > 0 ? index > focused : index < focused)).at(by > 0 ? 0 : -1);
    article.focus(next ?? pair.sentences.at(by > 0 ? 0 : -1));
  };
  const several = pair.sentences.length > 1;
  box.replaceChildren(
    make("span", {}, `${inWords(pair)}: ${counted(pair.sentences.length, "sentence")}`),
    ...[
      several && make("button", { type: "button", class: "quiet", onclick: () => step(-1) }, "Previous"),
      several && make("button", { type: "button", class: "quiet", onclick: () => step(1) }, "Next"),
      make("button", { type: "button", class: "quiet", onclick: () => choosePair(null) }, "Show all"),
    ].filter(Boolean),
  );
}

/** Point out the sentences of `pair`, or those of all if it is null or chosen already. */
function choosePair(pair, place = null) {
  const name = pair && nameOf(pair);
  chosen = name === chosen ? null : name;
  update();
  if (chosen === null) {
    announce("All sentences are shown alike.");
    // What had the focus was drawn anew, or is gone.
    if (place) refocus(place, name);
    else article.root.querySelector(".sentence[tabindex='0']").focus({ preventScroll: true });
    return;
  }
  announce(`${counted(pair.sentences.length, "sentence")}: ${inWords(pair)}.`);
  article.focus(pair.sentences[0]);
}

function refocus(place, name) {
  const root = place === "graph" ? graph.root : table.root;
  [...root.querySelectorAll("[data-pair]")].find((element) => element.dataset.pair === name)?.focus();
}

function corrected(sentence) {
  article.redraw(sentence);
  filters.recount();
  update();
  article.focus(sentence.index);
  const number = sentences.filter((candidate) => candidate.correction).length;
  const button = byId("download-corrections");
  button.hidden = false;
  button.textContent = `Download ${counted(number, "correction")}`;
  announce(correction.keeps ? "The correction is saved." : "The correction is kept in this page; download it before you leave.");
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
field.addEventListener("input", count);
field.addEventListener("paste", () => window.setTimeout(count));
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
byId("download-json").addEventListener("click", () => saveJson(text, sentences, amended(pairs, sentences)));
byId("download-csv").addEventListener("click", () => saveCsv(sentences));
byId("download-corrections").addEventListener("click", () => saveReviews(sentences));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && chosen !== null && !document.querySelector("dialog[open]")) choosePair(null);
});
window.addEventListener("beforeunload", (event) => {
  if (!correction.keeps && sentences.some((sentence) => sentence.correction)) event.preventDefault();
});
acceptDrops(field, { onText: take, onFile: takeFile });
offerThemes();
offerKey();
show("empty");
count();
settings().then(
  (found) => {
    correction.keeps = found.reviews;
    limit = found.max_article_characters;
    count();
  },
  (failure) => showFailure(failure),
);

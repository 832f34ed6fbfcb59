// The result: the article, its pairs and filters, kept in step with each other and with a person's corrections.

import { ACTS } from "./acts.js";
import { ArticleView } from "./article.js";
import { CorrectionDialog } from "./correction.js";
import { saveCsv, saveJson, saveReviews } from "./downloads.js";
import { announce, byId, counted, make } from "./elements.js";
import { Filters, kindOf } from "./filters.js";
import { PairsGraph } from "./graph.js";
import { PairsTable, amended, inWords, nameOf, reduced } from "./pairs.js";
import { describeOn } from "./tooltip.js";

/** What an article came to, on the page. */
export class Result {
  constructor() {
    this.sentences = [];
    /** Every correction made on this page, of this article and of those before it. */
    this.reviews = [];
    this.unsaved = false;
    this.article = new ArticleView((sentence) => {
      this.tooltip.hide();
      this.correction.open(sentence);
    });
    this.tooltip = describeOn(this.article.root, (element) => this.sentences[Number(element.dataset.index)]);
    this.filters = new Filters((told) => {
      this.#update();
      announce(told);
    });
    const choose = (pair, place) => this.#choose(pair, place);
    this.graph = new PairsGraph(choose);
    this.table = new PairsTable(choose);
    this.correction = new CorrectionDialog({ keeps: false, onSaved: (sentence) => this.#corrected(sentence) });
    byId("download-json").addEventListener("click", () => saveJson(this.text, this.sentences, this.#pairs()));
    byId("download-csv").addEventListener("click", () => saveCsv(this.sentences));
    byId("download-corrections").addEventListener("click", () => {
      saveReviews(this.reviews);
      this.unsaved = false;
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.chosen && !document.querySelector("dialog[open]")) this.#choose(null);
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.unsaved) event.preventDefault();
    });
  }

  /** Show the service's `answer` to `text`; the section must be visible, for the graph takes its width from it. */
  show(text, answer) {
    this.text = text;
    this.sentences = answer.sentences.map((sentence, index) => ({ ...sentence, index }));
    this.answered = answer.pairs;
    this.chosen = null;
    this.article.show(text, this.sentences);
    this.filters.reset(this.sentences);
    this.#update();
    const [first] = this.sentences;
    byId("model").textContent = first ? `Answered by ${first.model.name} ${first.model.version}.` : "";
    byId("result-title").focus();
    window.scrollTo(0, 0);
  }

  #pairs() {
    return amended(this.answered, this.sentences);
  }

  /** Draw what hangs on filters, corrections and the pair that is chosen. */
  #update() {
    const kept = this.filters.kept();
    const pairs = reduced(this.#pairs(), kept);
    const pair = pairs.find((candidate) => nameOf(candidate) === this.chosen) ?? null;
    if (!pair) this.chosen = null;
    this.article.emphasise(kept, pair && new Set(pair.sentences));
    this.graph.show(pairs, this.chosen);
    this.table.show(pairs, this.chosen);
    this.#showPair(pair);
    const acts = this.sentences.filter((sentence) => ACTS.includes(kindOf(sentence))).length;
    const all = counted(this.sentences.length, "sentence");
    byId("result-title").textContent = acts ? `${counted(acts, "act")} in ${all}` : "No acts found";
    byId("result-text").textContent = acts
      ? `${counted(this.#pairs().length, "pair")} of who takes which stance toward whom.`
      : `None of ${all} accuses, denies or defends, as far as the model is sure.`;
  }

  #showPair(pair) {
    const box = byId("shown-pair");
    box.hidden = pair === null;
    if (pair === null) return;
    const step = (by) => {
      const here = this.article.position();
      const rest = pair.sentences.filter((index) => (by > 0 ? index > here : index < here));
      this.article.focus(rest.at(by > 0 ? 0 : -1) ?? pair.sentences.at(by > 0 ? 0 : -1));
    };
    const button = (name, onclick) => make("button", { type: "button", class: "quiet", onclick }, name);
    const several = pair.sentences.length > 1;
    box.replaceChildren(
      make("span", {}, `${inWords(pair)}: ${counted(pair.sentences.length, "sentence")}`),
      ...(several ? [button("Previous", () => step(-1)), button("Next", () => step(1))] : []),
      button("Show all", () => this.#choose(null)),
    );
  }

  /** Point out the sentences of `pair`, or show all alike if it is null or chosen already. */
  #choose(pair, place = null) {
    const name = pair && nameOf(pair);
    this.chosen = name === this.chosen ? null : name;
    this.#update();
    if (this.chosen) {
      announce(`${counted(pair.sentences.length, "sentence")}: ${inWords(pair)}.`);
      this.article.focus(pair.sentences[0]);
      return;
    }
    announce("All sentences are shown alike.");
    // What had the focus was drawn anew, or is gone.
    if (place === null) this.article.focus(this.article.position());
    else place.querySelectorAll("[data-pair]").forEach((element) => element.dataset.pair === name && element.focus());
  }

  #corrected(sentence) {
    this.article.redraw(sentence);
    this.filters.recount();
    this.#update();
    this.article.focus(sentence.index);
    this.reviews.push(sentence.correction);
    this.unsaved = !this.correction.keeps;
    byId("download-corrections").hidden = false;
    byId("download-corrections").textContent = `Download ${counted(this.reviews.length, "correction")}`;
    announce(
      this.correction.keeps
        ? "The correction is saved."
        : "The correction is kept in this page; download it before you leave.",
    );
  }
}

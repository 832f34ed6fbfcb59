// The result as files.

import { ROLES, STANCES, current, filler } from "./acts.js";
import { make } from "./elements.js";

function save(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** The service's answer, with the corrections beside the sentences that they correct. */
export function toJson(text, sentences, pairs) {
  const records = sentences.map(({ index, correction, ...record }) => ({ ...record, correction: correction ?? null }));
  return `${JSON.stringify({ text, sentences: records, pairs }, null, 2)}\n`;
}

/** A cell; a text that a spreadsheet would take for a formula gets an apostrophe before it. */
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One row for each sentence, as it now stands. */
export function toCsv(sentences) {
  const head = ["sentence", "start", "end", "label", "abstained", "corrected", ...ROLES, "score", ...STANCES, "model", "text"];
  const rows = sentences.map((sentence) => {
    const tag = current(sentence);
    return [
      sentence.index + 1,
      sentence.start,
      sentence.end,
      tag.label,
      tag.abstained,
      tag.corrected,
      ...ROLES.map((role) => filler(sentence, role)),
      sentence.score,
      ...STANCES.map((stance) => sentence.scores[stance]),
      `${sentence.model.name} ${sentence.model.version}`,
      sentence.text,
    ];
  });
  return [head, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** The corrections of this page as a review file. */
export function toReviews(reviews) {
  return reviews.map((review) => `${JSON.stringify(review)}\n`).join("");
}

export const saveJson = (...result) => save("stances.json", "application/json", toJson(...result));
// The mark at the beginning tells spreadsheets that it is UTF-8.
export const saveCsv = (sentences) => save("stances.csv", "text/csv", `\uFEFF${toCsv(sentences)}`);
export const saveReviews = (reviews) => save("corrections.jsonl", "application/x-ndjson", toReviews(reviews));

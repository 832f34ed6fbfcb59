// From what is pasted, dropped or opened to the text of an article.

import { lengthOf } from "./acts.js";

/** A file or text that cannot be taken, as a sentence. */
export class Refusal extends Error {}

const LARGEST_FILE = 5_000_000;
const IGNORED = "script, style, noscript, template, svg, nav, aside, form, button, iframe, figure > img, [hidden]";
const BLOCKS = new Set(
  "ADDRESS ARTICLE BLOCKQUOTE BODY DD DIV DL DT FIGCAPTION FIGURE FOOTER H1 H2 H3 H4 H5 H6 HEADER HR LI MAIN OL P PRE SECTION TABLE TD TH TR UL".split(" "),
);

/** The text of an HTML document, a paragraph a line. It is parsed, never run or loaded from. */
export function textOfHtml(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  for (const element of parsed.querySelectorAll(IGNORED)) element.remove();
  const article = parsed.querySelector("article") ?? parsed.querySelector("main") ?? parsed.body;
  const lines = [""];
  const walk = (node) => {
    for (const child of node.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) lines[lines.length - 1] += child.data.replace(/\s+/g, " ");
      else if (child.nodeType === Node.ELEMENT_NODE) {
        const breaks = BLOCKS.has(child.tagName) || child.tagName === "BR";
        if (breaks) lines.push("");
        walk(child);
        if (breaks) lines.push("");
      }
    }
  };
  walk(article);
  return lines.map((line) => line.trim()).filter(Boolean).join("\n\n");
}

/** The text of a file that was dropped or opened. */
export async function textOfFile(file) {
  const name = file.name.toLowerCase();
  const html = /\.html?$/.test(name) || file.type === "text/html";
  if (!html && !name.endsWith(".txt") && file.type !== "text/plain") {
    throw new Refusal(`${file.name} is neither .txt nor .html; save the article as one of these.`);
  }
  if (file.size > LARGEST_FILE) throw new Refusal(`${file.name} is larger than 5 MB; paste the article's text instead.`);
  const bytes = await file.arrayBuffer();
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal(`${file.name} is not in UTF-8; save it in that encoding, or paste its text.`);
  }
  return html ? textOfHtml(text) : text;
}

/** The text as it is sent: line ends as \n, and nothing that is no character. */
export function cleaned(text) {
  return text.replace(/\r\n?/g, "\n").toWellFormed();
}

/** Why `text` cannot be sent, or null. */
export function problemOf(text, limit) {
  if (!text.trim()) return "There is no text yet. Paste an article, open a file, or use the example.";
  const length = lengthOf(text);
  if (length > limit) {
    const most = limit.toLocaleString("en");
    return `The article has ${length.toLocaleString("en")} characters, and at most ${most} can be tagged at a time. Take a part of it.`;
  }
  return null;
}

/** Let files be dropped anywhere on the page, and text beside the field; within it, text is the browser's to move. */
export function acceptDrops(field, { onText, onFile }) {
  const over = (state) => field.classList.toggle("dropping", state);
  let depth = 0;
  window.addEventListener("dragenter", () => over((depth += 1) > 0));
  window.addEventListener("dragleave", () => over((depth -= 1) > 0));
  window.addEventListener("dragover", (event) => event.preventDefault());
  window.addEventListener("drop", (event) => {
    depth = 0;
    over(false);
    const [file] = event.dataTransfer.files;
    if (document.querySelector("dialog[open]")) {
      // The article behind it stays; a text may be for a field of the dialog, and a file would be opened by the browser.
      if (file) event.preventDefault();
      return;
    }
    if (!file && event.target === field) return;
    event.preventDefault();
    const html = event.dataTransfer.getData("text/html");
    const text = html ? textOfHtml(html) : event.dataTransfer.getData("text/plain");
    if (file) onFile(file);
    else if (text) onText(text);
  });
}

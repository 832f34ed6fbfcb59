// Talking to the service: the requests, the key, and every failure as a sentence.

import { tabStore } from "./storage.js";

const KEY = "stance-key";

/** How long an answer to a correction is waited for, as long as nothing else can be done on the page. */
const SAVE_SECONDS = 20;

/** Why a request gave no answer. */
export class Failure extends Error {
  constructor(message, { status = 0, details = [], wait = null } = {}) {
    super(message);
    this.status = status;
    this.details = details;
    /** Seconds after which the service asks to be tried again, or null. */
    this.wait = wait;
  }
}

/** The key, which lives as long as the tab. */
export const key = {
  get: () => tabStore.get(KEY) ?? "",
  set: (value) => (value ? tabStore.set(KEY, value) : tabStore.remove(KEY)),
};

/** Why `value` cannot be a key, or null. A header takes no other characters, and a browser does not send it then. */
export function keyProblemOf(value) {
  if (/^[ -~]*$/.test(value)) return null;
  return "A key has only printable ASCII characters, and this one has another; copy or type it anew.";
}

const SENTENCES = {
  401: "The service wants an API key. Enter it under “API key”, then try again.",
  403: "The service does not allow this.",
  404: "The service has no such path; it may be of another version than this page. Reload the page.",
  413: "The article is too large for the service. Send a part of it.",
  422: "The service cannot take this text.",
  429: "The service has too much to do, or you have asked too often.",
  500: "The service failed on this request. Its log says where.",
  502: "Something between this page and the service failed.",
  503: "The service is not ready: it has no usable model, or too much to do.",
  504: "The article took longer than the service allows. Send a part of it.",
};

/** Seconds of a Retry-After header, which has seconds or a date, or null. */
export function waitOf(header, now = Date.now()) {
  if (header === null) return null;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : Math.ceil((Date.parse(header) - now) / 1000);
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

async function failureOf(response) {
  const failure = await response.json().catch(() => null);
  const error = failure?.error;
  const details = [];
  if (typeof error?.message === "string" && !error.fields?.length) details.push(error.message);
  for (const field of error?.fields ?? []) details.push(field.path ? `${field.path}: ${field.message}` : field.message);
  const message = SENTENCES[response.status] ?? `The service answered with status ${response.status}.`;
  return new Failure(message, { status: response.status, details, wait: waitOf(response.headers.get("Retry-After")) });
}

async function ask(path, options) {
  let response;
  const headers = { ...options.headers };
  if (key.get()) headers.Authorization = `Bearer ${key.get()}`;
  try {
    response = await fetch(path, { ...options, headers, credentials: "same-origin", redirect: "error" });
    if (response.ok) return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The service cannot be reached. Check that it runs and that the network is up, then try again.");
  }
  throw await failureOf(response);
}

function post(path, body, signal) {
  return ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
}

/** What the page must know of the service. */
export const settings = () => ask("ui/settings.json", {});

/** The sentences of an article with their tags, the counts and the pairs. */
export const tagArticle = (text, signal) => post("tag_article", { text }, signal);

/** Hand in a correction; without an answer it is given up after a while. */
export async function sendCorrection(correction) {
  const patience = new AbortController();
  const timer = window.setTimeout(() => patience.abort(), 1000 * SAVE_SECONDS);
  try {
    await post("ui/reviews", correction, patience.signal);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    // Of two corrections of a sentence the later counts.
    throw new Failure(
      `The service has not answered within ${SAVE_SECONDS} seconds. Try again; if it kept the correction after all, a second does no harm.`,
    );
  } finally {
    window.clearTimeout(timer);
  }
}

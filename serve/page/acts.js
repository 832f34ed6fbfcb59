// The vocabulary of the tags: names in the order of the service, and the signs that stand beside every colour.

export const STANCES = ["accuses", "denies", "defends", "neutral"];
export const ACTS = ["accuses", "denies", "defends"];
export const ROLES = ["source", "target", "issue"];

/** A sign for each act, so that none is told by its colour alone. */
export const SIGNS = { accuses: "!", denies: "×", defends: "+", neutral: "·" };

export const UNNAMED = "not named";

/** A probability as whole percent; what is not certain is never called 100 or 0. */
export function percent(probability) {
  if (probability > 0.99 && probability < 1) return "> 99 %";
  if (probability < 0.01 && probability > 0) return "< 1 %";
  return `${Math.round(probability * 100)} %`;
}

/** The tag of a sentence as it now stands: a person's correction, or else the tagger's answer. */
export function current(sentence) {
  if (sentence.correction) {
    const { label, roles } = sentence.correction;
    return { label, roles, abstained: false, corrected: true };
  }
  const roles = ROLES.filter((role) => sentence[role] !== null).map((role) => {
    const { start, end } = sentence[role];
    return { role, start, end };
  });
  return { label: sentence.label, roles, abstained: sentence.abstained, corrected: false };
}

/** What fills `role` in the sentence as it now stands, or null. */
export function filler(sentence, role) {
  const span = current(sentence).roles.find((found) => found.role === role);
  return span ? slice(sentence.text, span.start, span.end) : null;
}

/** The characters `[start, end)` of `text`, counted as the service counts: in code points. */
export function slice(text, start, end) {
  return Array.from(text).slice(start, end).join("");
}

/** How many characters the service finds in `text`. */
export function lengthOf(text) {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

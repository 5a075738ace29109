/** What to do about a failure, added to the sentence that says what it is. */

/** @type {Record<string, string>} by the last part of the type of a problem */
const ADVICE = {
  "unsupported-type": "Open it in the program that made it, save it as PNG, JPEG or MP4, and add that.",
  unreadable: "It may be damaged: copy or save it again, and add that.",
  "too-large": "Choose a smaller size, or a smaller file.",
  crashed: "Try again. If it fails again, choose a smaller size or another model.",
  unavailable: "Try again in a while.",
  interrupted: "Try again.",
};

/**
 * @param {string} text As the server writes it: `this file is not an image`.
 * @returns {string} as a sentence
 */
export function spoken(text) {
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`;
}

/**
 * @param {string} detail What a problem says.
 * @param {string} type Of the problem, such as `/problems/too-large`.
 * @returns {string} that, and what to do
 */
export function advised(detail, type) {
  const advice = ADVICE[type.split("/").pop() ?? ""];
  return advice ? `${spoken(detail)} ${advice}` : spoken(detail);
}

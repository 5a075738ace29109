/** What to do about a failure, added to the sentence that says what it is. */

/** @type {Record<string, string>} by the last part of the type of a problem */
const ADVICE = {
  "unsupported-type": "Open it in the program that made it, save it as PNG, JPEG or MP4, and add that.",
  unreadable: "It may be damaged: copy or save it again, and add that.",
  crashed: "Try again. If it fails again, choose a smaller size or another model.",
  unavailable: "Try again in a while.",
  interrupted: "Try again.",
};

/**
 * @param {string} text As the server writes it: `this file is not an image`.
 * @returns {string} as a sentence
 */
export function spoken(text) {
  const named = /^\S+\.\w{2,5}:/.test(text); // The name of a file stays as it is.
  const sentence = named ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`;
}

/**
 * @param {string} detail What a problem says.
 * @param {string} type Of the problem, such as `/problems/too-large`.
 * @returns {string} that, and what to do
 */
export function advised(detail, type) {
  const kind = type.split("/").pop() ?? "";
  const advice = kind === "too-large" ? tooLarge(detail) : ADVICE[kind];
  return advice ? `${spoken(detail)} ${advice}` : spoken(detail);
}

/**
 * @param {string} detail What is too large: the result, or what was sent.
 * @returns {string}
 */
function tooLarge(detail) {
  return /result/.test(detail)
    ? "Choose a smaller size."
    : "Make it smaller first, or start the server with a higher limit.";
}

/** What this browser remembers: its client id, by which the server knows its jobs, and the last settings. */

const CLIENT = "subpixel.client";
const SETTINGS = "subpixel.settings";

/**
 * @param {string} key
 * @returns {string | null} null also where the browser keeps nothing
 */
function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // Storage is switched off: the page works, and forgets at reload.
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
function write(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // As above.
  }
}

/** @returns {string} 32 random hexadecimal digits */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @returns {string} */
function ownClient() {
  const known = read(CLIENT);
  if (known && /^[0-9a-f]{32}$/.test(known)) return known;
  const made = randomId();
  write(CLIENT, made);
  return made;
}

/** The random name of this browser. */
export const client = ownClient();

/** @returns {Record<string, string>} the settings of last time; empty if there are none */
export function savedSettings() {
  try {
    const saved = JSON.parse(read(SETTINGS) ?? "{}");
    return typeof saved === "object" && saved !== null ? saved : {};
  } catch {
    return {};
  }
}

/** @param {Record<string, string>} settings */
export function saveSettings(settings) {
  write(SETTINGS, JSON.stringify(settings));
}

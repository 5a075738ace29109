/** Messages: read aloud by screen readers, and shown for a while at the edge of the page. */

import { byId, element } from "./dom.js";

const SHOWN = 6000; // milliseconds: long enough to read two lines and reach the button.

/**
 * Says something to screen readers alone.
 *
 * @param {string} text
 */
export function announce(text) {
  byId("live", HTMLElement).textContent = text;
}

/**
 * Shows a message, with one thing to do about it at most.
 *
 * @param {string} text
 * @param {{ label: string, run: () => void }} [action]
 * @returns {Promise<void>} settled when the message has gone
 */
export function toast(text, action) {
  announce(text);
  return new Promise((resolve) => {
    const leave = () => {
      clearTimeout(timer);
      shown.remove();
      resolve();
    };
    const act = () => {
      action?.run();
      leave();
    };
    const button = action && element("button", { type: "button", class: "quiet", onclick: act }, action.label);
    const shown = element("div", { class: "toast" }, element("span", {}, text), button);
    let timer = setTimeout(leave, SHOWN);
    shown.addEventListener("focusin", () => clearTimeout(timer));
    shown.addEventListener("focusout", () => {
      timer = setTimeout(leave, SHOWN);
    });
    byId("toasts", HTMLElement).append(shown);
  });
}

/** What files would take and make: asked of the server one at a time, and remembered for settings tried before. */

import { estimate, RequestError } from "./api.js";
import { kindOf } from "./files.js";
import { faultOf } from "./limits.js";

/** @import { Estimate, Job, Options } from "./types.js" */

/** @typedef {{ estimate: Estimate | null, fault: string }} Answer `fault`: why it would fail; `estimate` is then null. */

/** Larger files are not sent only to be estimated. */
const LARGEST = 64e6; // bytes: under a second on this machine, a few on a local network.

/** Of many files, only so many are asked about: each is sent for it. */
export const MOST_ASKED = 24;

const PAUSE = 3000; // milliseconds until a question is asked again that nobody had time to answer
const SETTLED = 250; // milliseconds without a change before the first question

/** Asks for the estimates of files, again whenever the settings change. */
export class Estimates {
  constructor() {
    /** @type {WeakMap<File | Job, Map<string, Answer>>} */
    this.known = new WeakMap();
    this.round = new AbortController();
  }

  /**
   * Asks for these, up to a number of them, and drops the questions of before.
   *
   * @param {{ source: File | Job, options: Options }[]} wanted
   * @param {(source: File | Job, answer: Answer) => void} onAnswer
   * @returns {Promise<boolean>} whether the settings stayed until all had been asked
   */
  async ask(wanted, onAnswer) {
    this.round.abort();
    const { signal } = (this.round = new AbortController());
    /** @type {typeof wanted} */
    const open = [];
    for (const each of wanted) {
      const fault = each.source instanceof File ? faultOf(each.source, kindOf(each.source)) : "";
      if (fault) {
        onAnswer(each.source, { estimate: null, fault });
        continue;
      }
      const answer = this.known.get(each.source)?.get(JSON.stringify(each.options));
      if (answer) onAnswer(each.source, answer);
      else open.push(each);
    }
    await new Promise((resolve) => setTimeout(resolve, SETTLED));
    for (const each of open.slice(0, MOST_ASKED)) {
      if (signal.aborted) return false;
      if (each.source instanceof File && each.source.size > LARGEST) continue;
      let answer = await this.answer(each.source, each.options, signal);
      while (!answer && !signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
        if (!signal.aborted) answer = await this.answer(each.source, each.options, signal);
      }
      if (signal.aborted || !answer) return false;
      const answers = this.known.get(each.source) ?? new Map();
      this.known.set(each.source, answers.set(JSON.stringify(each.options), answer));
      onAnswer(each.source, answer);
    }
    return !signal.aborted;
  }

  /**
   * @param {File | Job} source
   * @param {Options} options
   * @param {AbortSignal} signal
   * @returns {Promise<Answer | null>} null if nobody answered, so that nothing is remembered
   */
  async answer(source, options, signal) {
    try {
      return { estimate: await estimate(source, options, signal), fault: "" };
    } catch (error) {
      const refused = error instanceof RequestError && error.status >= 400 && error.status < 500 && error.status !== 429;
      if (error instanceof RequestError && error.status === 401) return null; // The page says so above.
      return refused ? { estimate: null, fault: error.message } : null;
    }
  }
}

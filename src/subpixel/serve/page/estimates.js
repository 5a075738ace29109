/** What files would take and make: asked of the server one at a time, and remembered for settings tried before. */

import { estimate, RequestError } from "./api.js";

/** @import { Estimate, Job, Options } from "./types.js" */

/** @typedef {{ estimate: Estimate | null, fault: string }} Answer `fault`: why it would fail; `estimate` is then null. */

/** Larger files are not sent only to be estimated. */
const LARGEST = 64e6; // bytes: under a second on this machine, a few on a local network.

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
   * Asks for all of these, and drops the questions of before.
   *
   * @param {{ source: File | Job, options: Options }[]} wanted
   * @param {(source: File | Job, answer: Answer) => void} onAnswer
   */
  async ask(wanted, onAnswer) {
    this.round.abort();
    const { signal } = (this.round = new AbortController());
    /** @type {typeof wanted} */
    const open = [];
    for (const each of wanted) {
      const answer = this.known.get(each.source)?.get(JSON.stringify(each.options));
      if (answer) onAnswer(each.source, answer);
      else open.push(each);
    }
    await new Promise((resolve) => setTimeout(resolve, SETTLED));
    for (const each of open) {
      if (signal.aborted) return;
      if (each.source instanceof File && each.source.size > LARGEST) continue;
      let answer = await this.answer(each.source, each.options, signal);
      while (!answer && !signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
        if (!signal.aborted) answer = await this.answer(each.source, each.options, signal);
      }
      if (signal.aborted || !answer) return;
      const answers = this.known.get(each.source) ?? new Map();
      this.known.set(each.source, answers.set(JSON.stringify(each.options), answer));
      onAnswer(each.source, answer);
    }
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
      return refused ? { estimate: null, fault: error.message } : null;
    }
  }
}

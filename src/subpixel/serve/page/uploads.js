/** Files on their way to the server: two at a time, each with its progress. They wait where the queue is full. */

import { RequestError, upload } from "./api.js";
import { faultOf } from "./limits.js";
import { randomId } from "./memory.js";

/** @import { Job, Kind, Options } from "./types.js" */

/**
 * @typedef {object} Upload
 * @property {string} key
 * @property {File} file
 * @property {Kind} kind
 * @property {Options} options
 * @property {"waiting" | "sending" | "paused" | "failed"} state `paused`: it is sent again by itself after a while.
 * @property {number} sent
 * @property {number} total
 * @property {string} error Why it is paused or has failed.
 * @property {number} attempts
 * @property {number} started When it was sent last, by `performance.now()`.
 * @property {AbortController | null} abort
 */

const AT_ONCE = 2;
const MOST_ATTEMPTS = 3; // where no answer comes and the server is there: it may hang up before all was sent.
const LONGEST_PAUSE = 60; // seconds; a server that asks for more is asked again all the same.

/** The queue of uploads. */
export class Uploads {
  constructor() {
    /** @type {Map<string, Upload>} */
    this.all = new Map();
    /** @type {((upload: Upload) => void)[]} */
    this.onChange = [];
    /** @type {((upload: Upload, job: Job | null) => void)[]} */
    this.onLeave = [];
    this.connected = true;
  }

  /**
   * What broke off is sent again as soon as the server is there again.
   *
   * @param {boolean} connected
   */
  connection(connected) {
    const came = connected && !this.connected;
    this.connected = connected;
    if (!came) return;
    for (const entry of [...this.all.values()]) if (entry.state === "paused") this.retry(entry);
  }

  /**
   * @param {Kind} kind
   * @param {File} file
   * @param {Options} options
   * @returns {Upload}
   */
  add(kind, file, options) {
    /** @type {Upload} */
    const entry = {
      key: randomId(),
      file,
      kind,
      options,
      state: "waiting",
      sent: 0,
      total: file.size,
      error: "",
      attempts: 0,
      started: 0,
      abort: null,
    };
    this.all.set(entry.key, entry);
    const fault = faultOf(file, kind);
    if (fault) this.fail(entry, new Error(fault));
    else {
      this.tell(entry);
      this.start();
    }
    return entry;
  }

  /** @returns {boolean} whether leaving the page would lose something */
  get busy() {
    return [...this.all.values()].some((entry) => entry.state !== "failed");
  }

  /**
   * @param {Job} job
   * @returns {boolean} whether it seems to be of an upload whose answer has not come yet
   */
  expects({ source }) {
    const sending = [...this.all.values()].filter((entry) => entry.state === "sending");
    return sending.some(({ file }) => file.name === source.name && file.size === source.bytes);
  }

  /** Sends what waits, as far as there is room. What is paused goes first: there is no room for others either. */
  start() {
    if ([...this.all.values()].some((entry) => entry.state === "paused")) return;
    for (const entry of this.all.values()) {
      const sending = [...this.all.values()].filter((other) => other.state === "sending").length;
      if (sending >= AT_ONCE) return;
      if (entry.state === "waiting") void this.send(entry);
    }
  }

  /** @param {Upload} entry */
  async send(entry) {
    entry.state = "sending";
    entry.sent = 0;
    entry.attempts += 1;
    entry.started = performance.now();
    entry.abort = new AbortController();
    this.tell(entry);
    try {
      const job = await upload(entry.kind, entry.file, entry.options, entry.key, entry.abort.signal, (sent, total) => {
        entry.sent = sent;
        entry.total = total;
        this.tell(entry);
      });
      this.leave(entry, job);
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") this.leave(entry, null);
      else if (error instanceof RequestError && error.status === 429) {
        this.pause(entry, error.retryAfter ?? 2, "the queue is full; it is sent as soon as there is room");
      } else if (error instanceof RequestError && !error.status && (!this.connected || entry.attempts < MOST_ATTEMPTS)) {
        this.pause(entry, 2, "the connection broke; it is sent again as soon as it is back");
      } else this.fail(entry, error);
    }
    this.start();
  }

  /**
   * @param {Upload} entry
   * @param {number} seconds
   * @param {string} why
   */
  pause(entry, seconds, why) {
    entry.state = "paused";
    entry.error = why;
    this.tell(entry);
    setTimeout(() => entry.state === "paused" && this.retry(entry), Math.min(seconds, LONGEST_PAUSE) * 1000);
  }

  /**
   * @param {Upload} entry
   * @param {unknown} error
   */
  fail(entry, error) {
    entry.state = "failed";
    entry.error = error instanceof Error ? error.message : String(error);
    this.tell(entry);
  }

  /** @param {Upload} entry */
  retry(entry) {
    if (!this.all.has(entry.key)) return;
    entry.state = "waiting";
    entry.error = "";
    this.tell(entry);
    this.start();
  }

  /** @param {Upload} entry */
  cancel(entry) {
    if (entry.state === "sending") entry.abort?.abort();
    else this.leave(entry, null);
  }

  /**
   * @param {Upload} entry
   * @param {Job | null} job
   */
  leave(entry, job) {
    this.all.delete(entry.key);
    for (const listener of this.onLeave) listener(entry, job);
  }

  /** @param {Upload} entry */
  tell(entry) {
    for (const listener of this.onChange) listener(entry);
  }
}

/** The frames of an animation, loaded one by one: its original and its result in step. */

import { RequestError } from "./api.js";
import { loadImage, release } from "./layers.js";

/** @import { Which } from "./layers.js" */
/** @import { Layer } from "./painter.js" */
/** @import { Job } from "./types.js" */

/** @typedef {{ before: Layer, after: Layer }} Pair */

const KEPT = 300e6; // bytes of frames that are kept: a short animation is loaded once
const PACE = 100; // milliseconds of a frame; how long the file shows it is not known here

/** The frames of one comparison. */
export class Frames {
  /**
   * @param {Job} job
   * @param {Job} other What it is compared with: another result, or the job itself.
   * @param {Which} of
   */
  constructor(job, other, of) {
    this.job = job;
    this.other = other;
    this.of = of;
    this.place = 1;
    this.range = { first: 1, last: Math.min(job.frames ?? 1, other.frames ?? 1), step: 1 };
    this.paused = true;
    /** @type {Map<number, Promise<Pair>>} by frame, the one that was used last at the end */
    this.pairs = new Map();
    this.most = Math.max(2, Math.floor(KEPT / (8 * (job.result?.width ?? 1000) * (job.result?.height ?? 1000))));
    this.abort = new AbortController();
    /** @type {(pair: Pair) => void} */
    this.onFrame = () => {};
    /** @type {(sentence: string) => void} */
    this.onFault = () => {};
    /** @type {(() => void)[]} */
    this.listeners = [];
  }

  /** @returns {string} */
  get text() {
    return `Frame ${this.place} of ${this.range.last}`;
  }

  /** @param {() => void} listener */
  watch(listener) {
    this.listeners.push(listener);
  }

  tell() {
    for (const listener of this.listeners) listener();
  }

  /**
   * Both images of a frame.
   *
   * @param {number} frame
   * @returns {Promise<Pair>}
   */
  pair(frame) {
    const { signal } = this.abort;
    const known = this.pairs.get(frame);
    const pair =
      known ??
      Promise.all([
        loadImage(this.other, this.of, signal, frame),
        loadImage(this.job, "result", signal, frame),
      ]).then(([before, after]) => ({ before, after }));
    this.pairs.delete(frame);
    this.pairs.set(frame, pair);
    return pair;
  }

  /**
   * Goes to a frame, which is shown as soon as it is there.
   *
   * @param {number} place
   */
  seek(place) {
    this.place = Math.min(this.range.last, Math.max(1, Math.round(place)));
    this.tell();
    void this.show(this.place);
  }

  /**
   * @param {number} frame
   * @returns {Promise<boolean>} whether it could be loaded
   */
  async show(frame) {
    try {
      const pair = await this.pair(frame);
      if (frame === this.place && !this.abort.signal.aborted) {
        this.onFrame(pair);
        this.forget(frame);
      }
      return true;
    } catch (error) {
      this.pairs.delete(frame);
      if (this.abort.signal.aborted) return false;
      if (!(error instanceof RequestError)) throw error;
      this.pause();
      this.onFault(error.message);
      return false;
    }
  }

  /**
   * Lets go of frames that were not shown for longest.
   *
   * @param {number} shown
   */
  forget(shown) {
    for (const [frame, pair] of [...this.pairs].slice(0, Math.max(0, this.pairs.size - this.most))) {
      if (frame === shown) continue;
      this.pairs.delete(frame);
      void pair.then(({ before, after }) => [before, after].forEach(release), () => {});
    }
  }

  /** @param {1 | -1} direction */
  frame(direction) {
    this.pause();
    this.seek(this.place + direction);
  }

  pause() {
    this.paused = true;
    this.tell();
  }

  /** Plays from here, around the end, or pauses. */
  toggle() {
    if (!this.paused) return this.pause();
    this.paused = false;
    this.tell();
    void this.run();
  }

  async run() {
    while (!this.paused && !this.abort.signal.aborted) {
      const next = this.place < this.range.last ? this.place + 1 : 1;
      const [loaded] = await Promise.all([this.pair(next).catch(() => null), new Promise((done) => setTimeout(done, PACE))]);
      if (this.paused) return;
      this.place = next;
      this.tell();
      if (!(await this.show(next)) || !loaded) return;
    }
  }

  close() {
    this.paused = true;
    this.abort.abort();
    for (const pair of this.pairs.values()) void pair.then(({ before, after }) => [before, after].forEach(release), () => {});
    this.pairs.clear();
  }
}

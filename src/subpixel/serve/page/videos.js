/** Two videos that are played in step, or one whose halves are compared. */

import { address } from "./api.js";
import { labelOf } from "./layers.js";
import { Stills } from "./stills.js";
import { clock } from "./words.js";

/** @import { Layer } from "./painter.js" */
/** @import { Job } from "./types.js" */
/** @import { Size } from "./view.js" */

const FRAME = 1 / 25; // seconds of a step; the browser does not tell how long a frame is.
const CLOSE = 1 / 50; // seconds: two videos this close show the same frame of most videos.
const JUMP = 0.25; // seconds: further apart, the follower jumps instead of hurrying.
const LATE = [0, 60, 200, 700]; // milliseconds after a jump, at which its frame may be there
const INSIDE = 0.004; // seconds after the begin of a frame: at the very begin, roundings decide which frame is shown.
const HURRY = 0.1; // the change of its speed while it catches up

/**
 * A video that can be drawn from as soon as this settles.
 *
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<HTMLVideoElement>}
 */
function open(url, signal) {
  const video = document.createElement("video");
  video.playsInline = true;
  video.preload = "auto";
  return new Promise((resolve, reject) => {
    video.addEventListener("loadeddata", () => {
      if (video.videoWidth) resolve(video);
      else reject(new Error("This browser hears this video, but does not show it. Download it to see it."));
    });
    video.addEventListener("error", () => {
      reject(new Error("This browser cannot show this kind of video. Download it to see it in a player."));
    });
    signal.addEventListener("abort", () => reject(new DOMException("closed", "AbortError")));
    video.src = url;
  });
}

/**
 * The place in seconds of a time as the command line writes it: `90`, `1:30.5`, `0:01:30`.
 *
 * @param {unknown} time
 * @returns {number}
 */
export function secondsOf(time) {
  if (time === undefined || time === null || time === "") return 0;
  return String(time)
    .split(":")
    .reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** The videos of one comparison. The result leads; the other follows it. */
export class Videos {
  /**
   * @param {HTMLVideoElement} leader
   * @param {HTMLVideoElement | null} follower
   * @param {number} offset Where in the follower the leader begins, in seconds.
   * @param {{ before: string, after: string }} labels
   * @param {boolean} halves The leader shows both, beside each other.
   */
  constructor(leader, follower, offset, labels, halves) {
    this.leader = leader;
    this.follower = follower;
    this.offset = offset;
    this.labels = labels;
    this.halves = halves;
    /** @type {() => void} */
    this.onFrame = () => {};
    this.closed = false;
    /** @type {number | null} where the frame of the leader begins that was shown last, where the browser tells */
    this.shownAt = null;
    /** @type {Stills | null} what the leader is compared with, where the browser cannot play it */
    this.stills = null;
    if (follower) follower.muted = true;
    for (const video of [leader, follower]) {
      video?.addEventListener("seeked", () => this.arrive());
      if (video) this.follow(video);
    }
    leader.addEventListener("play", () => void this.follower?.play().catch(() => {})); // As in toggle.
    leader.addEventListener("pause", () => {
      this.follower?.pause();
      if (!leader.ended) this.seek(this.shownAt ?? leader.currentTime);
    });
    follower?.addEventListener("seeked", () => this.align()); // The leader may have gone on meanwhile.
    leader.addEventListener("seeking", () => this.align());
  }

  /**
   * Loads what a job is compared with.
   *
   * @param {Job} job
   * @param {Job | null} other Another result of the same video, or null for the original.
   * @param {AbortSignal} signal
   * @returns {Promise<Videos>}
   */
  static async open(job, other, signal) {
    const halves = Boolean(job.options.preview);
    const leader = await open(address(`v1/jobs/${job.id}/result`), signal);
    const after = labelOf(job);
    if (halves) return new Videos(leader, null, 0, { before: "Bicubic", after }, true);
    const start = secondsOf(job.options.start);
    const url = address(other ? `v1/jobs/${other.id}/result` : `v1/jobs/${job.id}/source`);
    const offset = start - (other ? secondsOf(other.options.start) : 0);
    try {
      const follower = await open(url, signal);
      const videos = new Videos(leader, follower, offset, { before: other ? labelOf(other) : "Original", after }, false);
      videos.align();
      return videos;
    } catch (error) {
      if (signal.aborted) throw error;
      const videos = new Videos(leader, null, 0, { before: "", after }, false);
      videos.stills = new Stills(other ?? job, other ? "result" : "source", leader, offset);
      return videos;
    }
  }

  /** Paints after a jump, and again: a video says that it is there a little before its frame can be drawn. */
  arrive() {
    for (const pause of LATE) setTimeout(() => this.closed || this.onFrame(), pause);
  }

  /** @returns {Size} the size of the result */
  get size() {
    const { videoWidth, videoHeight } = this.leader;
    return { width: this.halves ? videoWidth / 2 : videoWidth, height: videoHeight };
  }

  /** @returns {{ before: Layer | null, after: Layer }} */
  get layers() {
    const { leader, follower, labels } = this;
    const { width, height } = this.size;
    const part = { x: 0, y: 0, width, height };
    const alike = { size: { width, height }, smooth: false, tiles: null };
    if (this.halves) {
      return {
        before: { ...alike, source: leader, part, label: labels.before },
        after: { ...alike, source: leader, part: { ...part, x: width }, label: labels.after },
      };
    }
    const other = follower && { x: 0, y: 0, width: follower.videoWidth, height: follower.videoHeight };
    return {
      before: follower && other && { ...alike, source: follower, part: other, size: other, smooth: other.width < width, label: labels.before },
      after: { ...alike, source: leader, part, label: labels.after },
    };
  }

  /**
   * Paints at each new frame, where the browser tells of them; otherwise at each refresh of the screen while it plays.
   *
   * @param {HTMLVideoElement} video
   */
  follow(video) {
    if (this.closed) return;
    const next = (/** @type {number} */ _now, /** @type {VideoFrameCallbackMetadata | null} */ frame) => {
      if (this.closed) return;
      if (video === this.leader) this.shownAt = frame?.mediaTime ?? null;
      if (video === this.leader) this.align();
      this.onFrame();
      this.follow(video);
    };
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(next);
    else requestAnimationFrame((now) => next(now, null));
  }

  /** Brings the follower to the place of the leader. */
  align() {
    const { leader, follower } = this;
    if (!follower) return;
    // One of them may be a little shorter: it then stays at its end.
    const wanted = Math.max(0, Math.min(leader.currentTime + this.offset, follower.duration || Number.POSITIVE_INFINITY));
    const late = wanted - follower.currentTime;
    if (leader.paused || Math.abs(late) > JUMP) {
      if (Math.abs(late) > 1e-3 && !follower.seeking) follower.currentTime = wanted;
      follower.playbackRate = leader.playbackRate;
    } else if (Math.abs(late) > CLOSE) follower.playbackRate = leader.playbackRate + Math.sign(late) * HURRY;
    else follower.playbackRate = leader.playbackRate;
  }

  /** @returns {{ first: number, last: number, step: "any" }} the places, in seconds */
  get range() {
    const { duration } = this.leader;
    return { first: 0, last: Number.isFinite(duration) ? duration : 0, step: "any" };
  }

  /** @returns {number} in seconds */
  get place() {
    return this.leader.currentTime;
  }

  /** @returns {boolean} */
  get paused() {
    return this.leader.paused;
  }

  /** @returns {string} */
  get text() {
    return `${clock(this.place)} / ${clock(this.range.last)}`;
  }

  /** @param {() => void} listener Called when the place changes. */
  watch(listener) {
    for (const name of ["play", "pause", "timeupdate", "durationchange", "seeked"]) this.leader.addEventListener(name, listener);
  }

  /** @param {1 | -1} direction */
  frame(direction) {
    this.leader.pause();
    this.seek(Math.max(0, this.place - INSIDE + direction * FRAME));
  }

  /** Plays, or pauses. */
  toggle() {
    if (!this.leader.paused) return this.leader.pause();
    this.leader.play().catch(() => {}); // Paused again before it began.
  }

  /**
   * Goes to a place. Both are sent there, wherever they say that they are: a video that is paused may show a frame
   * that is a little older or newer than its time.
   *
   * @param {number} seconds
   */
  seek(seconds) {
    this.leader.currentTime = seconds + INSIDE;
    if (this.follower) this.follower.currentTime = seconds + INSIDE + this.offset;
  }

  close() {
    this.closed = true;
    this.stills?.close();
    for (const video of [this.leader, this.follower]) {
      if (!video) continue;
      video.pause();
      video.removeAttribute("src");
      video.load();
    }
  }
}

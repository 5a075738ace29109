/** Frames of a video that the browser cannot play: the server makes images of them, while the other video is paused. */

import { address, blobOf, RequestError } from "./api.js";
import { labelOf, release } from "./layers.js";

/** @import { Layer } from "./painter.js" */
/** @import { Job } from "./types.js" */

/** The frame that belongs to the place of another video. */
export class Stills {
  /**
   * @param {Job} job
   * @param {"source" | "result"} of
   * @param {HTMLVideoElement} leader
   * @param {number} offset Where the leader begins in this one, in seconds.
   */
  constructor(job, of, leader, offset) {
    this.job = job;
    this.of = of;
    this.leader = leader;
    this.offset = offset;
    this.label = of === "source" ? "Original" : labelOf(job);
    /** @type {Layer | null} */
    this.layer = null;
    this.loading = new AbortController();
    /** @type {(still: Layer | null) => void} */
    this.onStill = () => {};
  }

  /** @param {(still: Layer | null) => void} onStill Called with each frame that is there, and with null while it plays. */
  begin(onStill) {
    this.onStill = onStill;
    this.leader.addEventListener("play", () => this.show(null));
    for (const name of ["pause", "seeked"]) this.leader.addEventListener(name, () => void this.ask());
    void this.ask();
  }

  /** Asks for the frame of now. */
  async ask() {
    this.loading.abort();
    const { signal } = (this.loading = new AbortController());
    const { leader } = this;
    if (!leader.paused || leader.seeking) return;
    const time = Math.max(0, leader.currentTime + this.offset).toFixed(3);
    try {
      const blob = await blobOf(address(`v1/jobs/${this.job.id}/preview`, { of: this.of, time }), signal);
      const source = await createImageBitmap(blob);
      if (signal.aborted) return source.close();
      const size = { width: source.width, height: source.height };
      const smooth = size.width < leader.videoWidth;
      this.show({ source, part: { x: 0, y: 0, ...size }, size, smooth, label: this.label, tiles: null });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof RequestError)) throw error;
      this.show(null); // There is no such frame, or it cannot be decoded: the result alone is shown.
    }
  }

  /** @param {Layer | null} still */
  show(still) {
    const before = this.layer;
    this.layer = still;
    this.onStill(still);
    release(before);
  }

  close() {
    this.loading.abort();
    this.onStill = () => {};
    this.show(null);
  }
}

/** The controls under a video: play, the place in it, single frames. */

import { byId, icon } from "./dom.js";
import { clock } from "./words.js";

/** @import { Videos } from "./videos.js" */

const FRAME = 1 / 25; // seconds; the browser does not tell how long a frame is.

/** The controls of the videos that are shown. */
export class Playback {
  constructor() {
    /** @type {Videos | null} */
    this.videos = null;
    this.bar = byId("playback", HTMLElement);
    this.play = byId("play", HTMLButtonElement);
    this.place = byId("place", HTMLInputElement);
    this.time = byId("time", HTMLOutputElement);
    this.play.addEventListener("click", () => this.videos?.toggle());
    this.place.addEventListener("input", () => this.videos?.seek(Number(this.place.value)));
  }

  /** @param {Videos | null} videos */
  show(videos) {
    this.videos = videos;
    this.bar.hidden = !videos;
    if (!videos) return;
    const { leader } = videos;
    for (const name of ["play", "pause", "timeupdate", "durationchange", "seeked"]) {
      leader.addEventListener(name, () => this.videos === videos && this.tell());
    }
    this.tell();
  }

  tell() {
    if (!this.videos) return;
    const { leader } = this.videos;
    const length = Number.isFinite(leader.duration) ? leader.duration : 0;
    this.play.replaceChildren(icon(leader.paused ? "play" : "pause"));
    this.play.setAttribute("aria-label", leader.paused ? "Play" : "Pause");
    this.place.max = String(length);
    this.place.value = String(leader.currentTime);
    this.place.setAttribute("aria-valuetext", clock(leader.currentTime));
    this.time.value = `${clock(leader.currentTime)} / ${clock(length)}`;
  }

  /** @param {1 | -1} direction */
  frame(direction) {
    if (!this.videos) return;
    this.videos.leader.pause();
    this.videos.seek(Math.max(0, this.videos.leader.currentTime + direction * FRAME));
  }
}

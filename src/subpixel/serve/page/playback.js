/** The controls under what moves: play, the place in it, single frames. */

import { byId, icon } from "./dom.js";

/**
 * @typedef {object} Player What moves: videos, or the frames of an animation.
 * @property {{ first: number, last: number, step: number | "any" }} range Of its places.
 * @property {number} place
 * @property {boolean} paused
 * @property {string} text Where it is, in words.
 * @property {() => void} toggle Plays, or pauses.
 * @property {(place: number) => void} seek
 * @property {(direction: 1 | -1) => void} frame
 * @property {(listener: () => void) => void} watch
 */

/** The controls of what is shown. */
export class Playback {
  constructor() {
    /** @type {Player | null} */
    this.player = null;
    this.bar = byId("playback", HTMLElement);
    this.play = byId("play", HTMLButtonElement);
    this.place = byId("place", HTMLInputElement);
    this.time = byId("time", HTMLOutputElement);
    this.play.addEventListener("click", () => this.player?.toggle());
    this.place.addEventListener("input", () => this.player?.seek(Number(this.place.value)));
  }

  /** @param {Player | null} player */
  show(player) {
    this.player = player;
    this.bar.hidden = !player;
    player?.watch(() => this.player === player && this.tell());
    this.tell();
  }

  tell() {
    const { player, place } = this;
    if (!player) return;
    const { first, last, step } = player.range;
    this.play.replaceChildren(icon(player.paused ? "play" : "pause"));
    this.play.setAttribute("aria-label", player.paused ? "Play" : "Pause");
    [place.min, place.max, place.step] = [String(first), String(last), String(step)];
    place.value = String(player.place);
    place.setAttribute("aria-valuetext", player.text);
    this.time.value = player.text;
  }
}

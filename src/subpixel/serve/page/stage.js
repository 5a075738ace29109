/** The stage of the comparison: two layers, how they are shown, the slider over them, and their labels. */

import { announce } from "./announce.js";
import { byId } from "./dom.js";
import { watch } from "./gestures.js";
import { Painter } from "./painter.js";
import { zoomText } from "./words.js";

/** @import { Layer, Mode } from "./painter.js" */
/** @import { Size, View } from "./view.js" */

const LABEL_GAP = 12; // pixels of the page between a label and the edge
const LABEL_ROOM = 300; // pixels of the page for two labels

/** What is shown of a comparison. */
export class Stage {
  /** @param {HTMLElement} frame The element around it, whose attributes tell what is shown. */
  constructor(frame) {
    this.frame = frame;
    this.canvas = byId("canvas", HTMLCanvasElement);
    this.slider = byId("slider", HTMLInputElement);
    this.message = byId("stage-message", HTMLElement);
    this.painter = new Painter(this.canvas);
    this.painter.onPaint = () => this.tellSharp();
    this.name = "";
    this.quiet = ""; // What is said in the corner, when nothing else is.
    /** @type {(mode: Mode) => void} */
    this.onMode = () => {};
    this.listen();
  }

  listen() {
    const { slider, painter } = this;
    slider.addEventListener("input", () => this.split(Number(slider.value)));
    for (const input of this.frame.querySelectorAll("input[name=mode]")) {
      // A click on the view that is chosen already ends the blinking.
      input.addEventListener("click", () => this.setMode(/** @type {Mode} */ (/** @type {HTMLInputElement} */ (input).value)));
    }
    byId("zoom-in", HTMLElement).addEventListener("click", () => this.zoom((view) => view.step(1)));
    byId("zoom-out", HTMLElement).addEventListener("click", () => this.zoom((view) => view.step(-1)));
    byId("zoom-fit", HTMLElement).addEventListener("click", () => this.zoom((view) => view.fit()));
    byId("zoom-one", HTMLElement).addEventListener("click", () => this.zoom((view) => view.zoomTo(1)));
    byId("blink", HTMLElement).addEventListener("click", () => this.blink());
    new ResizeObserver((entries) => this.resize(entries[0])).observe(this.canvas);
    watch(this.canvas, {
      hold: (held) => this.canvas.classList.toggle("held", held),
      drag: (right, down, x) => {
        const { view } = painter;
        if (view?.movable) return this.zoom(() => view.pan(right, down));
        // Nothing to move: the hand takes the slider.
        if (painter.mode === "slider" && !Number.isNaN(x)) this.split((x / this.canvas.width) * 1000);
      },
      zoom: (factor, x, y) => this.zoomAt(factor, x, y),
      doubleTap: (x, y) => {
        const { view } = painter;
        if (!view) return;
        if (!view.fitted) return this.zoom(() => view.fit());
        const pane = painter.paneAt(x, y);
        this.zoom(() => view.zoomTo(Math.max(1, view.fitZoom * 2), x - pane.x, y - pane.y));
      },
    });
  }

  /**
   * Shows two layers from now on. The layers of before are not released.
   *
   * @param {Layer | null} before
   * @param {Layer} after
   * @param {Size | null} size The view begins anew with an image of this size; null: it stays.
   */
  put(before, after, size) {
    const { painter } = this;
    painter.before = before;
    painter.after = after;
    for (const layer of [before, after]) if (layer?.tiles) layer.tiles.onChange = () => painter.repaint();
    if (size) painter.show(size);
    else painter.repaint();
    this.labels();
  }

  /** Shows nothing. */
  clear() {
    const { painter } = this;
    painter.before = painter.after = painter.view = null;
    this.quiet = "";
    painter.paint();
  }

  /** As for a job that is shown for the first time. */
  reset() {
    this.slider.value = "500";
    this.painter.split = 0.5;
    this.blinkOff();
    (this.painter.mode === "slider" ? this.slider : this.canvas).focus();
  }

  /**
   * @param {string} text
   * @param {boolean} [quiet] It does not hide what is shown.
   */
  say(text, quiet = false) {
    if (quiet) this.quiet = text;
    this.message.textContent = text;
    this.message.hidden = !text;
    this.message.classList.toggle("corner", quiet);
  }

  /** Says whether pixels in sight are still on their way. */
  tellSharp() {
    const { painter, message, frame } = this;
    if (!painter.after) return frame.classList.remove("sharp");
    frame.classList.toggle("sharp", painter.sharp);
    if (!message.hidden && !message.classList.contains("corner")) return;
    const fault = painter.before?.tiles?.fault || painter.after.tiles?.fault;
    const text = painter.sharp ? (fault ? `A part cannot be shown in full: ${fault}.` : this.quiet) : "Loading all pixels …";
    if (message.textContent === text) return;
    message.textContent = text;
    message.hidden = !text;
    message.classList.add("corner");
  }

  /**
   * Zooms about a point of the canvas. On the way through 1:1 it stops there once, because only there is it exact.
   *
   * @param {number} factor
   * @param {number} x
   * @param {number} y
   */
  zoomAt(factor, x, y) {
    const pane = this.painter.paneAt(x, y);
    this.zoom((view) => {
      const wanted = view.zoom * factor;
      const passes = (view.zoom - 1) * (wanted - 1) < 0;
      view.zoomTo(passes ? 1 : wanted, x - pane.x, y - pane.y);
    });
  }

  /** @param {(view: View) => void} change */
  zoom(change) {
    const { view } = this.painter;
    if (!view) return;
    change(view);
    this.painter.repaint();
    this.labels();
  }

  /** @param {ResizeObserverEntry | undefined} entry */
  resize(entry) {
    if (!entry) return;
    // The size in pixels of the screen, where the browser tells it; a rounded product blurs at odd ratios.
    const exact = entry.devicePixelContentBoxSize?.[0];
    const width = exact?.inlineSize ?? Math.round(entry.contentRect.width * devicePixelRatio);
    const height = exact?.blockSize ?? Math.round(entry.contentRect.height * devicePixelRatio);
    if (!width || !height) return;
    this.canvas.width = width;
    this.canvas.height = height;
    this.painter.arrange();
    this.painter.paint(); // At once: the canvas was cleared.
    this.labels();
  }

  /** @param {number} value of 1000 */
  split(value) {
    const held = Math.min(1000, Math.max(0, Math.round(value)));
    this.blinkOff();
    this.slider.value = String(held);
    this.slider.setAttribute("aria-valuetext", `${Math.round(held / 10)} % before`);
    this.painter.split = held / 1000;
    this.painter.repaint();
    this.labels();
  }

  /** @param {Mode} mode */
  setMode(mode) {
    this.blinkOff();
    const before = this.painter.mode;
    this.painter.mode = mode;
    this.painter.arrange();
    if (mode !== before) this.onMode(before);
    this.labels();
  }

  /** Shows the one alone, then the other. */
  blink() {
    const { painter } = this;
    if (!painter.after) return;
    painter.alone = painter.alone === "before" ? "after" : "before";
    byId("blink", HTMLElement).setAttribute("aria-pressed", String(painter.alone === "before"));
    painter.arrange();
    this.labels();
    announce(painter.alone === "before" ? this.beforeLabel : this.afterLabel);
  }

  blinkOff() {
    byId("blink", HTMLElement).setAttribute("aria-pressed", "false");
    if (!this.painter.alone) return;
    this.painter.alone = "";
    this.painter.arrange();
  }

  /** @returns {string} */
  get beforeLabel() {
    return this.painter.before?.label ?? "";
  }

  /** @returns {string} */
  get afterLabel() {
    return this.painter.after?.label ?? "";
  }

  /** What the parts are called, and how far it is zoomed. */
  labels() {
    const { painter, frame, beforeLabel, afterLabel } = this;
    const { mode, alone, view } = painter;
    frame.dataset.mode = alone ? "alone" : mode;
    const slides = mode === "slider" && !alone && Boolean(painter.before || !painter.after);
    if (!slides && document.activeElement === this.slider) this.canvas.focus(); // What is hidden loses the focus.
    this.slider.hidden = !slides;
    const [left, right] = [byId("label-before", HTMLElement), byId("label-after", HTMLElement)];
    const difference = mode === "difference" && !alone;
    left.textContent = difference ? `Difference from ${beforeLabel.toLowerCase()}, 4 times as bright` : beforeLabel;
    right.textContent = afterLabel;
    left.hidden = alone === "after" || !painter.before || (mode === "slider" && !alone && painter.split < 0.04);
    right.hidden = alone === "before" || difference || (mode === "slider" && !alone && painter.split > 0.96);
    frame.classList.toggle("movable", Boolean(view?.movable));
    frame.classList.toggle("ready", Boolean(painter.after));
    if (!view) return;
    this.placeLabels(view, left, right);
    byId("zoom-text", HTMLOutputElement).value = zoomText(view.zoom);
    byId("zoom-fit", HTMLElement).setAttribute("aria-pressed", String(view.fitted));
    byId("zoom-one", HTMLElement).setAttribute("aria-pressed", String(view.zoom === 1));
    this.canvas.setAttribute("aria-label", `${this.name}: ${beforeLabel} and ${afterLabel}, ${zoomText(view.zoom)}`);
  }

  /** @returns {number} how many pixels of the canvas a pixel of the page is wide */
  get ratio() {
    return this.canvas.width / Math.max(1, this.canvas.clientWidth);
  }

  /**
   * Puts the labels into the upper corners of the image, or of the stage, where the image is too narrow for both.
   *
   * @param {View} view
   * @param {HTMLElement} left
   * @param {HTMLElement} right
   */
  placeLabels({ rect }, left, right) {
    const { canvas, painter, ratio } = this;
    const [first, second] = painter.panes;
    if (!first) return;
    const inside = Math.min(rect.x + rect.width, first.width) - Math.max(0, rect.x) > LABEL_ROOM * ratio;
    const across = inside ? Math.max(0, rect.x) : 0;
    const down = Math.max(0, rect.y);
    const px = (/** @type {number} */ length) => `${Math.round(length / ratio) + LABEL_GAP}px`;
    left.style.left = px(first.x + across);
    left.style.top = px(first.y + down);
    right.style.left = second ? px(second.x + across) : "auto";
    right.style.right = second ? "auto" : px(inside ? Math.max(0, canvas.width - rect.x - rect.width) : 0);
    right.style.top = px((second ?? first).y + down);
  }
}

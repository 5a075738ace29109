/** The comparison, over the whole window: two layers, how they are shown, and the keys. */

import { address } from "./api.js";
import { announce } from "./announce.js";
import { byId, element } from "./dom.js";
import { watch } from "./gestures.js";
import { choices, isReduced, labelOf, loadImage, release } from "./layers.js";
import { Painter } from "./painter.js";
import { Playback } from "./playback.js";
import { sizesText } from "./row.js";
import { Videos } from "./videos.js";
import { zoomText } from "./words.js";

/** @import { Jobs } from "./jobs.js" */
/** @import { Mode } from "./painter.js" */
/** @import { Job } from "./types.js" */

const SLIDER_STEP = 20; // of 1000, for an arrow key
const PAN_STEP = 80; // pixels of the page, for an arrow key

/** The dialog that compares a result. */
export class Viewer {
  /** @param {Jobs} jobs */
  constructor(jobs) {
    this.jobs = jobs;
    this.dialog = byId("viewer", HTMLDialogElement);
    this.canvas = byId("canvas", HTMLCanvasElement);
    this.slider = byId("slider", HTMLInputElement);
    this.compare = byId("compare", HTMLSelectElement);
    this.message = byId("stage-message", HTMLElement);
    this.painter = new Painter(this.canvas);
    /** @type {Job | null} */
    this.job = null;
    /** @type {Videos | null} */
    this.videos = null;
    this.playback = new Playback();
    this.loading = new AbortController();
    this.listen();
  }

  /** @returns {boolean} */
  get isOpen() {
    return this.dialog.open;
  }

  listen() {
    const { dialog, slider, painter } = this;
    slider.addEventListener("input", () => this.split(Number(slider.value)));
    this.compare.addEventListener("change", () => this.load(false));
    for (const input of dialog.querySelectorAll("input[name=mode]")) {
      // A click on the view that is chosen already ends the blinking.
      input.addEventListener("click", () => this.setMode(/** @type {Mode} */ (/** @type {HTMLInputElement} */ (input).value)));
    }
    byId("viewer-close", HTMLElement).addEventListener("click", () => this.close());
    byId("zoom-in", HTMLElement).addEventListener("click", () => this.zoom((view) => view.step(1)));
    byId("zoom-out", HTMLElement).addEventListener("click", () => this.zoom((view) => view.step(-1)));
    byId("zoom-fit", HTMLElement).addEventListener("click", () => this.zoom((view) => view.fit()));
    byId("zoom-one", HTMLElement).addEventListener("click", () => this.zoom((view) => view.zoomTo(1)));
    byId("blink", HTMLElement).addEventListener("click", () => this.blink());
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault(); // Escape: the address of the page changes too.
      if (event.target === dialog) this.close();
    });
    window.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("popstate", () => this.follow());
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

  /** @param {(view: import("./view.js").View) => void} change */
  zoom(change) {
    const { view } = this.painter;
    if (!view) return;
    change(view);
    this.painter.repaint();
    this.labels();
  }

  /** @param {ResizeObserverEntry | undefined} entry */
  resize(entry) {
    if (!entry || !this.isOpen) return;
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

  /**
   * Shows a job, and puts it into the address, so that "back" closes it and a reload shows it again.
   *
   * @param {Job} job
   */
  open(job) {
    history.pushState({ viewer: true }, "", `#${job.id}`);
    this.show(job);
  }

  /** Shows what the address says, once it is known. */
  follow() {
    const job = this.jobs.all.get(location.hash.slice(1));
    if (job?.state === "done" && job.result) this.show(job);
    else this.hide();
  }

  close() {
    if (history.state?.viewer) history.back(); // popstate hides it.
    else {
      history.replaceState(null, "", location.pathname + location.search);
      this.hide();
    }
  }

  hide() {
    if (!this.isOpen) return;
    this.dialog.close();
    this.clear();
    this.job = null;
  }

  /** Lets go of everything that was loaded. */
  clear() {
    this.loading.abort();
    release(this.painter.before);
    release(this.painter.after);
    this.painter.before = this.painter.after = null;
    this.painter.view = null;
    this.videos?.close();
    this.videos = null;
    this.playback.show(null);
    this.painter.paint();
  }

  /** @param {Job} job */
  show(job) {
    if (this.job?.id === job.id && this.isOpen) return;
    this.clear();
    this.job = job;
    byId("viewer-title", HTMLElement).textContent = job.source.name;
    byId("viewer-detail", HTMLElement).textContent = sizesText(job);
    const download = byId("viewer-download", HTMLAnchorElement);
    download.href = address(`v1/jobs/${job.id}/result`);
    download.download = job.result?.name ?? "";
    const fixed = Boolean(job.options.preview);
    const offered = fixed ? [{ value: "bicubic", label: "Bicubic" }] : choices(job, this.jobs.newestFirst());
    this.compare.replaceChildren(...offered.map(({ value, label }) => element("option", { value }, label)));
    this.compare.disabled = offered.length < 2;
    if (!this.isOpen) this.dialog.showModal();
    this.slider.value = "500";
    this.painter.split = 0.5;
    this.blinkOff();
    this.slider.focus();
    void this.load(true);
  }

  /**
   * Loads the layers.
   *
   * @param {boolean} both False: only what is compared with has changed.
   */
  async load(both) {
    const { job, painter } = this;
    if (!job) return;
    this.loading.abort();
    const { signal } = (this.loading = new AbortController());
    this.say(both ? "Loading …" : "");
    try {
      if (job.kind === "video") await this.loadVideos(job, signal);
      else await this.loadImages(job, both, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.say(error instanceof Error ? error.message : String(error));
      return;
    }
    if (signal.aborted) return;
    this.say("");
    if (job.kind === "image" && isReduced(job)) this.say("Shown reduced to 8192 pixels. The download has all of them.", true);
    painter.repaint();
    this.labels();
  }

  /**
   * @param {Job} job
   * @param {boolean} both
   * @param {AbortSignal} signal
   */
  async loadImages(job, both, signal) {
    const { painter } = this;
    const { value } = this.compare;
    const other = this.jobs.all.get(value);
    // The difference from the original is the difference from its plain resize.
    const plain = value === "source" && painter.mode === "difference" ? "bicubic" : value;
    const [before, after] = await Promise.all([
      other ? loadImage(other, "result", signal) : loadImage(job, plain === "bicubic" ? "bicubic" : "source", signal),
      both || !painter.after ? loadImage(job, "result", signal) : painter.after,
    ]);
    if (signal.aborted) {
      release(before);
      if (after !== painter.after) release(after);
      return;
    }
    release(painter.before);
    painter.before = before;
    painter.after = after;
    const { part } = after;
    if (both || !painter.view) painter.show({ width: part.width, height: part.height });
  }

  /**
   * @param {Job} job
   * @param {AbortSignal} signal
   */
  async loadVideos(job, signal) {
    const other = this.jobs.all.get(this.compare.value) ?? null;
    const videos = await Videos.open(job, other, signal);
    if (signal.aborted) return videos.close();
    const place = this.videos?.leader.currentTime ?? 0;
    this.videos?.close();
    this.videos = videos;
    const { painter } = this;
    const fresh = !painter.view;
    videos.onFrame = () => {
      if (painter.view) painter.repaint();
    };
    ({ before: painter.before, after: painter.after } = videos.layers);
    if (fresh) painter.show(videos.size);
    if (place) videos.seek(place);
    this.playback.show(videos);
    if (!videos.paired) this.say("This browser cannot show the original, so the result is shown alone.", true);
  }

  /**
   * @param {string} text
   * @param {boolean} [quiet] It does not hide what is shown.
   */
  say(text, quiet = false) {
    this.message.textContent = text;
    this.message.hidden = !text;
    this.message.classList.toggle("corner", quiet);
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
    const differs = (mode === "difference") !== (this.painter.mode === "difference");
    this.painter.mode = mode;
    this.painter.arrange();
    if (differs && this.job?.kind === "image" && this.compare.value === "source") void this.load(false);
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
    announce(painter.alone === "before" ? this.beforeLabel() : this.afterLabel());
  }

  blinkOff() {
    byId("blink", HTMLElement).setAttribute("aria-pressed", "false");
    if (!this.painter.alone) return;
    this.painter.alone = "";
    this.painter.arrange();
  }

  /** @returns {string} */
  beforeLabel() {
    return this.painter.before?.label ?? "";
  }

  /** @returns {string} */
  afterLabel() {
    return this.job ? labelOf(this.job) : "";
  }

  /** What the parts of the stage are called, and how far it is zoomed. */
  labels() {
    const { painter, dialog } = this;
    const { mode, alone, view } = painter;
    dialog.dataset.mode = alone ? "alone" : mode;
    const slides = mode === "slider" && !alone && Boolean(painter.before || !painter.after);
    if (!slides && document.activeElement === this.slider) this.canvas.focus(); // What is hidden loses the focus.
    this.slider.hidden = !slides;
    const [left, right] = [byId("label-before", HTMLElement), byId("label-after", HTMLElement)];
    const difference = mode === "difference" && !alone;
    left.textContent = difference ? `Difference from ${this.beforeLabel().toLowerCase()}, 4 times as bright` : this.beforeLabel();
    right.textContent = this.afterLabel();
    left.hidden = alone === "after" || !painter.before || (mode === "slider" && !alone && painter.split < 0.04);
    right.hidden = alone === "before" || difference || (mode === "slider" && !alone && painter.split > 0.96);
    dialog.classList.toggle("movable", Boolean(view?.movable));
    dialog.classList.toggle("ready", Boolean(painter.after));
    if (!view) return;
    byId("zoom-text", HTMLOutputElement).value = zoomText(view.zoom);
    byId("zoom-fit", HTMLElement).setAttribute("aria-pressed", String(view.fitted));
    byId("zoom-one", HTMLElement).setAttribute("aria-pressed", String(view.zoom === 1));
    const name = this.job?.source.name ?? "";
    this.canvas.setAttribute("aria-label", `${name}: ${this.beforeLabel()} and ${this.afterLabel()}, ${zoomText(view.zoom)}`);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const elsewhere = !this.isOpen || byId("help", HTMLDialogElement).open;
    if (elsewhere || event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    if (target instanceof HTMLSelectElement) return; // It takes letters and arrows itself.
    const chooses = target instanceof HTMLInputElement && target !== this.slider;
    const actions = this.keys(event.shiftKey);
    const action = actions[event.key] ?? actions[event.key.toLowerCase()];
    if (!action || (chooses && /^(Arrow|Home|End| )/.test(event.key))) return;
    if (event.key === " " && (target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    action();
  }

  /**
   * What the keys do now.
   *
   * @param {boolean} shift
   * @returns {Record<string, () => void>}
   */
  keys(shift) {
    const { painter, slider } = this;
    const far = PAN_STEP * devicePixelRatio;
    const pan = (/** @type {number} */ right, /** @type {number} */ down) => this.zoom((view) => view.pan(right * far, down * far));
    const slides = painter.mode === "slider" && !shift;
    const slide = (/** @type {number} */ step) => this.split(Number(slider.value) + step);
    return {
      "+": () => this.zoom((view) => view.step(1)),
      "=": () => this.zoom((view) => view.step(1)),
      "-": () => this.zoom((view) => view.step(-1)),
      0: () => this.zoom((view) => view.fit()),
      1: () => this.zoom((view) => view.zoomTo(1)),
      b: () => this.blink(),
      "?": () => byId("help", HTMLDialogElement).showModal(),
      ArrowLeft: () => (slides ? slide(-SLIDER_STEP) : pan(1, 0)),
      ArrowRight: () => (slides ? slide(SLIDER_STEP) : pan(-1, 0)),
      ArrowUp: () => pan(0, 1),
      ArrowDown: () => pan(0, -1),
      ...(painter.mode === "slider" ? { Home: () => this.split(0), End: () => this.split(1000) } : {}),
      ...(this.videos
        ? { " ": () => this.videos?.toggle(), ",": () => this.playback.frame(-1), ".": () => this.playback.frame(1) }
        : {}),
    };
  }
}

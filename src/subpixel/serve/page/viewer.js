/** The comparison, over the whole window: which job is shown, what it is compared with, and its address. */

import { address } from "./api.js";
import { byId, element } from "./dom.js";
import { Frames } from "./frames.js";
import { press } from "./keys.js";
import { choices, isAnimation, loadImage, release } from "./layers.js";
import { Playback } from "./playback.js";
import { sizesText } from "./row.js";
import { Stage } from "./stage.js";
import { Videos } from "./videos.js";

/** @import { Jobs } from "./jobs.js" */
/** @import { Layer, Mode } from "./painter.js" */
/** @import { Job } from "./types.js" */

/** The dialog that compares a result. */
export class Viewer {
  /** @param {Jobs} jobs */
  constructor(jobs) {
    this.jobs = jobs;
    this.dialog = byId("viewer", HTMLDialogElement);
    this.compare = byId("compare", HTMLSelectElement);
    this.stage = new Stage(this.dialog);
    this.playback = new Playback();
    /** @type {Job | null} */
    this.job = null;
    /** @type {Videos | Frames | null} */
    this.player = null;
    this.loading = new AbortController();
    this.listen();
  }

  /** @returns {boolean} */
  get isOpen() {
    return this.dialog.open;
  }

  listen() {
    const { dialog, stage } = this;
    const help = byId("help", HTMLDialogElement);
    this.compare.addEventListener("change", () => this.load(false));
    byId("viewer-close", HTMLElement).addEventListener("click", () => this.close());
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault(); // Escape: the address of the page changes too.
      if (event.target === dialog) this.close();
    });
    window.addEventListener("keydown", (event) => {
      if (!this.isOpen || help.open) return;
      if (event.key === "?") help.showModal();
      else press(event, stage, this.player);
    });
    window.addEventListener("popstate", () => this.follow());
    stage.onMode = (before) => {
      const differs = (before === "difference") !== (stage.painter.mode === "difference");
      if (differs && this.job?.kind === "image" && this.compare.value === "source") void this.load(false);
    };
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
    const { painter } = this.stage;
    this.loading.abort();
    const layers = [painter.before, painter.after];
    this.stage.clear();
    for (const layer of layers) release(layer);
    this.play(null);
  }

  /** @param {Videos | Frames | null} player What is played from now on. */
  play(player) {
    if (this.player !== player) this.player?.close();
    this.player = player;
    this.playback.show(player);
  }

  /** @param {Job} job */
  show(job) {
    if (this.job?.id === job.id && this.isOpen) return;
    this.clear();
    this.job = job;
    this.stage.name = job.source.name;
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
    this.stage.reset();
    void this.load(true);
  }

  /**
   * Loads the layers.
   *
   * @param {boolean} both False: only what is compared with has changed.
   */
  async load(both) {
    const { job, stage } = this;
    if (!job) return;
    this.loading.abort();
    const { signal } = (this.loading = new AbortController());
    stage.say(both ? "Loading …" : "");
    try {
      if (job.kind === "video") await this.loadVideos(job, signal);
      else if (isAnimation(job)) await this.loadFrames(job, signal);
      else await this.loadImages(job, both, signal);
    } catch (error) {
      if (signal.aborted) return;
      stage.say(error instanceof Error ? error.message : String(error));
      return;
    }
    if (signal.aborted) return;
    stage.say(stage.quiet, true);
    stage.painter.repaint();
    stage.labels();
  }

  /**
   * What a job is compared with now.
   *
   * @param {Job} job
   * @returns {{ other: Job, of: import("./layers.js").Which }}
   */
  compared(job) {
    const { value } = this.compare;
    const other = this.jobs.all.get(value);
    if (other) return { other, of: "result" };
    // The difference from the original is the difference from its plain resize.
    return { other: job, of: value === "bicubic" || this.stage.painter.mode === "difference" ? "bicubic" : "source" };
  }

  /**
   * @param {Job} job
   * @param {boolean} both
   * @param {AbortSignal} signal
   */
  async loadImages(job, both, signal) {
    const { painter } = this.stage;
    const { other, of } = this.compared(job);
    const [before, after] = await Promise.all([
      loadImage(other, of, signal),
      both || !painter.after ? loadImage(job, "result", signal) : painter.after,
    ]);
    const { before: old, after: known } = painter;
    if (signal.aborted) {
      release(before);
      if (after !== known) release(after);
      return;
    }
    this.stage.put(before, after, both || !painter.view ? after.size : null);
    release(old);
  }

  /**
   * @param {Job} job
   * @param {AbortSignal} signal
   */
  async loadFrames(job, signal) {
    const { other, of } = this.compared(job);
    const frames = new Frames(job, other, of);
    const place = this.player?.place ?? 1;
    const { before, after } = await frames.pair(place);
    if (signal.aborted) return frames.close();
    const { painter } = this.stage;
    this.stage.put(before, after, painter.view ? null : after.size);
    frames.place = place;
    frames.onFrame = (pair) => this.stage.put(pair.before, pair.after, null);
    frames.onFault = (sentence) => this.stage.say(sentence, true);
    this.play(frames);
  }

  /**
   * @param {Job} job
   * @param {AbortSignal} signal
   */
  async loadVideos(job, signal) {
    const other = this.jobs.all.get(this.compare.value) ?? null;
    const videos = await Videos.open(job, other, signal);
    if (signal.aborted) return videos.close();
    const place = this.player?.place ?? 0;
    const { painter } = this.stage;
    videos.onFrame = () => {
      if (painter.view) painter.repaint();
    };
    const { before, after } = videos.layers;
    this.stage.put(before, after, painter.view ? null : videos.size);
    if (place) videos.seek(place);
    this.play(videos);
    const { stills } = videos;
    const what = this.jobs.all.has(this.compare.value) ? `“${stills?.label}”` : "the original";
    this.stage.quiet = stills ? `This browser cannot play ${what}. It is shown while the result is paused.` : "";
    stills?.begin((still) => this.stage.put(still, after, null));
  }
}

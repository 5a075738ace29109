/** One row of the list: an upload on its way, or a job in any of its states. */

import { advised } from "./advice.js";
import { address } from "./api.js";
import { element, icon } from "./dom.js";
import { valueLabel } from "./labels.js";
import { counted, duration, facts, fileSize, moment, pixels } from "./words.js";

/** @import { IconName } from "./dom.js" */
/** @import { Job } from "./types.js" */
/** @import { Upload } from "./uploads.js" */

/**
 * @typedef {object} Actions What the buttons of a row do.
 * @property {(job: Job) => void} open
 * @property {(job: Job) => void} cancel
 * @property {(job: Job) => void} retry
 * @property {(job: Job) => void} again
 * @property {(job: Job) => void} whole
 * @property {(job: Job) => void} remove
 * @property {(upload: Upload) => void} retryUpload
 * @property {(upload: Upload) => void} cancelUpload
 */

/**
 * @param {string} label
 * @param {IconName} name
 * @param {() => void} onclick
 * @param {string} [about] What the button is for, where the label alone would be the same in every row.
 * @returns {HTMLButtonElement}
 */
function button(label, name, onclick, about) {
  const made = element("button", { type: "button", class: "quiet", onclick, "aria-label": about ? `${label}: ${about}` : null });
  made.append(icon(name), element("span", { class: "label" }, label));
  return made;
}

/**
 * @param {HTMLButtonElement} made
 * @returns {HTMLButtonElement} the same, as the first of its row
 */
function leading(made) {
  made.classList.add("leading");
  return made;
}

/**
 * @param {Job} job
 * @returns {boolean} whether only some seconds of a video were made
 */
export function isPreview(job) {
  return job.kind === "video" && Boolean(job.options.preview);
}

/**
 * How long the work took, in seconds.
 *
 * @param {Job} job
 * @returns {number | null}
 */
function taken(job) {
  const [started, finished] = [moment(job.started), moment(job.finished)];
  return started !== null && finished !== null ? (finished - started) / 1000 : null;
}

/**
 * @param {Job} job
 * @returns {string} which model it was and why
 */
function modelText(job) {
  if (!job.model) return "";
  const automatic = (job.options.model ?? "auto") === "auto";
  if (!automatic) return `Model ${job.model}`;
  return job.reason ? `Model ${job.model}, chosen automatically: ${job.reason}` : `Model ${job.model}, chosen automatically`;
}

/**
 * What is known of a source or result, in a line.
 *
 * @param {Job} job
 * @returns {string}
 */
export function sizesText(job) {
  const { source, result } = job;
  const parts = [];
  const from = source.width && source.height ? pixels(source.width, source.height) : "";
  // A preview is twice as wide: bicubic is on its left.
  const to = result?.width && result.height ? pixels(result.width / (isPreview(job) ? 2 : 1), result.height) : "";
  if (from && to) parts.push(`${from} → ${to}`);
  else if (to || from) parts.push(to || from);
  if (result) parts.push(format(result.name), fileSize(result.bytes));
  else parts.push(fileSize(source.bytes));
  return facts(parts);
}

/**
 * @param {string} name
 * @returns {string} such as `PNG`
 */
function format(name) {
  const suffix = /\.([a-z0-9]{2,5})$/i.exec(name)?.[1];
  return suffix ? valueLabel("format", suffix.toLowerCase()) : "";
}

/**
 * @param {Job} job
 * @returns {string} why it failed, and what to do
 */
function failureOf({ error }) {
  return advised(error?.detail ?? error?.title ?? "It failed without saying why", error?.type ?? "crashed");
}

/** A row that shows whatever it is told last. */
export class Row {
  /** @param {Actions} actions */
  constructor(actions) {
    this.actions = actions;
    this.thumb = element("span", { class: "thumb" });
    this.name = element("span", { class: "name" });
    this.detail = element("span", { class: "detail" });
    this.model = element("span", { class: "detail" });
    this.whole = element("span", { class: "detail" }); // what all of a video would take, where this is a preview
    this.more = element("div", { class: "row-more" });
    this.buttons = element("div", { class: "row-buttons" });
    this.bar = element("progress", { class: "bar", max: 1 });
    const text = element("div", { class: "row-text" }, this.name, this.detail, this.model, this.whole, this.bar, this.more);
    this.element = element("li", { class: "row" }, this.thumb, text, this.buttons);
    this.thumbnailed = "";
    this.shown = ""; // What the parts below were built for: they are built again only when this changes.
  }

  /**
   * Whether the parts have to be built for this state. A focused button is not replaced by its equal.
   *
   * @param {string} key
   * @returns {boolean}
   */
  changes(key) {
    if (key === this.shown) return false;
    this.shown = key;
    return true;
  }

  /** @param {Upload} upload */
  showUpload(upload) {
    const { state, sent, total, file, kind } = upload;
    const share = total ? sent / total : 0;
    this.detail.textContent = {
      waiting: facts([fileSize(file.size), "waiting to be sent"]),
      sending: share < 1 ? `Sending ${fileSize(sent)} of ${fileSize(total)}` : "Sent. It is being checked.",
      paused: facts([fileSize(file.size), upload.error]),
      failed: "",
    }[state];
    this.progress(state === "sending" && share < 1 ? share : null, state === "sending");
    if (!this.changes(`upload ${state}`)) return;
    this.title(file.name);
    this.thumb.replaceChildren(icon(kind === "video" ? "video" : "image"));
    const { actions } = this;
    if (state === "failed") {
      this.fault(upload.error);
      this.buttons.replaceChildren(
        leading(button("Retry", "repeat", () => actions.retryUpload(upload), file.name)),
        button("Remove", "bin", () => actions.cancelUpload(upload), file.name),
      );
    } else {
      this.more.replaceChildren();
      this.buttons.replaceChildren(button("Cancel", "close", () => actions.cancelUpload(upload), file.name));
    }
  }

  /** @param {Job} job */
  showJob(job) {
    const { state, progress } = job;
    const share = progress?.total ? Math.min(1, progress.done / progress.total) : null;
    this.progress(state === "running" ? share : null, state === "running" || state === "queued");
    this.detail.textContent = this.stateText(job, share);
    if (!this.changes(`job ${job.id} ${state} ${job.attempts ?? 0}`)) return;
    this.title(job.source.name);
    this.element.dataset.job = job.id;
    this.element.dataset.state = state;
    this.model.textContent = state === "done" ? modelText(job) : "";
    this.whole.textContent = "";
    this.more.replaceChildren();
    if (state === "failed") this.fault(failureOf(job));
    if (job.notes?.length) this.notes(job.notes);
    if (state === "done" && job.comparison) this.comparison(job, job.comparison);
    this.thumbnail(job);
    this.buttons.replaceChildren(...this.jobButtons(job));
  }

  /**
   * @param {Job} job
   * @param {number | null} share
   * @returns {string}
   */
  stateText(job, share) {
    if (job.state === "done") {
      const seconds = taken(job);
      const time = job.cached ? "made before" : seconds === null ? "" : duration(seconds);
      return facts([isPreview(job) ? "Preview" : "", sizesText(job), time]);
    }
    if (job.state === "queued") return job.position ? `Waiting, number ${job.position} in the queue` : "Waiting for its turn";
    if (job.state === "cancelled") return "Cancelled";
    if (job.state === "failed") return "";
    const started = moment(job.started);
    const elapsed = started === null ? 0 : (Date.now() - started) / 1000;
    const rest = share && share > 0.02 && elapsed > 1 ? `${duration((elapsed * (1 - share)) / share)} left` : "";
    const { done = 0, total = null, unit = "" } = job.progress ?? {};
    if (share !== null) return facts([`Upscaling, ${Math.floor(share * 100)}\u00a0%`, rest]);
    return done && !total ? `Upscaling, ${done} ${unit}` : "Upscaling";
  }

  /**
   * @param {Job} job
   * @returns {HTMLElement[]}
   */
  jobButtons(job) {
    const { actions } = this;
    const { name } = job.source;
    if (job.state === "queued" || job.state === "running") return [button("Cancel", "close", () => actions.cancel(job), name)];
    const remove = button("Remove", "bin", () => actions.remove(job), name);
    if (job.state !== "done" || !job.result) {
      return [leading(button("Retry", "repeat", () => actions.retry(job), name)), remove];
    }
    const download = element("a", {
      class: "quiet",
      href: address(`v1/jobs/${job.id}/result`),
      download: job.result.name,
      "aria-label": `Download: ${job.result.name}`,
    });
    download.append(icon("download"), element("span", { class: "label" }, "Download"));
    const compare = leading(button("Compare", "slider", () => actions.open(job), name));
    const again = isPreview(job)
      ? button("Upscale all", "video", () => actions.whole(job), name)
      : button("Other settings", "repeat", () => actions.again(job), name);
    return [compare, download, again, remove];
  }

  /**
   * @param {number | null} share null: it is not known how far it is.
   * @param {boolean} shown
   */
  progress(share, shown) {
    this.bar.hidden = !shown;
    if (share === null) this.bar.removeAttribute("value");
    else this.bar.value = share;
    this.bar.setAttribute("aria-label", `Progress of ${this.name.textContent}`);
  }

  /** @param {string} name */
  title(name) {
    this.name.textContent = name;
    this.name.title = name;
  }

  /** @param {string} sentence */
  fault(sentence) {
    this.more.replaceChildren(element("p", { class: "fault" }, sentence));
  }

  /** @param {string[]} notes */
  notes(notes) {
    const list = element("ul", {}, ...notes.map((note) => element("li", {}, note)));
    const summary = element("summary", {}, counted(notes.length, "note", "notes"));
    this.more.append(element("details", { class: "notes" }, summary, list));
  }

  /**
   * @param {Job} job
   * @param {import("./types.js").MediaFile} file
   */
  comparison(job, file) {
    const href = address(`v1/jobs/${job.id}/comparison`);
    this.more.append(element("a", { class: "also", href, download: file.name }, `Also made: ${file.name}`));
  }

  /** @param {Job} job */
  thumbnail(job) {
    const done = job.state === "done";
    const of = done && !isPreview(job) ? "result" : "source";
    const src = address(`v1/jobs/${job.id}/preview`, { of, max: 256 });
    // The image opens the comparison too. It is left out for the keyboard, which has the button.
    this.thumb.onclick = done ? () => this.actions.open(job) : null;
    this.thumb.classList.toggle("opens", done);
    if (src === this.thumbnailed) return;
    this.thumbnailed = src;
    const placeholder = icon(job.kind === "video" ? "video" : "image");
    const image = element("img", { src, alt: "", decoding: "async", loading: "lazy" });
    image.addEventListener("error", () => image.replaceWith(placeholder)); // A damaged file has none.
    this.thumb.replaceChildren(image);
  }
}

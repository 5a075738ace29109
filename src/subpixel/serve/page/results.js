/** The list of what this browser made and is making. */

import { address, deleteJob, estimate, makeAgain, RequestError, tellJob } from "./api.js";
import { announce, toast } from "./announce.js";
import { byId } from "./dom.js";
import { isPreview, Row } from "./row.js";
import { about, counted, pixels } from "./words.js";

/** @import { Actions } from "./row.js" */
/** @import { Jobs } from "./jobs.js" */
/** @import { Job, Options } from "./types.js" */
/** @import { Upload, Uploads } from "./uploads.js" */

/**
 * @typedef {object} Elsewhere What the list leaves to other parts of the page.
 * @property {(job: Job) => void} open Shows a result.
 * @property {(jobs: Job[]) => void} pick Puts the files of jobs into the tray.
 */

/** The list of uploads and jobs. */
export class Results {
  /**
   * @param {Jobs} jobs
   * @param {Uploads} uploads
   * @param {Elsewhere} elsewhere
   * @param {() => void} onCount
   */
  constructor(jobs, uploads, elsewhere, onCount) {
    this.jobs = jobs;
    this.uploads = uploads;
    this.elsewhere = elsewhere;
    this.onCount = onCount;
    this.list = byId("jobs", HTMLElement);
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    /** @type {Map<string, string>} the state of each job that was last said aloud */
    this.told = new Map();
    /** @type {Map<string, Job>} jobs that are gone from the list and not yet from the server */
    this.leaving = new Map();
    jobs.onChange.push((job, before) => this.changed(job, before));
    jobs.onRemove.push((id) => this.drop(id));
    uploads.onChange.push((upload) => this.row(upload.key).showUpload(upload));
    uploads.onLeave.push((upload, job) => this.left(upload, job));
    byId("download-all", HTMLAnchorElement).addEventListener("click", () => announce("The download begins."));
    byId("remove-all", HTMLButtonElement).addEventListener("click", () => this.removeAll());
    window.addEventListener("pagehide", () => this.flush());
    setInterval(() => this.tick(), 1000);
  }

  /** @returns {number} */
  get size() {
    return this.rows.size;
  }

  /**
   * The row of a key, made at the top of the list if it is new.
   *
   * @param {string} key
   * @returns {Row}
   */
  row(key) {
    const known = this.rows.get(key);
    if (known) return known;
    const made = new Row(this.actions());
    this.rows.set(key, made);
    this.list.prepend(made.element);
    this.onCount();
    return made;
  }

  /**
   * @param {Job} job
   * @param {Job | undefined} before
   */
  changed(job, before) {
    const fresh = !this.rows.has(job.id);
    if (fresh && this.uploads.expects(job)) return; // Its upload has a row, which becomes its own with the answer.
    this.row(job.id).showJob(job);
    if (fresh) this.order();
    this.summary();
    if (isPreview(job) && job.state === "done" && before?.state !== "done") void this.estimateWhole(job);
    if (before && before.state !== job.state) this.announce(job);
  }

  /**
   * Says aloud what has become of a job.
   *
   * @param {Job} job
   */
  announce(job) {
    if (this.told.get(job.id) === job.state) return;
    this.told.set(job.id, job.state);
    const size = job.result?.width && job.result.height ? `, ${pixels(job.result.width, job.result.height)}` : "";
    const words = { queued: "", running: "", done: `is done${size}`, failed: "failed", cancelled: "is cancelled" };
    if (words[job.state]) announce(`${job.source.name} ${words[job.state]}.`);
  }

  /** Puts the jobs into their order, below the uploads. Rows that are in place are not touched, so they keep focus. */
  order() {
    const wanted = this.jobs.newestFirst().flatMap((job) => this.rows.get(job.id)?.element ?? []);
    let next = null;
    for (const element of wanted.reverse()) {
      if (element.nextElementSibling !== next) this.list.insertBefore(element, next);
      next = element;
    }
  }

  /**
   * An upload has become a job, or was cancelled.
   *
   * @param {Upload} upload
   * @param {Job | null} job
   */
  left(upload, job) {
    const row = this.rows.get(upload.key);
    this.rows.delete(upload.key);
    if (job && row && !this.rows.has(job.id)) this.rows.set(job.id, row); // The row stays where it is.
    else row?.element.remove();
    if (job) {
      this.jobs.answer(job, upload.started);
      // An event may have been quicker than the answer; and the job may be done, if an equal one had made it before.
      const now = this.jobs.all.get(job.id) ?? job;
      this.row(job.id).showJob(now);
      this.order();
      this.summary();
      this.announce(now);
      if (isPreview(now) && now.state === "done") void this.estimateWhole(now);
    }
    this.onCount();
  }

  /** @param {string} id */
  drop(id) {
    this.rows.get(id)?.element.remove();
    this.rows.delete(id);
    this.summary();
    this.onCount();
  }

  /** Shows the time that is left while no event comes. */
  tick() {
    if (document.hidden) return;
    for (const job of this.jobs.all.values()) if (job.state === "running") this.rows.get(job.id)?.showJob(job);
  }

  /** The line above the list, and the title of the page. */
  summary() {
    const all = this.jobs.newestFirst();
    const done = all.filter((job) => job.state === "done" && job.result);
    const active = all.filter((job) => job.state === "running" || job.state === "queued");
    const download = byId("download-all", HTMLAnchorElement);
    download.hidden = done.length < 2;
    download.href = address("v1/archive", { ids: done.map((job) => job.id).join(",") });
    byId("remove-all", HTMLElement).hidden = all.length - active.length < 2;
    byId("jobs-count", HTMLElement).textContent = active.length
      ? `${counted(active.length, "is", "are")} being made`
      : counted(done.length, "result", "results");
    document.title = active.length ? `(${active.length}) subpixel` : "subpixel";
  }

  /** @returns {Actions} */
  actions() {
    return {
      open: (job) => this.elsewhere.open(job),
      cancel: (job) => this.tell(job, "cancel"),
      retry: (job) => this.tell(job, "retry"),
      again: (job) => this.elsewhere.pick([job]),
      whole: (job) => void this.again(job, wholeOptions(job)),
      remove: (job) => this.remove([job]),
      retryUpload: (upload) => this.uploads.retry(upload),
      cancelUpload: (upload) => this.uploads.cancel(upload),
    };
  }

  /**
   * Says what all of a video would take, of which there is a preview.
   *
   * @param {Job} job
   */
  async estimateWhole(job) {
    const row = this.rows.get(job.id);
    try {
      const { seconds } = await estimate(job, wholeOptions(job), new AbortController().signal);
      if (row && seconds !== null) row.whole.textContent = `All of it would take ${about(seconds)}`;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error; // The offer stands without its time.
    }
  }

  /**
   * Makes something else of the file of a job.
   *
   * @param {Job} job
   * @param {Options} options
   * @returns {Promise<Job | null>} null if it was refused
   */
  async again(job, options) {
    /** @type {Job | null} */
    let made = null;
    const asked = performance.now();
    await this.attempt(async () => {
      made = await makeAgain(job, options);
      this.jobs.answer(made, asked);
    });
    return made;
  }

  /**
   * @param {Job} job
   * @param {"cancel" | "retry"} verb
   */
  tell(job, verb) {
    const asked = performance.now();
    void this.attempt(async () => this.jobs.answer(await tellJob(job.id, verb), asked));
  }

  /** @param {() => Promise<void>} action */
  async attempt(action) {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      void toast(error.message);
    }
  }

  removeAll() {
    this.remove([...this.jobs.all.values()].filter((job) => job.state !== "running" && job.state !== "queued"));
  }

  /**
   * Takes jobs out of the list at once, and from the server when the offer to undo has gone.
   *
   * @param {Job[]} jobs
   */
  async remove(jobs) {
    let undone = false;
    for (const job of jobs) {
      this.leaving.set(job.id, job);
      this.jobs.remove(job.id);
    }
    const undo = () => {
      undone = true;
      for (const job of jobs) {
        this.leaving.delete(job.id);
        this.jobs.restore(job);
      }
    };
    const one = jobs.length === 1 && jobs[0] ? jobs[0].source.name : counted(jobs.length, "result", "results");
    await toast(`Removed ${one}.`, { label: "Undo", run: undo });
    if (!undone) this.flush(jobs);
  }

  /**
   * Removes from the server what has left the list.
   *
   * @param {Job[]} [jobs] All of them, if left out.
   */
  flush(jobs = [...this.leaving.values()]) {
    for (const job of jobs) {
      if (this.leaving.delete(job.id)) void this.attempt(() => deleteJob(job.id));
    }
  }
}

/**
 * The options of a preview, without what makes it a preview.
 *
 * @param {Job} job
 * @returns {Options}
 */
function wholeOptions(job) {
  /** @type {Options} */
  const options = {};
  for (const [name, value] of Object.entries(job.options)) {
    if (name !== "preview" && value !== null && value !== false) options[name] = String(value);
  }
  return options;
}

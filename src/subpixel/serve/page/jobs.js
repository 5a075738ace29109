/** The jobs of this browser, kept in step with the server: listed when a connection opens, then by its events. */

import { address, listJobs, MOST_JOBS, RequestError } from "./api.js";
import { client } from "./memory.js";
import { moment } from "./words.js";

/** @import { Job } from "./types.js" */

const AGAIN = 2000; // milliseconds until a stream that was refused is asked for again

/**
 * A list of jobs that tells its listeners what changed.
 *
 * An answer to a request may be older than an event that came while it was on its way. So each job remembers when an
 * event last told of it, and an answer to an earlier request does not overwrite it.
 */
export class Jobs {
  constructor() {
    /** @type {Map<string, Job>} */
    this.all = new Map();
    /** @type {Map<string, number>} */
    this.told = new Map();
    /** @type {Set<string>} */
    this.removed = new Set();
    /** @type {((job: Job, before: Job | undefined) => void)[]} */
    this.onChange = [];
    /** @type {((id: string) => void)[]} */
    this.onRemove = [];
    /** @type {((connected: boolean, fault: string) => void)[]} `fault`: why the server lets nobody in, if it answers. */
    this.onConnection = [];
    /** @type {EventSource | null} */
    this.source = null;
  }

  /** @returns {Job[]} newest first */
  newestFirst() {
    return [...this.all.values()].sort((a, b) => (moment(b.created) ?? 0) - (moment(a.created) ?? 0));
  }

  /**
   * Takes in what an event says of a job.
   *
   * @param {Job} job
   */
  hear(job) {
    this.told.set(job.id, performance.now());
    this.put(job);
  }

  /**
   * Takes in what an answer says of a job, unless an event came since.
   *
   * @param {Job} job
   * @param {number} asked When the request was sent, by `performance.now()`.
   */
  answer(job, asked) {
    if ((this.told.get(job.id) ?? -1) < asked) this.put(job);
  }

  /** @param {Job} job */
  put(job) {
    if (this.removed.has(job.id)) return;
    const before = this.all.get(job.id);
    this.all.set(job.id, job);
    for (const listener of this.onChange) listener(job, before);
  }

  /**
   * Forgets a job. Late events do not bring it back.
   *
   * @param {string} id
   */
  remove(id) {
    this.removed.add(id);
    if (!this.all.delete(id)) return;
    for (const listener of this.onRemove) listener(id);
  }

  /**
   * Brings back a job that was removed by mistake.
   *
   * @param {Job} job
   */
  restore(job) {
    this.removed.delete(job.id);
    this.put(job);
  }

  /** Asks for all jobs. Jobs that the server no longer has are removed. */
  async refresh() {
    const asked = performance.now();
    const listed = await listJobs();
    const ids = new Set(listed.map((job) => job.id));
    for (const job of listed.reverse()) this.answer(job, asked);
    if (listed.length >= MOST_JOBS) return; // Older ones are there and not listed.
    for (const id of [...this.all.keys()]) if (!ids.has(id) && (this.told.get(id) ?? -1) < asked) this.remove(id);
  }

  /**
   * Opens the stream of events. A page that is hidden closes it: a browser has few connections for one host, and many
   * hidden pages would use them up. What happened meanwhile is in the list.
   */
  connect() {
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
    if (!document.hidden) this.open();
  }

  open() {
    if (this.source) return;
    const source = new EventSource(address("v1/events", { client }));
    this.source = source;
    source.addEventListener("open", () => {
      this.tell(true);
      this.refresh().catch(() => this.tell(false));
    });
    source.addEventListener("job", (event) => this.hear(JSON.parse(event.data)));
    source.addEventListener("deleted", (event) => this.remove(JSON.parse(event.data).id));
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return this.tell(false); // The browser connects again by itself.
      this.close();
      void this.why();
      setTimeout(() => document.hidden || this.open(), AGAIN);
    });
  }

  close() {
    this.source?.close();
    this.source = null;
  }

  /** Finds out why the stream was refused: the page may need its token again. */
  async why() {
    try {
      await this.refresh();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.tell(false, error.status ? error.message : "");
    }
  }

  /**
   * @param {boolean} connected
   * @param {string} [fault]
   */
  tell(connected, fault = "") {
    for (const listener of this.onConnection) listener(connected, fault);
  }
}

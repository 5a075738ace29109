/** Requests to the REST interface. Every failure is a `RequestError` with a sentence to show. */

import { advised } from "./advice.js";
import { client, randomId } from "./memory.js";

/** @import { Estimate, Job, Kind, Model, Offer, Options, Problem } from "./types.js" */

/** A request that failed, with what to say about it. */
export class RequestError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 where no answer came.
   * @param {number | null} [retryAfter] Seconds to wait, if the server says so.
   */
  constructor(message, status, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

const NO_TOKEN =
  "The server asks for its token again. Reload this page and enter it, or do so in another tab; this page then goes on.";
const NO_ANSWER = "subpixel does not answer. Check that it is still running, then try again.";

/**
 * The address of a part of the interface, wherever the page is mounted.
 *
 * @param {string} path
 * @param {Record<string, string | number>} [query]
 * @returns {string}
 */
export function address(path, query = {}) {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  return url.href;
}

/**
 * The error that an answer means.
 *
 * @param {number} status
 * @param {string} text The body.
 * @param {string | null} retryAfter The header.
 * @returns {RequestError}
 */
function failure(status, text, retryAfter) {
  let sentence = "";
  try {
    const { detail, title, type } = /** @type {Problem} */ (JSON.parse(text));
    if (detail || title) sentence = advised(detail || title, type);
  } catch {
    // No problem+json: a proxy answered, or nobody.
  }
  if (status === 401) sentence = NO_TOKEN;
  if (!sentence) sentence = status ? `The server answered ${status}. Try again; if it stays so, start subpixel again.` : NO_ANSWER;
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return new RequestError(sentence, status, Number.isFinite(seconds) ? seconds : null);
}

/**
 * @param {string} path
 * @param {RequestInit & { query?: Record<string, string | number> }} [init]
 * @returns {Promise<Response>}
 */
async function request(path, init = {}) {
  let response;
  try {
    response = await fetch(address(path, init.query), {
      ...init,
      headers: { "X-Subpixel-Client": client, ...init.headers },
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new RequestError(NO_ANSWER, 0);
  }
  if (!response.ok) throw failure(response.status, await response.text(), response.headers.get("Retry-After"));
  return response;
}

/** The most jobs that are listed. */
export const MOST_JOBS = 500;

/** @returns {Promise<Job[]>} the jobs of this browser, newest first */
export async function listJobs() {
  return (await (await request("v1/jobs", { query: { client, limit: MOST_JOBS } })).json()).jobs;
}

/**
 * @param {string} id
 * @returns {Promise<Job>}
 */
export async function getJob(id) {
  return (await request(`v1/jobs/${id}`)).json();
}

/**
 * @param {string} id
 * @param {"cancel" | "retry"} verb
 * @returns {Promise<Job>}
 */
export async function tellJob(id, verb) {
  return (await request(`v1/jobs/${id}/${verb}`, { method: "POST" })).json();
}

/**
 * @param {string} id
 * @returns {Promise<void>}
 */
export async function deleteJob(id) {
  try {
    await request(`v1/jobs/${id}`, { method: "DELETE", keepalive: true });
  } catch (error) {
    if (!(error instanceof RequestError && error.status === 404)) throw error; // 404: it is gone already.
  }
}

/**
 * Makes another job from the file of one, without sending it again.
 *
 * @param {Job} job
 * @param {Options} options
 * @returns {Promise<Job>}
 */
export async function makeAgain(job, options) {
  const path = job.kind === "video" ? "v1/videos" : "v1/images";
  const headers = { "Content-Type": "application/json", Prefer: "respond-async", "Idempotency-Key": randomId() };
  return (await request(path, { method: "POST", headers, body: JSON.stringify({ job: job.id, ...options }) })).json();
}

/**
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<Blob>}
 */
export async function blobOf(url, signal) {
  return (await request(url, { signal })).blob();
}

/** @returns {Promise<Model[]>} */
export async function listModels() {
  return (await (await request("v1/models")).json()).models;
}

/** @returns {Promise<Offer>} */
export async function getOptions() {
  return (await request("v1/options")).json();
}

/**
 * What a request would take and make.
 *
 * @param {File | Job} source A file, or a job whose source is meant.
 * @param {Options} options
 * @param {AbortSignal} signal
 * @returns {Promise<Estimate>}
 */
export async function estimate(source, options, signal) {
  const init =
    source instanceof File
      ? { body: form(source, options) }
      : { body: JSON.stringify({ job: source.id, ...options }), headers: { "Content-Type": "application/json" } };
  const answer = await (await request("v1/estimates", { method: "POST", signal, ...init })).json();
  return {
    seconds: answer.seconds ?? null,
    // A preview is twice as wide: bicubic is on its left.
    size: answer.size_out ? [answer.size_out[0] / (options.preview ? 2 : 1), answer.size_out[1]] : null,
    bytes: answer.bytes_out ?? null,
    notes: answer.notes ?? [],
  };
}

/**
 * @param {File} file
 * @param {Options} options
 * @returns {FormData} with the options first, so that the server knows them when the file begins
 */
function form(file, options) {
  const data = new FormData();
  for (const [name, value] of Object.entries(options)) data.append(name, value);
  data.append("file", file, file.name);
  return data;
}

/**
 * Sends a file to be upscaled. XMLHttpRequest, because fetch does not tell how much was sent.
 *
 * @param {Kind} kind
 * @param {File} file
 * @param {Options} options
 * @param {string} key The Idempotency-Key: sent again, the same file makes one job.
 * @param {AbortSignal} signal
 * @param {(sent: number, total: number) => void} onProgress
 * @returns {Promise<Job>}
 */
export function upload(kind, file, options, key, signal, onProgress) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", address(kind === "video" ? "v1/videos" : "v1/images"));
    sending.setRequestHeader("X-Subpixel-Client", client);
    sending.setRequestHeader("Idempotency-Key", key);
    sending.setRequestHeader("Prefer", "respond-async");
    sending.upload.addEventListener("progress", (event) => onProgress(event.loaded, event.total));
    sending.addEventListener("load", () => {
      if (sending.status >= 200 && sending.status < 300) resolve(JSON.parse(sending.responseText));
      else reject(failure(sending.status, sending.responseText, sending.getResponseHeader("Retry-After")));
    });
    sending.addEventListener("error", () => reject(new RequestError(NO_ANSWER, 0)));
    sending.addEventListener("abort", () => reject(new DOMException("The upload was cancelled.", "AbortError")));
    signal.addEventListener("abort", () => sending.abort());
    sending.send(form(file, options));
  });
}

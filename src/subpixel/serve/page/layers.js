/** The images that the viewer lays over each other: which there are for a job, and how they are loaded. */

import { address, blobOf } from "./api.js";

/** @import { Layer } from "./painter.js" */
/** @import { Job } from "./types.js" */

/** What every browser of today shows by itself. The server converts the rest. */
const SHOWN = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"];

/** Larger images are shown reduced: a browser would need 4 bytes a pixel, several times. */
const MOST_PIXELS = 60e6;
const REDUCED = 8192; // pixels of the longer side

/** @typedef {{ value: string, label: string }} Choice Something to compare with. */

/**
 * What a result can be compared with.
 *
 * @param {Job} job
 * @param {Job[]} jobs
 * @returns {Choice[]}
 */
export function choices(job, jobs) {
  const others = jobs.filter(
    (each) =>
      each.id !== job.id &&
      each.kind === job.kind &&
      each.state === "done" &&
      each.result &&
      each.source.digest === job.source.digest &&
      !each.options.preview,
  );
  const list = [{ value: "source", label: "Original" }];
  if (job.kind === "image") list.push({ value: "bicubic", label: "Bicubic" });
  return [...list, ...others.map((each) => ({ value: each.id, label: labelOf(each) }))];
}

/**
 * @param {Job} job
 * @returns {string} what made this result, such as `balanced 2×`
 */
export function labelOf(job) {
  const { scale, width, height, fit, strength, ensemble, precision } = job.options;
  const parts = [job.model ?? "Result"];
  if (width || height || fit) parts.push(`${job.result?.width} wide`);
  else parts.push(`${scale ?? 2}×`);
  if (strength !== undefined && strength !== null && Number(strength) !== 1) {
    parts.push(`${Math.round(Number(strength) * 100)} %`);
  }
  if (ensemble && ensemble !== "false") parts.push("mean of 8");
  if (precision && precision !== "auto") parts.push(String(precision));
  return parts.join(" ");
}

/**
 * @param {Job} job
 * @returns {boolean} whether its result is too large to be shown in full
 */
export function isReduced(job) {
  const { width, height } = job.result ?? {};
  return Boolean(width && height && width * height > MOST_PIXELS);
}

/**
 * Where an image of a job is found in a form that browsers show.
 *
 * @param {Job} job
 * @param {"source" | "result" | "bicubic"} of
 * @returns {string}
 */
function imageUrl(job, of) {
  const file = of === "result" ? job.result : job.source;
  if (isReduced(job)) return address(`v1/jobs/${job.id}/preview`, { of, max: REDUCED });
  if (of !== "bicubic" && file && SHOWN.includes(file.media_type)) return address(`v1/jobs/${job.id}/${of}`);
  return address(`v1/jobs/${job.id}/preview`, { of });
}

/**
 * Loads one image of a job.
 *
 * @param {Job} job
 * @param {"source" | "result" | "bicubic"} of
 * @param {AbortSignal} signal
 * @returns {Promise<Layer>}
 */
export async function loadImage(job, of, signal) {
  const source = await createImageBitmap(await blobOf(imageUrl(job, of), signal));
  const label = { source: "Original", bicubic: "Bicubic", result: labelOf(job) }[of];
  return { source, part: { x: 0, y: 0, width: source.width, height: source.height }, smooth: false, label };
}

/**
 * Frees what a layer holds.
 *
 * @param {Layer | null} layer
 */
export function release(layer) {
  if (layer?.source instanceof ImageBitmap) layer.source.close();
}

/** The images that the viewer lays over each other: which there are for a job, and how they are loaded. */

import { address, blobOf } from "./api.js";
import { Tiles } from "./tiles.js";

/** @import { Layer } from "./painter.js" */
/** @import { Job } from "./types.js" */

/** @typedef {"source" | "result" | "bicubic"} Which */

/** What every browser of today shows by itself. The server converts the rest. */
const SHOWN = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"];

/** Larger images are loaded in parts: a browser would need 4 bytes a pixel, several times. */
const MOST_PIXELS = 32e6;
const OVERVIEW = 2048; // pixels of the longer side of what is shown below the parts

/** What holds several frames. A PNG does, unless a PNG was asked for: that has the first frame. */
const ANIMATED = ["image/gif", "image/webp", "image/apng", "image/avif", "image/png"];

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
 * @returns {boolean} whether its result is an animation
 */
export function isAnimation(job) {
  const several = job.kind === "image" && (job.frames ?? 1) > 1 && !job.options.page;
  return several && ANIMATED.includes(job.result?.media_type ?? "") && job.options.format !== "png";
}

/**
 * Loads one image of a job: all of it, or an overview whose parts are loaded where they are looked at.
 *
 * @param {Job} job
 * @param {Which} of
 * @param {AbortSignal} signal
 * @param {number} [frame] Of an animation, from 1.
 * @returns {Promise<Layer>}
 */
export async function loadImage(job, of, signal, frame) {
  const label = { source: "Original", bicubic: "Bicubic", result: labelOf(job) }[of];
  const file = of === "source" ? job.source : job.result;
  const preview = (/** @type {Record<string, string | number>} */ query) =>
    address(`v1/jobs/${job.id}/preview`, { of, ...query, ...(frame ? { frame } : {}) });
  const { width, height } = file ?? {};
  if (width && height && width * height > MOST_PIXELS) {
    const source = await createImageBitmap(await blobOf(preview({ max: OVERVIEW }), signal));
    const size = { width, height };
    return { source, part: whole(source), size, smooth: true, label, tiles: new Tiles(size, source.width / width, preview) };
  }
  const direct = of !== "bicubic" && !frame && !job.options.page && file && SHOWN.includes(file.media_type);
  const source = await createImageBitmap(await blobOf(direct ? address(`v1/jobs/${job.id}/${of}`) : preview({}), signal));
  return { source, part: whole(source), size: whole(source), smooth: false, label, tiles: null };
}

/**
 * @param {ImageBitmap} bitmap
 * @returns {import("./view.js").Rect}
 */
function whole({ width, height }) {
  return { x: 0, y: 0, width, height };
}

/**
 * Frees what a layer holds.
 *
 * @param {Layer | null} layer
 */
export function release(layer) {
  layer?.tiles?.close();
  if (layer?.source instanceof ImageBitmap) layer.source.close();
}

/** What cannot be sent at all: told before it is sent. */

import { fileSize } from "./words.js";

/** @import { Kind, ServerLimits } from "./types.js" */

/** @type {ServerLimits | null} */
let limits = null;

/** @param {ServerLimits} given What the server says. */
export function setLimits(given) {
  limits = given;
}

/**
 * @param {File} file
 * @param {Kind} kind
 * @returns {string} why a file cannot be made larger, and what to do; empty if nothing speaks against it
 */
export function faultOf(file, kind) {
  if (!file.size) return "This file is empty. Save or copy it again, then add it again.";
  const most = kind === "video" ? limits?.video_bytes : limits?.image_bytes;
  if (!most || file.size <= most) return "";
  return `This file has ${fileSize(file.size)}; this server takes ${kind}s of up to ${fileSize(most)}. Make it smaller, or use the command line, which has no limit.`;
}

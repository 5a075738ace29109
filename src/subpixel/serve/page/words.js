/** Numbers as people read them: sizes of files and images, times, zoom. */

/**
 * @param {number} bytes
 * @returns {string} such as `14 MB`
 */
export function fileSize(bytes) {
  if (bytes < 1000) return `${bytes}\u00a0bytes`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)}\u00a0${units[unit]}`;
}

/**
 * @param {number} width
 * @param {number} height
 * @returns {string} such as `4000×3000`
 */
export function pixels(width, height) {
  return `${width}×${height}`;
}

/**
 * @param {number} seconds
 * @returns {string} such as `0.4 s`, `12 s`, `3 min`, `1 h 20 min`
 */
export function duration(seconds) {
  if (seconds < 0.095) return "0.1\u00a0s";
  if (seconds < 9.95) return `${seconds.toFixed(1)}\u00a0s`;
  if (seconds < 99.5) return `${Math.round(seconds)}\u00a0s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes}\u00a0min`;
  const rest = minutes % 60;
  return rest ? `${Math.floor(minutes / 60)}\u00a0h ${rest}\u00a0min` : `${minutes / 60}\u00a0h`;
}

/**
 * A time that is only expected, without false precision.
 *
 * @param {number} seconds
 * @returns {string}
 */
export function about(seconds) {
  return seconds < 1 ? "less than a second" : `about ${duration(Math.max(1, Math.round(seconds)))}`.replace(".0\u00a0s", "\u00a0s");
}

/**
 * A place in a video.
 *
 * @param {number} seconds
 * @returns {string} such as `1:05.3`
 */
export function clock(seconds) {
  const tenths = Math.round(seconds * 10);
  const minutes = Math.floor(tenths / 600);
  return `${minutes}:${((tenths % 600) / 10).toFixed(1).padStart(4, "0")}`;
}

/**
 * @param {number} zoom Pixels of the screen for one pixel of the result.
 * @returns {string} such as `37 %`, `1:1`, `8:1`
 */
export function zoomText(zoom) {
  if (Math.abs(zoom - Math.round(zoom)) < 1e-6) return `${Math.round(zoom)}:1`;
  return `${Math.round(zoom * 100)}\u00a0%`;
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} many
 * @returns {string}
 */
export function counted(count, one, many) {
  return `${count} ${count === 1 ? one : many}`;
}

/**
 * Milliseconds since 1970 of a time as the server writes it: seconds since 1970, or ISO 8601.
 *
 * @param {string | number | null | undefined} time
 * @returns {number | null}
 */
export function moment(time) {
  if (time === null || time === undefined) return null;
  const value = typeof time === "number" ? time * 1000 : Date.parse(time);
  return Number.isFinite(value) ? value : null;
}

/**
 * Facts in a line, with points between them. A line does not begin with a point.
 *
 * @param {string[]} parts Empty ones are left out.
 * @returns {string}
 */
export function facts(parts) {
  return parts.filter(Boolean).join("\u00a0· ");
}

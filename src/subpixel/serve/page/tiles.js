/** The parts in sight of an image that is too large to be loaded whole, as sharp as the zoom shows them. */

import { blobOf, RequestError } from "./api.js";

/** @import { Rect, Size } from "./view.js" */

/**
 * @typedef {object} Tile
 * @property {number} level Its pixels are 1, 2, 4 … pixels of the image wide: 2 to the power of this.
 * @property {Rect} place What it covers, in pixels of the image.
 * @property {ImageBitmap | null} bitmap
 * @property {Rect} part Where that lies in the bitmap, which may have a margin.
 * @property {AbortController | null} loading
 * @property {boolean} failed
 */

const SIDE = 1024; // pixels of a tile
const MARGIN = 4; // pixels around a reduced tile, so that its edges are resampled as its middle is
const LEAST = 16; // the smallest `max` that the server takes
const AT_ONCE = 3; // requests
const SETTLED = 60; // milliseconds for which the wanted tiles stay the same before they are asked for
const AGAIN = 2000; // milliseconds after which a tile is asked for again when the server had no time
const SPARE = 24; // tiles out of sight that are kept: about 100 MB

/** The tiles of one image. */
export class Tiles {
  /**
   * @param {Size} size Of the image.
   * @param {number} overview How many pixels of the overview, which is drawn below, one pixel of the image has.
   * @param {(query: Record<string, string | number>) => string} url Where a region is found.
   */
  constructor(size, overview, url) {
    this.size = size;
    this.overview = overview;
    this.url = url;
    /** @type {Map<string, Tile>} by key, the one that was used last at the end */
    this.all = new Map();
    /** @type {Tile[]} what is in sight now, its middle first */
    this.wanted = [];
    /** @type {() => void} */
    this.onChange = () => {};
    this.fault = "";
    this.timer = 0;
    this.closed = false;
  }

  /** @returns {boolean} whether everything in sight is as sharp as it gets */
  get sharp() {
    return this.wanted.every((tile) => tile.bitmap || tile.failed);
  }

  /**
   * The tiles that a part of the image needs at a zoom.
   *
   * @param {number} zoom Pixels of the screen for one of the image.
   * @param {Rect} seen In pixels of the image.
   * @returns {Tile[]} the middle first
   */
  needed(zoom, seen) {
    const level = Math.max(0, Math.floor(Math.log2(1 / zoom) + 1e-6));
    if (this.overview >= 2 ** -level) return [];
    const span = SIDE * 2 ** level;
    const [right, bottom] = [Math.min(this.size.width, seen.x + seen.width), Math.min(this.size.height, seen.y + seen.height)];
    const found = [];
    for (let row = Math.max(0, Math.floor(seen.y / span)); row * span < bottom; row += 1) {
      for (let column = Math.max(0, Math.floor(seen.x / span)); column * span < right; column += 1) {
        found.push(this.tile(level, column, row));
      }
    }
    const far = (/** @type {Tile} */ { place }) =>
      Math.hypot(place.x + place.width / 2 - seen.x - seen.width / 2, place.y + place.height / 2 - seen.y - seen.height / 2);
    return found.sort((one, other) => far(one) - far(other));
  }

  /**
   * @param {number} level
   * @param {number} column
   * @param {number} row
   * @returns {Tile}
   */
  tile(level, column, row) {
    const key = `${level} ${column} ${row}`;
    const span = SIDE * 2 ** level;
    const [x, y] = [column * span, row * span];
    const place = { x, y, width: Math.min(span, this.size.width - x), height: Math.min(span, this.size.height - y) };
    const tile = this.all.get(key) ?? { level, place, bitmap: null, part: place, loading: null, failed: false };
    this.all.delete(key);
    this.all.set(key, tile);
    return tile;
  }

  /**
   * Draws what is there, the coarse below the fine, and asks for what is missing. Tiles end on whole pixels of the
   * screen, so there are no seams between them.
   *
   * @param {CanvasRenderingContext2D} context Its origin is the corner of the image.
   * @param {Size} shown How large the whole image is drawn.
   * @param {Rect} seen What of that is in sight.
   */
  paint(context, shown, seen) {
    const across = shown.width / this.size.width;
    const down = shown.height / this.size.height;
    this.wanted = this.needed(across, {
      x: seen.x / across,
      y: seen.y / down,
      width: seen.width / across,
      height: seen.height / down,
    });
    const finest = this.wanted[0]?.level ?? Math.max(0, Math.floor(Math.log2(1 / across) + 1e-6));
    const drawn = [...this.all.values()].filter((tile) => tile.bitmap && tile.level >= finest);
    for (const { bitmap, part, place } of drawn.sort((one, other) => other.level - one.level)) {
      const [left, top] = [Math.round(place.x * across), Math.round(place.y * down)];
      const [right, bottom] = [Math.round((place.x + place.width) * across), Math.round((place.y + place.height) * down)];
      if (right <= seen.x || bottom <= seen.y || left >= seen.x + seen.width || top >= seen.y + seen.height) continue;
      if (bitmap) context.drawImage(bitmap, part.x, part.y, part.width, part.height, left, top, right - left, bottom - top);
    }
    this.evict();
    if (!this.sharp) this.soon(SETTLED);
  }

  /** @param {number} pause Milliseconds until what is missing is asked for. */
  soon(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), pause);
  }

  /** Asks for what is missing, and no longer for what has gone out of sight. */
  ask() {
    if (this.closed) return;
    for (const tile of this.all.values()) if (tile.loading && !this.wanted.includes(tile)) tile.loading.abort();
    let free = AT_ONCE - [...this.all.values()].filter((tile) => tile.loading).length;
    for (const tile of this.wanted) {
      if (tile.bitmap || tile.loading || tile.failed) continue;
      if (free <= 0) return;
      free -= 1;
      void this.load(tile);
    }
  }

  /** @param {Tile} tile */
  async load(tile) {
    tile.loading = new AbortController();
    try {
      const { query, region } = this.request(tile);
      const bitmap = await createImageBitmap(await blobOf(this.url(query), tile.loading.signal));
      if (this.closed) return bitmap.close();
      const [across, down] = [bitmap.width / region.width, bitmap.height / region.height];
      const { x, y, width, height } = tile.place;
      tile.part = { x: (x - region.x) * across, y: (y - region.y) * down, width: width * across, height: height * down };
      tile.bitmap = bitmap;
    } catch (error) {
      if (this.closed || (error instanceof DOMException && error.name === "AbortError")) return;
      const later = error instanceof RequestError && [0, 429, 503].includes(error.status);
      if (later) return this.soon(AGAIN);
      tile.failed = true;
      this.fault = error instanceof Error ? error.message : String(error);
    } finally {
      tile.loading = null;
    }
    this.ask();
    this.onChange();
  }

  /**
   * @param {Tile} tile
   * @returns {{ region: Rect, query: Record<string, string | number> }} what to ask for
   */
  request({ level, place }) {
    const margin = level ? MARGIN * 2 ** level : 0;
    const [x, y] = [Math.max(0, place.x - margin), Math.max(0, place.y - margin)];
    const width = Math.min(this.size.width, place.x + place.width + margin) - x;
    const height = Math.min(this.size.height, place.y + place.height + margin) - y;
    const region = { x, y, width, height };
    const query = { region: `${x},${y},${width},${height}` };
    if (!level) return { region, query };
    return { region, query: { ...query, max: Math.max(LEAST, Math.ceil(Math.max(width, height) / 2 ** level)) } };
  }

  /** Forgets what has been out of sight for longest. */
  evict() {
    const spare = [...this.all].filter(([, tile]) => !this.wanted.includes(tile) && !tile.loading);
    for (const [key, tile] of spare.slice(0, Math.max(0, spare.length - SPARE))) {
      tile.bitmap?.close();
      this.all.delete(key);
    }
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    for (const tile of this.all.values()) {
      tile.loading?.abort();
      tile.bitmap?.close();
    }
    this.all.clear();
    this.wanted = [];
  }
}

/** Draws two layers onto a canvas: behind a slider, side by side, or as their difference. */

import { View } from "./view.js";

/** @import { Tiles } from "./tiles.js" */
/** @import { Rect, Size } from "./view.js" */

/** @typedef {"slider" | "side" | "difference"} Mode */

/**
 * @typedef {object} Layer An image, or the part of a video's frame, that covers the image.
 * @property {CanvasImageSource} source
 * @property {Rect} part Which part of the source is drawn.
 * @property {Size} size How many pixels it has. The source has fewer, where it is an overview.
 * @property {boolean} smooth It is drawn smoothly, also where pixels are shown as squares.
 * @property {Tiles | null} tiles The pixels that an overview lacks.
 * @property {string} label
 */

/** How many times the difference is doubled: 4 times as bright, so that small differences are seen. */
const DOUBLED = 2;

const GAP = 2; // pixels between two panes
const TILE = 12; // pixels of a square behind transparent parts

/** What is drawn and how. */
export class Painter {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    const context = canvas.getContext("2d");
    if (!context) throw new Error("The browser gives no canvas.");
    this.context = context;
    /** @type {Layer | null} */
    this.before = null;
    /** @type {Layer | null} */
    this.after = null;
    /** @type {Mode} */
    this.mode = "slider";
    this.split = 0.5;
    /** @type {"" | "before" | "after"} one of the two alone, while blinking */
    this.alone = "";
    /** @type {View | null} */
    this.view = null;
    this.asked = 0;
    this.pattern = this.chequered();
    this.aside = document.createElement("canvas");
    /** @type {() => void} */
    this.onPaint = () => {};
  }

  /**
   * The panes: one, or two beside each other, or one above the other on a tall screen.
   *
   * @returns {Rect[]}
   */
  get panes() {
    const { width, height } = this.canvas;
    if (this.mode !== "side" || this.alone) return [{ x: 0, y: 0, width, height }];
    if (width >= height) {
      const half = Math.floor((width - GAP) / 2);
      return [
        { x: 0, y: 0, width: half, height },
        { x: width - half, y: 0, width: half, height },
      ];
    }
    const half = Math.floor((height - GAP) / 2);
    return [
      { x: 0, y: 0, width, height: half },
      { x: 0, y: height - half, width, height: half },
    ];
  }

  /** @returns {Size} the size of one pane */
  get pane() {
    const [first] = this.panes;
    return first ?? { width: 1, height: 1 };
  }

  /**
   * Shows an image of this size from now on.
   *
   * @param {Size} image
   */
  show(image) {
    this.view = new View(image, this.pane);
    this.repaint();
  }

  /** The panes may have changed: the view follows. */
  arrange() {
    this.view?.resize(this.pane);
    this.repaint();
  }

  /**
   * The pane under a point of the canvas.
   *
   * @param {number} x
   * @param {number} y
   * @returns {Rect}
   */
  paneAt(x, y) {
    const found = this.panes.find((pane) => x >= pane.x && x < pane.x + pane.width && y >= pane.y && y < pane.y + pane.height);
    return found ?? { x: 0, y: 0, ...this.pane };
  }

  /** Paints before the next frame, once however often it is asked. */
  repaint() {
    if (!this.asked) this.asked = requestAnimationFrame(() => this.paint());
  }

  paint() {
    cancelAnimationFrame(this.asked);
    this.asked = 0;
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.view && this.after) this.layers(this.after);
    this.onPaint();
  }

  /** @returns {boolean} whether every pixel in sight is there */
  get sharp() {
    return [this.before, this.after].every((layer) => layer?.tiles?.sharp ?? true);
  }

  /** @param {Layer} after */
  layers(after) {
    const { canvas } = this;
    const [first, second] = this.panes;
    if (!first) return;
    const before = this.before ?? after;
    if (this.alone) return this.layer(this.alone === "before" ? before : after, first, first);
    if (this.mode === "difference") return this.difference(before, after, first);
    if (this.mode === "side" && second) {
      this.layer(before, first, first);
      return this.layer(after, second, second);
    }
    const edge = Math.round(canvas.width * this.split);
    this.layer(before, first, { ...first, width: edge });
    this.layer(after, first, { ...first, x: edge, width: canvas.width - edge });
  }

  /**
   * Draws a layer in a pane, and of it only what lies within `shown`.
   *
   * @param {Layer} layer
   * @param {Rect} pane
   * @param {Rect} shown
   * @param {CanvasRenderingContext2D} [context]
   */
  layer(layer, pane, shown, context = this.context) {
    const { view } = this;
    if (!view) return;
    const { rect } = view;
    const { part } = layer;
    context.save();
    context.beginPath();
    context.rect(shown.x, shown.y, shown.width, shown.height);
    context.clip();
    context.translate(pane.x + rect.x, pane.y + rect.y);
    context.fillStyle = this.mode === "difference" && !this.alone ? "#000" : this.pattern;
    context.fillRect(0, 0, rect.width, rect.height);
    context.imageSmoothingEnabled = !view.exact || layer.smooth;
    context.imageSmoothingQuality = "high";
    context.drawImage(layer.source, part.x, part.y, part.width, part.height, 0, 0, rect.width, rect.height);
    // The tiles of the whole pane are asked for, so that the slider uncovers nothing that is not there.
    context.imageSmoothingEnabled = !view.exact;
    layer.tiles?.paint(context, rect, { x: -rect.x, y: -rect.y, width: pane.width, height: pane.height });
    context.restore();
  }

  /**
   * Draws how far two layers are from each other, brightened.
   *
   * @param {Layer} before
   * @param {Layer} after
   * @param {Rect} pane
   */
  difference(before, after, pane) {
    const { context, canvas, aside } = this;
    this.layer(after, pane, pane);
    aside.width = canvas.width;
    aside.height = canvas.height;
    const other = aside.getContext("2d");
    if (!other) return;
    this.layer(before, pane, pane, other);
    context.save();
    context.globalCompositeOperation = "difference";
    context.drawImage(aside, 0, 0);
    context.globalCompositeOperation = "lighter";
    for (let i = 0; i < DOUBLED; i += 1) context.drawImage(canvas, 0, 0);
    context.restore();
  }

  /** @returns {CanvasPattern | string} */
  chequered() {
    const tile = document.createElement("canvas");
    tile.width = tile.height = TILE * 2;
    const context = tile.getContext("2d");
    if (!context) return "#888";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, TILE * 2, TILE * 2);
    context.fillStyle = "#d5d7db";
    context.fillRect(0, 0, TILE, TILE);
    context.fillRect(TILE, TILE, TILE, TILE);
    return this.context.createPattern(tile, "repeat") ?? "#888";
  }
}

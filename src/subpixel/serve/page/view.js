/** Where an image lies on the screen: the arithmetic of zoom and pan, without a screen. */

export const MOST = 8;

const STEPS = [1, 2, 3, 4, 6, 8];

/** @typedef {{ width: number, height: number }} Size */
/** @typedef {{ x: number, y: number, width: number, height: number }} Rect */

/**
 * An image seen through a pane. All lengths of the pane are pixels of the screen, and `zoom` is how many of them one
 * pixel of the image is wide. The image is placed on whole pixels of the screen, so at 1:1, 2:1 … nothing is blurred.
 */
export class View {
  /**
   * @param {Size} image
   * @param {Size} pane
   */
  constructor(image, pane) {
    this.image = image;
    this.pane = pane;
    this.x = image.width / 2; // The point of the image in the middle of the pane.
    this.y = image.height / 2;
    this.zoom = 1;
    this.fitted = true;
    this.fit();
  }

  /**
   * The zoom at which the whole image is seen. A small image gets an integer factor, which stays exact.
   *
   * @returns {number}
   */
  get fitZoom() {
    const { image, pane } = this;
    const ratio = Math.min(pane.width / image.width, pane.height / image.height);
    return ratio >= 1 ? Math.min(MOST, Math.floor(ratio)) : Math.max(ratio, 1e-4);
  }

  /** Shows the whole image. */
  fit() {
    this.fitted = true;
    this.zoom = this.fitZoom;
    this.clamp();
  }

  /**
   * The pane has another size. A view that showed the whole image still does.
   *
   * @param {Size} pane
   */
  resize(pane) {
    this.pane = pane;
    if (this.fitted) this.fit();
    else this.zoomTo(this.zoom);
  }

  /**
   * Zooms about a point of the pane, which keeps its place on the image.
   *
   * @param {number} zoom
   * @param {number} [x] The middle of the pane, if left out.
   * @param {number} [y]
   */
  zoomTo(zoom, x = this.pane.width / 2, y = this.pane.height / 2) {
    const wanted = Math.min(MOST, Math.max(Math.min(1, this.fitZoom), zoom));
    const [right, down] = [x - this.pane.width / 2, y - this.pane.height / 2];
    this.x += right / this.zoom - right / wanted;
    this.y += down / this.zoom - down / wanted;
    this.zoom = wanted;
    this.fitted = wanted === this.fitZoom;
    this.clamp();
  }

  /**
   * The next step larger or smaller, among fit and the integers.
   *
   * @param {1 | -1} direction
   */
  step(direction) {
    const steps = [...new Set([...STEPS, this.fitZoom])].sort((a, b) => a - b);
    const next =
      direction > 0
        ? steps.find((step) => step > this.zoom * 1.001)
        : steps.reverse().find((step) => step < this.zoom * 0.999);
    if (next !== undefined) this.zoomTo(next);
  }

  /**
   * Moves the image with a hand that moves this far.
   *
   * @param {number} right
   * @param {number} down
   */
  pan(right, down) {
    this.x -= right / this.zoom;
    this.y -= down / this.zoom;
    this.clamp();
  }

  /** @returns {boolean} whether a part of the image is out of sight */
  get movable() {
    const { image, pane, zoom } = this;
    return image.width * zoom > pane.width + 0.5 || image.height * zoom > pane.height + 0.5;
  }

  /** @returns {boolean} whether pixels are shown as squares; below and between, they are smoothed */
  get exact() {
    return this.zoom >= 2 || this.zoom === 1;
  }

  /** Keeps the image in the pane: no border is seen while a part of it is out of sight on the other side. */
  clamp() {
    this.x = held(this.x, this.image.width, this.pane.width / this.zoom);
    this.y = held(this.y, this.image.height, this.pane.height / this.zoom);
  }

  /** @returns {Rect} where the image lies, in pixels of the pane */
  get rect() {
    const { image, pane, zoom } = this;
    return {
      x: Math.round(pane.width / 2 - this.x * zoom),
      y: Math.round(pane.height / 2 - this.y * zoom),
      width: Math.max(1, Math.round(image.width * zoom)),
      height: Math.max(1, Math.round(image.height * zoom)),
    };
  }
}

/**
 * @param {number} middle
 * @param {number} length
 * @param {number} seen
 * @returns {number}
 */
function held(middle, length, seen) {
  if (length <= seen) return length / 2;
  return Math.min(length - seen / 2, Math.max(seen / 2, middle));
}

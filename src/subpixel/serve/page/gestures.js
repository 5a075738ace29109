/** Mouse, touch and wheel over a canvas, told as pans, zooms and taps in pixels of the canvas. */

/**
 * @typedef {object} Listener
 * @property {(right: number, down: number, x: number) => void} drag One finger or the mouse moved, and is now at `x`.
 * @property {(factor: number, x: number, y: number) => void} zoom
 * @property {(x: number, y: number) => void} doubleTap
 * @property {(held: boolean) => void} hold The first pointer came down, or the last one went.
 */

const WHEEL = 1 / 400; // A notch of a mouse wheel is 100 to 120: a factor of 1.3.
const PINCH = 1 / 100; // A pinch on a touch pad comes as small steps of a wheel with the control key.
const TAP_TIME = 350; // milliseconds between two taps
const TAP_ROOM = 24; // pixels between two taps

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Listener} listener
 */
export function watch(canvas, listener) {
  /** @type {Map<number, { x: number, y: number }>} */
  const pointers = new Map();
  let lastTap = { time: 0, x: 0, y: 0 };
  let moved = 0;

  const place = (/** @type {MouseEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    const ratio = canvas.width / Math.max(1, box.width);
    return { x: (event.clientX - box.left) * ratio, y: (event.clientY - box.top) * ratio };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 1) return;
    canvas.setPointerCapture(event.pointerId);
    if (!pointers.size) {
      moved = 0;
      listener.hold(true);
    }
    pointers.set(event.pointerId, place(event));
  });

  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = place(event);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    moved += Math.hypot(now.x - before.x, now.y - before.y);
    if (!other) return listener.drag(now.x - before.x, now.y - before.y, now.x);
    const spread = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
    const [middleX, middleY] = [(now.x + other.x) / 2, (now.y + other.y) / 2];
    listener.zoom(spread, middleX, middleY);
    listener.drag((now.x - before.x) / 2, (now.y - before.y) / 2, Number.NaN);
  });

  const release = (/** @type {PointerEvent} */ event) => {
    const last = pointers.get(event.pointerId);
    if (!last || !pointers.delete(event.pointerId) || pointers.size) return;
    listener.hold(false);
    if (moved > TAP_ROOM || event.type !== "pointerup") return;
    const near = Math.hypot(last.x - lastTap.x, last.y - lastTap.y) < TAP_ROOM;
    const quick = event.timeStamp - lastTap.time < TAP_TIME;
    lastTap = { time: near && quick ? 0 : event.timeStamp, x: last.x, y: last.y };
    if (near && quick) listener.doubleTap(last.x, last.y);
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);

  // What lies over the canvas, as the slider does, lets the wheel through.
  (canvas.parentElement ?? canvas).addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const { x, y } = place(event);
      listener.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? PINCH : WHEEL)), x, y);
    },
    { passive: false },
  );
}

/** What the keys do while comparing. */

/** @import { Player } from "./playback.js" */
/** @import { Stage } from "./stage.js" */

const SLIDER_STEP = 20; // of 1000, for an arrow key
const PAN_STEP = 80; // pixels of the page, for an arrow key

/** Whether the focus came by a click: then keys mean what they mean on the image, not on the button that was clicked. */
let clicked = false;
window.addEventListener("pointerdown", () => (clicked = true), true);
window.addEventListener("keydown", ({ key }) => key === "Tab" && (clicked = false), true);

/**
 * What each key does now.
 *
 * @param {Stage} stage
 * @param {Player | null} player What is played, if anything.
 * @param {boolean} shift
 * @returns {Record<string, () => void>}
 */
function actions(stage, player, shift) {
  const far = PAN_STEP * stage.ratio;
  const pan = (/** @type {number} */ right, /** @type {number} */ down) => stage.zoom((view) => view.pan(right * far, down * far));
  const slides = stage.painter.mode === "slider" && !shift;
  const slide = (/** @type {number} */ step) => stage.split(Number(stage.slider.value) + step);
  return {
    "+": () => stage.zoom((view) => view.step(1)),
    "=": () => stage.zoom((view) => view.step(1)),
    "-": () => stage.zoom((view) => view.step(-1)),
    0: () => stage.zoom((view) => view.fit()),
    1: () => stage.zoom((view) => view.zoomTo(1)),
    b: () => stage.blink(),
    ArrowLeft: () => (slides ? slide(-SLIDER_STEP) : pan(1, 0)),
    ArrowRight: () => (slides ? slide(SLIDER_STEP) : pan(-1, 0)),
    ArrowUp: () => pan(0, 1),
    ArrowDown: () => pan(0, -1),
    ...(stage.painter.mode === "slider" ? { Home: () => stage.split(0), End: () => stage.split(1000) } : {}),
    ...(player ? { " ": () => player.toggle(), ",": () => player.frame(-1), ".": () => player.frame(1) } : {}),
  };
}

/**
 * Does what a key means, unless it means something else where the focus is.
 *
 * @param {KeyboardEvent} event
 * @param {Stage} stage
 * @param {Player | null} player
 */
export function press(event, stage, player) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target, key } = event;
  if (target instanceof HTMLSelectElement) return; // It takes letters and arrows itself.
  const chooses = target instanceof HTMLInputElement && target !== stage.slider;
  const ticks = chooses && target.type !== "range";
  const known = actions(stage, player, event.shiftKey);
  const action = known[key] ?? known[key.toLowerCase()];
  if (!action) return;
  const native = (chooses && /^(Arrow|Home|End)/.test(key)) || (ticks && key === " ");
  const presses = key === " " && (target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement);
  if ((native || presses) && !(clicked && !(chooses && target.type === "range"))) return;
  event.preventDefault();
  action();
}

/** The choice of a size: times as large, or a width, a height, a box. */

import { byId, element } from "./dom.js";
import { counted } from "./words.js";

/** @import { Kind, Option, Options } from "./types.js" */

/** What is offered where any number is possible. */
const COMMON = [2, 3, 4];

/** Ways to give another size, in this order. */
const MEASURES = { width: "the width", height: "the height", fit: "a box to fit in", scale: "the scale" };
const UNITS = { width: "Pixels wide", height: "Pixels high", scale: "Times" };

/** The options that this part of the form stands for. */
export const SIZE_OPTIONS = Object.keys(MEASURES);

/** The part of the form that sets the size. */
export class Sizes {
  /** @param {Record<Kind, Option[]>} offered */
  constructor(offered) {
    this.offered = offered;
    const kinds = /** @type {Kind[]} */ (["image", "video"]);
    const all = new Set(kinds.flatMap((kind) => this.scales(kind)));
    const segments = [...all].sort((a, b) => a - b).map((scale) => {
      const fits = kinds.filter((kind) => this.scales(kind).includes(scale));
      return segment(String(scale), `${scale}×`, fits, scale === 2);
    });
    const measured = kinds.filter((kind) => this.measures(kind).length);
    byId("sizes", HTMLElement).replaceChildren(...segments, segment("other", "Other", measured, false));
    const measures = this.measures("image").map((name) => element("option", { value: name }, labelOf(MEASURES, name)));
    byId("measure", HTMLSelectElement).replaceChildren(...measures);
  }

  /**
   * @param {Kind} kind
   * @returns {number[]} the scales that are offered
   */
  scales(kind) {
    const option = this.offered[kind].find(({ name }) => name === "scale");
    if (!option) return [];
    if (option.choices.length) return option.choices.map(Number);
    return COMMON.filter((scale) => scale >= (option.min ?? 0) && scale <= (option.max ?? scale));
  }

  /**
   * @param {Kind} kind
   * @returns {string[]} the other ways to give a size
   */
  measures(kind) {
    const free = this.offered[kind].filter(({ choices }) => !choices.length).map(({ name }) => name);
    return Object.keys(MEASURES).filter((name) => free.includes(name));
  }

  /** @param {Record<string, string>} values */
  show(values) {
    byId("other-size", HTMLElement).hidden = values.size !== "other";
    byId("fit-fields", HTMLElement).hidden = values.measure !== "fit";
    byId("value-field", HTMLElement).hidden = values.measure === "fit";
    byId("value-label", HTMLElement).textContent = labelOf(UNITS, values.measure ?? "");
  }

  /**
   * @param {Record<string, string>} values
   * @returns {string} what is wrong with the size, in a sentence; empty if nothing is
   */
  fault(values) {
    if (values.size !== "other") return "";
    const given = values.measure === "fit" ? [values.fitWidth, values.fitHeight] : [values.value];
    const option = this.offered.image.find(({ name }) => name === values.measure);
    if (!given.every((each) => Number(each) > 0)) return values.measure === "scale" ? "Say how many times as large." : "Say how many pixels.";
    if (option?.max && Number(given[0]) > option.max) return `At most ${counted(option.max, "time", "times")} as large is possible.`;
    return "";
  }

  /**
   * @param {Record<string, string>} values
   * @returns {Options}
   */
  options(values) {
    const { size, measure, value } = values;
    if (size !== "other") return { scale: size ?? "2" };
    if (measure === "fit") return { fit: `${values.fitWidth}x${values.fitHeight}` };
    return measure && value ? { [measure]: value } : {};
  }
}

/**
 * @param {Record<string, string>} labels
 * @param {string} name
 * @returns {string}
 */
function labelOf(labels, name) {
  return labels[name] ?? "";
}

/**
 * @param {string} value
 * @param {string} label
 * @param {Kind[]} kinds
 * @param {boolean} checked
 * @returns {HTMLElement}
 */
function segment(value, label, kinds, checked) {
  const input = element("input", { type: "radio", name: "size", value, checked });
  return element("label", { "data-for": kinds.join(" ") }, input, element("span", {}, label));
}

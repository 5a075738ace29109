/** The form of choices: what it shows, what it remembers, and the options that it means. */

import { byId, element } from "./dom.js";
import { savedSettings, saveSettings } from "./memory.js";

/** @import { Kind, Model, Options } from "./types.js" */

/** Models that most people choose from, in this order; the others are under "More models". */
const COMMON = ["fast", "balanced", "high", "recurrent"];

/** Purposes in plain words, for the models that come with the program. Others show what the server says. */
const PURPOSES = {
  fast: "Quick, and good for most images.",
  balanced: "Better, for three times the work.",
  high: "The best quality. It takes its time.",
  "fast-compressed": "For images with JPEG artefacts.",
  "balanced-compressed": "For JPEG artefacts, better and slower.",
  recurrent: "For videos: less flicker. 3× and 4×.",
  vespcn: "For videos, as published in 2016. 3× and 4×.",
  espcn: "As published in 2016.",
  "srcnn-915": "As published in 2015.",
  fsrcnn: "As published in 2016, small.",
  bicubic: "A plain resize, without a network.",
};

const AUTOMATIC = "Looks at each file: one model for clean ones, another for compressed ones.";

/** Formats whose files have a quality. */
const LOSSY = ["jpg", "webp", "avif"];

/** The form of choices. */
export class Settings {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    /** @type {Model[]} */
    this.models = [];
    /** @type {(() => void)[]} */
    this.onChange = [];
    /** @type {Set<Kind>} */
    this.kinds = new Set(["image"]);
    this.fill(savedSettings());
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => {
      this.show();
      saveSettings(this.values());
      for (const listener of this.onChange) listener();
    });
  }

  /** @returns {Record<string, string>} every field that has a value, by its name */
  values() {
    /** @type {Record<string, string>} */
    const values = {};
    for (const [name, value] of new FormData(this.form)) if (typeof value === "string") values[name] = value.trim();
    return values;
  }

  /**
   * Puts remembered values back. Values that the form no longer offers are passed over.
   *
   * @param {Record<string, string>} values
   */
  fill(values) {
    if (!Object.keys(values).length) return;
    for (const field of this.form.elements) {
      if (!(field instanceof HTMLInputElement || field instanceof HTMLSelectElement) || !field.name) continue;
      const value = values[field.name];
      if (field instanceof HTMLSelectElement) {
        if ([...field.options].some((option) => option.value === value)) field.value = value ?? "";
      } else if (field.type === "radio") field.checked = field.value === value || (field.checked && value === undefined);
      else if (field.type === "checkbox") field.checked = value !== undefined;
      else if (value !== undefined) field.value = value;
    }
  }

  /**
   * Offers the models that the server has.
   *
   * @param {Model[]} models
   */
  offer(models) {
    this.models = models;
    const values = { ...this.values(), ...savedSettings() };
    const common = byId("models", HTMLElement);
    const more = byId("more-models-list", HTMLElement);
    const known = new Map(models.map((model) => [model.name, model]));
    const rest = models.filter((model) => !COMMON.includes(model.name)).map((model) => model.name);
    common.replaceChildren(
      this.card("auto", "Automatic", AUTOMATIC),
      ...COMMON.filter((name) => known.has(name)).map((name) => this.card(name, name, this.purpose(name))),
    );
    more.replaceChildren(...rest.map((name) => this.card(name, name, this.purpose(name))));
    this.fill(values);
    if (!this.form.querySelector("input[name=model]:checked")) this.choose("auto");
    if (rest.includes(this.values().model ?? "")) byId("more-models", HTMLDetailsElement).open = true;
    this.show();
  }

  /**
   * @param {string} name
   * @returns {string}
   */
  purpose(name) {
    const known = /** @type {Record<string, string>} */ (PURPOSES)[name];
    return known ?? this.models.find((model) => model.name === name)?.purpose ?? "";
  }

  /**
   * @param {string} value
   * @param {string} title
   * @param {string} purpose
   * @returns {HTMLElement}
   */
  card(value, title, purpose) {
    const input = element("input", { type: "radio", name: "model", value, "aria-describedby": `purpose-${value}` });
    return element(
      "label",
      { class: "card" },
      input,
      element("span", { class: "card-title" }, title),
      element("span", { class: "card-purpose", id: `purpose-${value}` }, purpose),
    );
  }

  /** @param {string} model */
  choose(model) {
    for (const input of this.form.querySelectorAll("input[name=model]")) {
      if (input instanceof HTMLInputElement) input.checked = input.value === model;
    }
  }

  /**
   * Shows the choices for what was picked: images, videos or both.
   *
   * @param {Set<Kind>} kinds
   */
  serve(kinds) {
    this.kinds = kinds;
    this.show();
  }

  /** Shows what belongs to the choices made, and hides the rest. */
  show() {
    const values = this.values();
    const { kinds } = this;
    for (const part of this.form.querySelectorAll("[data-for]")) {
      if (part instanceof HTMLElement) part.hidden = !kinds.has(/** @type {Kind} */ (part.dataset.for));
    }
    byId("other-size", HTMLElement).hidden = values.size !== "other";
    byId("fit-fields", HTMLElement).hidden = values.measure !== "fit";
    byId("value-field", HTMLElement).hidden = values.measure === "fit";
    byId("value-label", HTMLElement).textContent =
      { scale: "Times", width: "Pixels wide", height: "Pixels high" }[values.measure ?? ""] ?? "";
    byId("quality-field", HTMLElement).hidden = !LOSSY.includes(values.format ?? "");
    byId("quality-value", HTMLOutputElement).value = values.quality ?? "";
    byId("strength-value", HTMLOutputElement).value = `${values.strength ?? 100} %`;
    const scale = values.size === "other" ? null : Number(values.size);
    for (const input of this.form.querySelectorAll("input[name=model]")) {
      if (!(input instanceof HTMLInputElement)) continue;
      const model = this.models.find((each) => each.name === input.value);
      const label = input.closest("label");
      if (!model || !label) continue;
      label.hidden = Boolean(model.video) && !kinds.has("video");
      const fits = scale === null || !kinds.has("video") || kinds.has("image") || model.scales.includes(scale);
      label.classList.toggle("unfit", !fits);
    }
  }

  /** @returns {string} what is wrong with the choices, in a sentence; empty if nothing is */
  fault() {
    const values = this.values();
    if (values.size !== "other") return "";
    if (this.kinds.has("video")) return "A video can be made 2×, 3×, 4× or 8× as large. Choose one of these.";
    const given = values.measure === "fit" ? [values.fitWidth, values.fitHeight] : [values.value];
    if (given.every((each) => Number(each) > 0)) return "";
    return values.measure === "scale" ? "Say how many times as large." : "Say how many pixels.";
  }

  /**
   * The options of a request, by the names of the command line.
   *
   * @param {Kind} kind
   * @returns {Options}
   */
  options(kind) {
    const values = this.values();
    /** @type {Options} */
    const options = {};
    if (values.size !== "other") options.scale = values.size ?? "2";
    else if (values.measure === "fit") options.fit = `${values.fitWidth}x${values.fitHeight}`;
    else if (values.measure && values.value) options[values.measure] = values.value;
    const model = this.models.find((each) => each.name === values.model);
    if (values.model && values.model !== "auto" && !(model?.video && kind === "image")) options.model = values.model;
    if (values.strength && values.strength !== "100") options.strength = String(Number(values.strength) / 100);
    if (values.precision && values.precision !== "auto") options.precision = values.precision;
    if (kind === "image") {
      if (values.format) options.format = values.format;
      if (values.quality && LOSSY.includes(values.format ?? "")) options.quality = values.quality;
      if (values.background) options.background = values.background;
      if (values.ensemble) options.ensemble = "true";
      if (values.depth) options.depth = values.depth;
      return options;
    }
    for (const name of ["encoder", "crf", "start", "end"]) if (values[name]) options[name] = values[name];
    if (values.deinterlace) options.deinterlace = "true";
    if (values.preview) options.preview = "5";
    return options;
  }
}

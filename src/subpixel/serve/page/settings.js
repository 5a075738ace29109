/** The form of choices, built from what the server offers: what it shows, what it remembers, what it means. */

import { byId } from "./dom.js";
import { fieldsOf } from "./fields.js";
import { savedSettings, saveSettings } from "./memory.js";
import { Models } from "./models.js";
import { SIZE_OPTIONS, Sizes } from "./sizes.js";

/** @import { Field } from "./fields.js" */
/** @import { Kind, Model, Offer, Options } from "./types.js" */

const GROUPS = /** @type {const} */ (["format", "video", "fine"]);

/** The form of choices. */
export class Settings {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    /** @type {Field[]} */
    this.fields = [];
    /** @type {Sizes | null} */
    this.sizes = null;
    /** @type {Models | null} */
    this.models = null;
    /** @type {(() => void)[]} */
    this.onChange = [];
    /** @type {Set<Kind>} */
    this.kinds = new Set(["image"]);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => {
      this.show();
      saveSettings(this.values());
      this.tell();
    });
  }

  /** @returns {Record<string, string>} every field that has a value, by its name */
  values() {
    /** @type {Record<string, string>} */
    const values = {};
    for (const [name, value] of new FormData(this.form)) if (typeof value === "string") values[name] = value.trim();
    return values;
  }

  tell() {
    for (const listener of this.onChange) listener();
  }

  /**
   * Builds the form. Choices that were made before are kept, where they are still offered.
   *
   * @param {Offer} offer
   * @param {Model[]} models
   */
  offer(offer, models) {
    const values = this.sizes ? this.values() : savedSettings();
    this.sizes = new Sizes(offer);
    this.models = new Models(offer, models);
    this.fields = fieldsOf(offer, [...SIZE_OPTIONS, "model"]);
    for (const group of GROUPS) {
      byId(`${group}-fields`, HTMLElement).replaceChildren(
        ...this.fields.filter((field) => field.group === group).map((field) => field.element),
      );
    }
    this.fill(values);
    this.show();
    this.tell();
  }

  /**
   * Puts remembered values back. Values that the form does not offer are passed over.
   *
   * @param {Record<string, string>} values
   */
  fill(values) {
    if (!Object.keys(values).length) return;
    for (const field of this.form.elements) {
      if (field instanceof HTMLSelectElement) {
        const value = values[field.name];
        if ([...field.options].some((option) => option.value === value)) field.value = value ?? "";
      } else if (field instanceof HTMLInputElement) {
        const value = values[field.name];
        if (field.type === "radio") field.checked = field.value === value || field.checked;
        else if (field.type === "checkbox") field.checked = value !== undefined;
        else if (value !== undefined) field.value = value;
      }
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
    const { kinds, form } = this;
    for (const part of form.querySelectorAll("[data-for]")) {
      const wanted = part.getAttribute("data-for")?.split(" ") ?? [];
      if (part instanceof HTMLElement) part.hidden = !wanted.some((kind) => kinds.has(/** @type {Kind} */ (kind)));
    }
    for (const field of this.fields) field.show(values, kinds);
    for (const group of GROUPS) {
      const shown = this.fields.some((field) => field.group === group && !field.element.hidden);
      byId(`${group}-group`, HTMLElement).hidden = !shown;
    }
    this.sizes?.show(values);
    this.models?.show(values);
  }

  /** @returns {string} what is wrong with the choices, in a sentence; empty if nothing is */
  fault() {
    if (!this.sizes) return "subpixel has not answered yet. It is asked again every few seconds.";
    return this.sizes.fault(this.values());
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
    const options = { ...this.sizes?.options(values), ...this.models?.options(kind, values) };
    for (const field of this.fields) {
      const value = field.kinds.includes(kind) ? field.value(values) : "";
      if (value) options[field.option.name] = value;
    }
    return options;
  }
}

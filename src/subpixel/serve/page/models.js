/** The choice of a model: a card for each, those that most people want in front. */

import { byId, element } from "./dom.js";
import { COMMON_MODELS, PURPOSES } from "./labels.js";

/** @import { Kind, Model, Option, Options } from "./types.js" */

/** The part of the form that chooses a model. */
export class Models {
  /**
   * @param {Record<Kind, Option[]>} offered
   * @param {Model[]} models What is known of each.
   */
  constructor(offered, models) {
    /** @type {Map<string, Model>} */
    this.known = new Map(models.map((model) => [model.name, model]));
    /** @param {Kind} kind */
    const names = (kind) => (offered[kind].find(({ name }) => name === "model")?.choices ?? []).map(String);
    /** @type {Record<Kind, string[]>} */
    this.names = { image: names("image"), video: names("video") };
    const all = [...new Set([...this.names.image, ...this.names.video])];
    const common = ["auto", ...COMMON_MODELS].filter((name) => all.includes(name));
    this.rest = all.filter((name) => !common.includes(name));
    byId("models", HTMLElement).replaceChildren(...common.map((name) => this.card(name)));
    byId("more-models-list", HTMLElement).replaceChildren(...this.rest.map((name) => this.card(name)));
    byId("more-models", HTMLElement).hidden = !this.rest.length;
  }

  /**
   * @param {string} name
   * @returns {HTMLElement}
   */
  card(name) {
    const id = `purpose-${name}`;
    const checked = name === "auto";
    const kinds = /** @type {Kind[]} */ (["image", "video"]).filter((kind) => this.names[kind].includes(name));
    return element(
      "label",
      { class: "card", "data-for": kinds.join(" ") },
      element("input", { type: "radio", name: "model", value: name, checked, "aria-describedby": id }),
      element("span", { class: "card-title" }, name === "auto" ? "Automatic" : name),
      element("span", { class: "card-purpose", id }, PURPOSES[name] ?? this.known.get(name)?.purpose ?? ""),
    );
  }

  /** @param {Record<string, string>} values */
  show(values) {
    if (this.rest.includes(values.model ?? "")) byId("more-models", HTMLDetailsElement).open = true;
  }

  /**
   * @param {Kind} kind
   * @param {Record<string, string>} values
   * @returns {Options}
   */
  options(kind, { model }) {
    return model && model !== "auto" && this.names[kind].includes(model) ? { model } : {};
  }
}

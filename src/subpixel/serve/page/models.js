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

  /**
   * @param {Record<string, string>} values
   * @param {Set<Kind>} kinds
   */
  show(values, kinds) {
    if (this.rest.includes(values.model ?? "")) byId("more-models", HTMLDetailsElement).open = true;
    const scale = Number(values.size); // NaN for another size: that is put together of what the model can.
    for (const input of byId("settings", HTMLFormElement).querySelectorAll("input[name=model]")) {
      const model = input instanceof HTMLInputElement ? this.known.get(input.value) : undefined;
      const fits = !model || !scale || !kinds.has("video") || kinds.has("image") || model.scales.includes(scale);
      input.closest("label")?.classList.toggle("unfit", !fits);
    }
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

/** Fields of the form, each made from what the server says of an option. */

import { element } from "./dom.js";
import { valueLabel, WORDS } from "./labels.js";

/** @import { Kind, Option } from "./types.js" */

/** One option in the form. */
export class Field {
  /**
   * @param {Option} option
   * @param {Kind[]} kinds What it is an option of.
   * @param {string} name Of its input.
   */
  constructor(option, kinds, name) {
    this.option = option;
    this.kinds = kinds;
    this.name = name;
    this.words = WORDS[option.name] ?? { label: sentence(option.name), help: option.about };
    this.group = this.words.group ?? "fine";
    this.shares = option.kind === "number" && option.min === 0 && option.max === 1; // shown in percent
    this.element = this.build();
    this.element.dataset.for = kinds.join(" ");
  }

  /** @returns {HTMLElement} */
  build() {
    const { option, words, name } = this;
    if (words.value) return this.tick(words.value, true);
    if (option.kind === "switch") return this.tick("true", option.default === true);
    if (option.choices.length && this.group === "format") return this.segments();
    const help = words.help ? element("span", { class: "small", id: `${name}-help` }, words.help) : null;
    const described = help ? help.id : null;
    if (this.shares) {
      const value = Math.round(Number(option.default ?? 1) * 100);
      const input = element("input", { type: "range", name, min: 0, max: 100, step: 5, value, "aria-describedby": described });
      const output = element("output", {}, `${value} %`);
      this.onShow = () => (output.value = `${input.value} %`);
      return element("label", { class: "field slide" }, element("span", {}, `${words.label} `, output), input, help);
    }
    const input = option.choices.length ? this.select() : this.input();
    if (described) input.setAttribute("aria-describedby", described);
    return element("label", { class: "field" }, words.label, input, help);
  }

  /**
   * @param {string} value What a tick stands for.
   * @param {boolean} checked
   * @returns {HTMLElement}
   */
  tick(value, checked) {
    const { words, name } = this;
    const text = element("span", {}, words.label, words.help ? element("span", { class: "small below" }, words.help) : null);
    return element("label", { class: "check" }, element("input", { type: "checkbox", name, value, checked }), text);
  }

  /** @returns {HTMLElement} its choices beside each other */
  segments() {
    const { words, name } = this;
    const made = this.choices().map(({ value, label }, index) =>
      element("label", {}, element("input", { type: "radio", name, value, checked: index === 0 }), element("span", {}, label)),
    );
    const group = element("div", { class: "segments many", role: "radiogroup", "aria-label": words.label }, ...made);
    const help = words.help ? element("p", { class: "small" }, words.help) : null;
    return element("div", { class: "choice" }, element("p", { class: "small choice-name" }, words.label), group, help);
  }

  /** @returns {HTMLSelectElement} */
  select() {
    const made = this.choices().map(({ value, label }) =>
      element("option", { value, selected: value === String(this.option.default ?? "") }, label),
    );
    return element("select", { name: this.name }, ...made);
  }

  /** @returns {HTMLInputElement} */
  input() {
    const { option, words, name } = this;
    const placeholder = words.placeholder ?? (option.default === null ? "chosen by itself" : String(option.default));
    const common = { name, placeholder, autocomplete: "off" };
    if (option.kind === "integer" || option.kind === "number") {
      const step = option.kind === "integer" ? 1 : "any";
      return element("input", { ...common, type: "number", min: option.min, max: option.max, step, inputmode: "decimal" });
    }
    return element("input", { ...common, type: "text", spellcheck: "false" });
  }

  /** @returns {{ value: string, label: string }[]} of two values with one name, the first */
  choices() {
    const { option, words } = this;
    const unset = option.default === null ? [{ value: "", label: words.unset ?? "Chosen by itself" }] : [];
    const named = option.choices.map((value) => ({ value: String(value), label: valueLabel(option.name, String(value)) }));
    return [...unset, ...named.filter(({ label }, index) => named.findIndex((other) => other.label === label) === index)];
  }

  /**
   * What it asks for; empty if that is what happens anyway.
   *
   * @param {Record<string, string>} values Of the form.
   * @returns {string}
   */
  value(values) {
    const given = values[this.name] ?? "";
    if (!given || !this.applies(values)) return "";
    const value = this.shares ? String(Number(given) / 100) : given;
    return value === String(this.option.default ?? "") ? "" : value;
  }

  /**
   * @param {Record<string, string>} values Of the form.
   * @returns {boolean} whether it means something beside the other choices
   */
  applies(values) {
    return Object.entries(this.words.when ?? {}).every(([name, wanted]) => wanted.includes(values[name] ?? ""));
  }

  /**
   * @param {Record<string, string>} values
   * @param {Set<Kind>} kinds What was picked.
   */
  show(values, kinds) {
    this.element.hidden = !this.kinds.some((kind) => kinds.has(kind)) || !this.applies(values);
    this.onShow?.();
  }
}

/**
 * @param {string} name Such as `side_by_side`.
 * @returns {string} such as `Side by side`
 */
function sentence(name) {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * The fields of all options but those that the form shows in its own way. An option of both kinds is one field.
 *
 * @param {Record<Kind, Option[]>} offered
 * @param {string[]} others Names of those.
 * @returns {Field[]} known ones in the order of the page's words, then the others
 */
export function fieldsOf(offered, others) {
  /** @type {Field[]} */
  const fields = [];
  const [images, videos] = [offered.image, offered.video].map((list) => list.filter(({ name }) => !others.includes(name)));
  for (const option of images ?? []) {
    const twin = videos?.find(({ name }) => name === option.name);
    const shared = twin && JSON.stringify(twin) === JSON.stringify(option);
    fields.push(new Field(option, shared ? ["image", "video"] : ["image"], option.name));
  }
  for (const option of videos ?? []) {
    const twin = fields.find(({ name }) => name === option.name);
    if (twin?.kinds.includes("video")) continue;
    fields.push(new Field(option, ["video"], twin ? `video-${option.name}` : option.name));
  }
  const known = Object.keys(WORDS);
  const rank = (/** @type {Field} */ { option }) => (known.indexOf(option.name) + known.length + 1) % (known.length + 1);
  return fields.sort((one, other) => rank(one) - rank(other));
}

/** The files that were picked and not sent yet: their list, what they would become, and the button that starts. */

import { spoken } from "./advice.js";
import { announce } from "./announce.js";
import { address } from "./api.js";
import { byId, element, icon } from "./dom.js";
import { Estimates } from "./estimates.js";
import { kindOf } from "./files.js";
import { about, counted, duration, facts, fileSize, pixels } from "./words.js";

/** @import { Answer } from "./estimates.js" */
/** @import { Settings } from "./settings.js" */
/** @import { Job, Kind, Options } from "./types.js" */

/**
 * @typedef {object} Picked
 * @property {File | Job} source A file, or a job whose file the server has.
 * @property {Kind} kind
 * @property {number} bytes
 * @property {HTMLElement} row
 * @property {HTMLElement} line
 * @property {Answer | null} answer
 */

/** @typedef {{ source: File | Job, kind: Kind, options: Options }} Begun What is to be made. */

/** The files that were picked. */
export class Tray {
  /**
   * @param {Settings} settings
   * @param {(begun: Begun[]) => void} onStart
   * @param {() => void} onCount The number of files changed.
   */
  constructor(settings, onStart, onCount) {
    this.settings = settings;
    this.onCount = onCount;
    /** @type {Picked[]} */
    this.picked = [];
    this.estimates = new Estimates();
    this.list = byId("picked", HTMLElement);
    this.button = byId("start", HTMLButtonElement);
    this.expected = byId("expected", HTMLElement);
    settings.onChange.push(() => this.ask());
    this.button.addEventListener("click", () => {
      const fault = settings.fault();
      if (fault) return this.say(fault, true);
      const sent = this.picked;
      this.clear();
      onStart(sent.map(({ source, kind }) => ({ source, kind, options: settings.options(kind) })));
    });
    byId("clear", HTMLButtonElement).addEventListener("click", () => this.clear());
  }

  /** @param {(File | Job)[]} sources */
  add(sources) {
    for (const source of sources) {
      if (!this.picked.some((other) => same(other.source, source))) this.picked.push(this.entry(source));
    }
    this.list.replaceChildren(...this.picked.map(({ row }) => row));
    this.changed();
  }

  clear() {
    this.picked = [];
    this.list.replaceChildren();
    this.changed();
  }

  changed() {
    const kinds = new Set(this.picked.map(({ kind }) => kind));
    const images = this.picked.filter(({ kind }) => kind === "image").length;
    const videos = this.picked.length - images;
    const parts = [];
    if (images) parts.push(counted(images, "image", "images"));
    if (videos) parts.push(counted(videos, "video", "videos"));
    byId("picked-count", HTMLElement).textContent = parts.join(" and ");
    const what = this.picked.length === 1 ? "" : ` ${parts.join(" and ")}`;
    this.button.textContent = `Upscale${what}`;
    if (kinds.size) this.settings.serve(kinds);
    this.onCount();
    this.ask();
  }

  /**
   * @param {File | Job} source
   * @returns {Picked}
   */
  entry(source) {
    const isFile = source instanceof File;
    const kind = isFile ? kindOf(source) : source.kind;
    const { name } = isFile ? source : source.source;
    const bytes = isFile ? source.size : source.source.bytes;
    const line = element("span", { class: "detail" }, fileSize(bytes));
    const drop = () => {
      this.picked = this.picked.filter((each) => each.source !== source);
      row.remove();
      this.changed();
    };
    const remove = element("button", { type: "button", class: "bare", "aria-label": `Take out ${name}`, onclick: drop });
    remove.append(icon("close"));
    const text = element("div", { class: "row-text" }, element("span", { class: "name", title: name }, name), line);
    const row = element("li", { class: "row" }, thumbnail(source, kind), text, remove);
    return { source, kind, bytes, row, line, answer: null };
  }

  /** Asks what the files would take with the settings of now. */
  ask() {
    const fault = this.settings.fault();
    for (const picked of this.picked) picked.answer = null;
    if (fault || !this.picked.length) return this.say(fault, Boolean(fault));
    this.say("", false);
    const wanted = this.picked.map(({ source, kind }) => ({ source, options: this.settings.options(kind) }));
    void this.estimates.ask(wanted, (source, answer) => {
      const picked = this.picked.find((each) => each.source === source);
      if (!picked) return;
      picked.answer = answer;
      picked.line.textContent = answer.fault || this.line(picked, answer);
      picked.line.classList.toggle("fault", Boolean(answer.fault));
      this.sum();
    }).then((complete) => complete && announce(this.expected.textContent ?? "")); // Once, not at each file.
  }

  /**
   * @param {Picked} picked
   * @param {Answer} answer
   * @returns {string}
   */
  line({ bytes }, { estimate }) {
    const parts = [fileSize(bytes)];
    if (estimate?.size) parts.push(`becomes ${pixels(...estimate.size)}`);
    if (estimate?.seconds) parts.push(duration(estimate.seconds));
    return facts(parts);
  }

  /** Says what all files take together, as far as it is known. */
  sum() {
    const known = this.picked.flatMap(({ answer }) => (answer?.estimate ? [answer.estimate] : []));
    const faults = this.picked.filter(({ answer }) => answer?.fault).length;
    const only = this.picked.length === 1 ? this.picked[0]?.answer : null;
    if (only?.fault) return this.say(only.fault, true);
    const seconds = known.reduce((sum, each) => sum + (each.seconds ?? 0), 0);
    const bytes = known.reduce((sum, each) => sum + (each.bytes ?? 0), 0);
    const parts = [];
    const open = this.picked.length - known.length - faults;
    if (known.length) parts.push(about(seconds) + (open ? ` for ${known.length} of ${this.picked.length} files` : ""));
    if (only?.estimate?.size) parts.push(pixels(...only.estimate.size));
    if (bytes && !open && known.every((each) => each.bytes)) parts.push(`about ${fileSize(bytes)}`);
    const text = parts.join(", ");
    const broken = faults ? `${counted(faults, "file", "files")} cannot be made; the list says why.` : "";
    const notes = [...new Set(known.flatMap((each) => each.notes))].slice(0, 2).map(spoken).join(" ");
    this.say([text && (broken ? spoken(text) : text.charAt(0).toUpperCase() + text.slice(1)), broken].filter(Boolean).join(" "), false, notes);
  }

  /**
   * @param {string} text
   * @param {boolean} fault
   * @param {string} [notes]
   */
  say(text, fault, notes = "") {
    this.expected.textContent = text;
    this.expected.classList.toggle("fault", fault);
    byId("expected-notes", HTMLElement).textContent = notes;
  }
}

/**
 * @param {File | Job} one
 * @param {File | Job} other
 * @returns {boolean} whether they are the same, picked twice
 */
function same(one, other) {
  if (!(one instanceof File && other instanceof File)) return "id" in one && "id" in other && one.id === other.id;
  return one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;
}

/**
 * A small image of what was picked, or an icon where the browser cannot show it.
 *
 * @param {File | Job} source
 * @param {Kind} kind
 * @returns {HTMLElement}
 */
function thumbnail(source, kind) {
  const frame = element("span", { class: "thumb" });
  if (kind === "video") {
    frame.append(icon("video"));
    return frame;
  }
  const url = source instanceof File ? URL.createObjectURL(source) : "";
  const src = url || ("id" in source ? address(`v1/jobs/${source.id}/preview`, { of: "source", max: 256 }) : "");
  // Only what is in sight is loaded: a folder may hold hundreds.
  const image = element("img", { alt: "", decoding: "async", loading: "lazy", src });
  image.addEventListener("load", () => URL.revokeObjectURL(url));
  image.addEventListener("error", () => {
    URL.revokeObjectURL(url);
    image.replaceWith(icon("image"));
  });
  frame.append(image);
  return frame;
}

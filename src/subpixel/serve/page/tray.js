/** The files that were picked and not sent yet: their list, what they would become, and the button that starts. */

import { byId, element, icon } from "./dom.js";
import { Estimates } from "./estimates.js";
import { kindOf } from "./files.js";
import { about, counted, duration, fileSize, pixels } from "./words.js";

/** @import { Answer } from "./estimates.js" */
/** @import { Settings } from "./settings.js" */
/** @import { Kind, Options } from "./types.js" */

/** @typedef {{ file: File, kind: Kind, row: HTMLElement, line: HTMLElement, answer: Answer | null }} Picked */

/** The files that were picked. */
export class Tray {
  /**
   * @param {Settings} settings
   * @param {(kind: Kind, file: File, options: Options) => void} onStart Called for each file.
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
      for (const { file, kind } of sent) onStart(kind, file, settings.options(kind));
    });
    byId("clear", HTMLButtonElement).addEventListener("click", () => this.clear());
  }

  /** @param {File[]} files */
  add(files) {
    for (const file of files) {
      const twin = this.picked.some(
        ({ file: other }) =>
          other.name === file.name && other.size === file.size && other.lastModified === file.lastModified,
      );
      if (!twin) this.picked.push(this.entry(file));
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
    const pictures = this.picked.filter(({ kind }) => kind === "image").length;
    const videos = this.picked.length - pictures;
    const parts = [];
    if (pictures) parts.push(counted(pictures, "picture", "pictures"));
    if (videos) parts.push(counted(videos, "video", "videos"));
    byId("picked-count", HTMLElement).textContent = parts.join(" and ");
    const what = this.picked.length === 1 ? "" : ` ${parts.join(" and ")}`;
    this.button.textContent = `Upscale${what}`;
    if (kinds.size) this.settings.serve(kinds);
    this.onCount();
    this.ask();
  }

  /**
   * @param {File} file
   * @returns {Picked}
   */
  entry(file) {
    const kind = kindOf(file);
    const line = element("span", { class: "detail" }, fileSize(file.size));
    const drop = () => {
      this.picked = this.picked.filter((each) => each.file !== file);
      row.remove();
      this.changed();
    };
    const remove = element("button", { type: "button", class: "bare", "aria-label": `Take out ${file.name}`, onclick: drop });
    remove.append(icon("close"));
    const row = element(
      "li",
      { class: "row" },
      thumbnail(file, kind),
      element("div", { class: "row-text" }, element("span", { class: "name", title: file.name }, file.name), line),
      remove,
    );
    return { file, kind, row, line, answer: null };
  }

  /** Asks what the files would take with the settings of now. */
  ask() {
    const fault = this.settings.fault();
    for (const picked of this.picked) picked.answer = null;
    if (fault || !this.picked.length) return this.say(fault, Boolean(fault));
    this.say("", false);
    const wanted = this.picked.map(({ file, kind }) => ({ file, kind, options: this.settings.options(kind) }));
    void this.estimates.ask(wanted, (file, answer) => {
      const picked = this.picked.find((each) => each.file === file);
      if (!picked) return;
      picked.answer = answer;
      picked.line.textContent = answer.fault || this.line(picked, answer);
      picked.line.classList.toggle("fault", Boolean(answer.fault));
      this.sum();
    });
  }

  /**
   * @param {Picked} picked
   * @param {Answer} answer
   * @returns {string}
   */
  line({ file }, { estimate }) {
    const parts = [fileSize(file.size)];
    if (estimate?.size) parts.push(`becomes ${pixels(...estimate.size)}`);
    if (estimate?.seconds) parts.push(duration(estimate.seconds));
    return parts.join(" · ");
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
    if (known.length) parts.push(about(seconds));
    if (only?.estimate?.size) parts.push(pixels(...only.estimate.size));
    if (bytes && known.every((each) => each.bytes)) parts.push(`about ${fileSize(bytes)}`);
    const text = parts.join(", ") + (known.length + faults < this.picked.length ? " so far" : "");
    const broken = faults ? ` ${counted(faults, "file", "files")} cannot be made; the list says why.` : "";
    const notes = [...new Set(known.flatMap((each) => each.notes))].slice(0, 2).join(" ");
    this.say(text.charAt(0).toUpperCase() + text.slice(1) + broken, false, notes);
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
 * A small picture of a file, or an icon where the browser cannot show it.
 *
 * @param {File} file
 * @param {Kind} kind
 * @returns {HTMLElement}
 */
function thumbnail(file, kind) {
  const frame = element("span", { class: "thumb" }, icon(kind === "video" ? "film" : "picture"));
  if (kind === "video") return frame;
  const url = URL.createObjectURL(file);
  const image = element("img", { src: url, alt: "", decoding: "async" });
  image.addEventListener("load", () => {
    frame.replaceChildren(image);
    URL.revokeObjectURL(url);
  });
  image.addEventListener("error", () => URL.revokeObjectURL(url));
  return frame;
}

/** Where files come from: dropped, pasted or chosen, alone or in folders. */

import { counted } from "./words.js";

/** @import { Kind } from "./types.js" */

/** @typedef {{ files: File[], leftOut: string[] }} Gathered `leftOut`: names of files that are of no use here. */

const VIDEO = /\.(mp4|m4v|mov|mkv|webm|avi|mpe?g|m2?ts|mts|wmv|flv|ogv|3gp|y4m|mxf|nut)$/i;
const IMAGE =
  /\.(png|apng|jpe?g|jpe|jfif|tiff?|webp|avif|avifs|gif|heic|heif|bmp|dib|p[bgnp]m|pfm|jp2|j2k|jxl|svg|exr|hdr)$/i;

/**
 * What a file is, as far as its name tells. The server looks at the content.
 *
 * @param {File} file
 * @returns {Kind}
 */
export function kindOf(file) {
  return file.type.startsWith("video/") || VIDEO.test(file.name) ? "video" : "image";
}

/**
 * @param {File} file
 * @returns {boolean} whether a file of a folder is taken: a folder holds other things too
 */
function useful(file) {
  return /^(image|video)\//.test(file.type) || VIDEO.test(file.name) || IMAGE.test(file.name);
}

/**
 * Every file below an entry of a drop.
 *
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>}
 */
async function below(entry) {
  if (entry.isFile) {
    const one = /** @type {FileSystemFileEntry} */ (entry);
    return [await new Promise((resolve, reject) => one.file(resolve, reject))];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {FileSystemEntry[]} */
  const entries = [];
  for (;;) {
    // A reader gives at most 100 entries at a time, and an empty list at the end.
    const some = /** @type {FileSystemEntry[]} */ (
      await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
    );
    if (!some.length) break;
    entries.push(...some);
  }
  entries.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  const files = [];
  for (const inner of entries) if (!inner.name.startsWith(".")) files.push(...(await below(inner)));
  return files;
}

/**
 * @param {DataTransfer} transfer
 * @returns {Promise<Gathered>}
 */
async function dropped(transfer) {
  /** @type {FileSystemEntry[]} */
  const entries = [];
  // The list is emptied as soon as this event is over, so the entries are taken first.
  for (const item of transfer.items) {
    const entry = item.kind === "file" ? item.webkitGetAsEntry() : null;
    if (entry) entries.push(entry);
  }
  if (!entries.length) return { files: [...transfer.files], leftOut: [] };
  /** @type {Gathered} */
  const gathered = { files: [], leftOut: [] };
  for (const entry of entries) {
    for (const file of await below(entry)) {
      if (entry.isFile || useful(file)) gathered.files.push(file);
      else gathered.leftOut.push(file.name);
    }
  }
  return gathered;
}

/**
 * @param {string[]} names
 * @returns {string} a sentence about files that were left out; empty if there are none
 */
export function leftOutText(names) {
  if (!names.length) return "";
  const shown = names.slice(0, 3).join(", ") + (names.length > 3 ? " …" : "");
  return `${counted(names.length, "file that is", "files that are")} no image or video left out: ${shown}`;
}

/**
 * Listens for files dropped on the window, pasted, and chosen in the inputs.
 *
 * @param {HTMLInputElement[]} inputs
 * @param {(gathered: Gathered) => void} onFiles
 * @param {(over: boolean) => void} onDrag Files are held over the window, or no longer.
 */
export function listen(inputs, onFiles, onDrag) {
  let depth = 0; // dragenter and dragleave come for every element on the way.
  const holdsFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
  window.addEventListener("dragenter", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth += 1;
    onDrag(true);
  });
  window.addEventListener("dragover", (event) => {
    if (holdsFiles(event)) event.preventDefault();
  });
  window.addEventListener("dragleave", (event) => {
    if (!holdsFiles(event)) return;
    depth = Math.max(0, depth - 1);
    if (!depth) onDrag(false);
  });
  window.addEventListener("drop", (event) => {
    depth = 0;
    onDrag(false);
    if (!holdsFiles(event) || !event.dataTransfer) return;
    event.preventDefault();
    void dropped(event.dataTransfer).then(onFiles);
  });
  window.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    onFiles({ files, leftOut: [] });
  });
  for (const input of inputs) {
    input.addEventListener("change", () => {
      const all = [...(input.files ?? [])];
      const files = input.webkitdirectory ? all.filter(useful) : all;
      const leftOut = all.filter((file) => !files.includes(file) && !file.name.startsWith(".")).map((file) => file.name);
      input.value = ""; // The same files may be chosen again.
      onFiles({ files, leftOut });
    });
  }
}

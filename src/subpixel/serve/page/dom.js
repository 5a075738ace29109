/** Elements of the page: found by id with their type, and built in one expression. */

/**
 * The element of this id.
 *
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`The page has no ${type.name} named ${id}.`);
  return element;
}

/**
 * A new element. Attributes that are `null`, `undefined` or `false` are left out; `onclick` and the like are listeners.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>} [attributes]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(name.replace(/^on/, ""), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child !== null && child !== undefined) made.append(child);
  return made;
}

const SHAPES = {
  back: ["M15 5l-7 7 7 7"],
  blink: ["M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12z", "M12 9.2a2.8 2.8 0 110 5.6 2.8 2.8 0 010-5.6z"],
  bin: ["M5 7h14", "M10 4h4", "M7 7l.8 12.2h8.4L17 7", "M10.5 11v5", "M13.5 11v5"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  difference: ["M4 5h10v10H4z", "M10 9h10v10H10z"],
  download: ["M12 4v11", "M7.5 11L12 15.5 16.5 11", "M5 19.5h14"],
  video: ["M4 5.5h16v13H4z", "M8 5.5v13", "M16 5.5v13", "M4 12h16"],
  folder: ["M3.5 6.5h6l2 2.5h9v10h-17z"],
  help: ["M9.2 9.3a2.9 2.9 0 115 2.1c-1 .9-2.1 1.4-2.1 2.9", "M12 17.6v.1"],
  minus: ["M5 12h14"],
  pause: ["M8.5 5v14", "M15.5 5v14"],
  image: ["M4 5h16v14H4z", "M4 16l4.8-4.6 3.7 3.4 2.7-2.3L20 16.8", "M15.3 8.6v.1"],
  play: ["M8 5l11 7-11 7z"],
  plus: ["M12 5v14", "M5 12h14"],
  repeat: ["M5 12a7 7 0 0112-4.9L19.5 9.5", "M19.5 4.8v4.7h-4.7", "M19 12a7 7 0 01-12 4.9L4.5 14.5", "M4.5 19.2v-4.7h4.7"],
  side: ["M4 5h16v14H4z", "M12 5v14"],
  slider: ["M12 3v18", "M8.5 8.5L5 12l3.5 3.5", "M15.5 8.5L19 12l-3.5 3.5"],
};

/** @typedef {keyof typeof SHAPES} IconName */

/**
 * An icon, hidden from screen readers: the button around it has the words.
 *
 * @param {IconName} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  for (const shape of SHAPES[name]) {
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", shape);
    svg.append(path);
  }
  return svg;
}

/**
 * Puts icons into every element that names one in `data-icon`.
 *
 * @param {ParentNode} root
 */
export function placeIcons(root) {
  for (const holder of root.querySelectorAll("[data-icon]")) {
    const name = holder.getAttribute("data-icon") ?? "";
    if (name in SHAPES) holder.prepend(icon(/** @type {IconName} */ (name)));
  }
}

/** The page: its parts, and how they are joined. */

import { announce, toast } from "./announce.js";
import { getOptions, listModels, RequestError } from "./api.js";
import { byId, placeIcons } from "./dom.js";
import { leftOutText, listen } from "./files.js";
import { Jobs } from "./jobs.js";
import { setLimits } from "./limits.js";
import { Results } from "./results.js";
import { Settings } from "./settings.js";
import { Tray } from "./tray.js";
import { Uploads } from "./uploads.js";
import { Viewer } from "./viewer.js";
import { counted } from "./words.js";

/** @import { Begun } from "./tray.js" */
/** @import { Job } from "./types.js" */

placeIcons(document);

const jobs = new Jobs();
const uploads = new Uploads();
const settings = new Settings(byId("settings", HTMLFormElement));
const viewer = new Viewer(jobs);
const results = new Results(jobs, uploads, { open: (job) => viewer.open(job), pick }, arrange);
const tray = new Tray(settings, start, arrange);

/**
 * Starts what was picked.
 *
 * @param {Begun[]} begun
 */
function start(begun) {
  const alone = begun.length === 1;
  awaitedFile = null;
  for (const { source, kind, options } of begun) {
    if (source instanceof File) {
      if (alone) awaitedFile = source;
      uploads.add(kind, source, options);
      continue;
    }
    void results.again(source, options).then((job) => {
      if (!job || !alone) return;
      awaited = job.id;
      showAwaited();
    });
  }
}

/** Shows the parts that have something in them. */
function arrange() {
  // While the parts are built, not all of them are there.
  const picked = byId("picked", HTMLElement).childElementCount;
  const made = byId("jobs", HTMLElement).childElementCount;
  byId("tray", HTMLElement).hidden = !picked;
  byId("made", HTMLElement).hidden = !made;
  document.body.dataset.state = picked ? "picked" : made ? "made" : "empty";
}

/** @param {(File | Job)[]} sources */
function pick(sources) {
  if (!sources.length) return;
  if (viewer.isOpen) viewer.close();
  tray.add(sources);
  window.scrollTo({ top: 0 });
  byId("start", HTMLButtonElement).focus({ preventScroll: true });
  announce(`${counted(sources.length, "file", "files")} added.`);
}

listen(
  ["choose-files", "choose-folder"].map((id) => byId(id, HTMLInputElement)),
  ({ files, leftOut }) => {
    const sentence = leftOutText(leftOut);
    pick(files);
    if (sentence) void toast(sentence);
    else if (!files.length) void toast("There was no image or video in it.");
  },
  (over) => document.body.classList.toggle("dragging", over),
);

for (const button of document.querySelectorAll("[data-chooses]")) {
  const id = button.getAttribute("data-chooses") ?? "";
  button.addEventListener("click", () => byId(id, HTMLInputElement).click());
}

for (const button of document.querySelectorAll(".opens-help")) {
  button.addEventListener("click", () => byId("help", HTMLDialogElement).showModal());
}
byId("help-close", HTMLElement).addEventListener("click", () => byId("help", HTMLDialogElement).close());

// A file that was started alone is what its owner waits for: the result is shown as soon as it is done.
/** @type {File | null} */
let awaitedFile = null;
let awaited = "";

function showAwaited() {
  const job = jobs.all.get(awaited);
  if (job?.state !== "done" || !job.result) return;
  awaited = "";
  if (!viewer.isOpen && document.body.dataset.state === "made") viewer.open(job);
}

uploads.onLeave.push((upload, job) => {
  if (!job || upload.file !== awaitedFile) return;
  awaited = job.id;
  showAwaited();
});
jobs.onChange.push(showAwaited);

/** @param {string} sentence Why the server does not let this page in; empty if it does. */
function refused(sentence) {
  byId("refused", HTMLElement).hidden = !sentence;
  if (byId("refused", HTMLElement).textContent !== sentence) byId("refused", HTMLElement).textContent = sentence;
}

let followed = false;
jobs.onConnection.push((connected, fault) => {
  byId("offline", HTMLElement).hidden = connected || Boolean(fault);
  refused(fault);
  uploads.connection(connected);
});
jobs.onChange.push((job) => {
  if (followed || location.hash.slice(1) !== job.id) return;
  followed = true;
  viewer.follow();
});

window.addEventListener("beforeunload", (event) => {
  if (uploads.busy) event.preventDefault();
});

/** Asks the server what it offers, and says what is wrong if it does not answer. */
async function begin() {
  try {
    const [offer, models] = await Promise.all([getOptions(), listModels()]);
    setLimits(offer.limits);
    settings.offer(offer, models);
    describe(offer.limits.keep_seconds);
    await jobs.refresh();
    jobs.connect();
    refused("");
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    refused(error.message);
    setTimeout(() => void begin(), 3000); // The token may be given in another tab.
  }
}

/**
 * Says where files go and how long they stay.
 *
 * @param {number} keep Seconds after the last look.
 */
function describe(keep) {
  const local = /^(localhost|127\.|\[::1\])/.test(location.hostname);
  const where = local ? "Nothing leaves this computer." : `Files go to ${location.hostname}.`;
  const time = !keep ? "" : keep === 3600 ? "an hour" : keep < 5400 ? counted(Math.round(keep / 60), "minute", "minutes") : `${Math.round(keep / 3600)} hours`;
  byId("privacy", HTMLElement).textContent = time ? `${where} Results are kept for ${time} after you last look at them.` : where;
}

arrange();
void begin();

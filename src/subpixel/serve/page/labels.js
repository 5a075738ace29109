/** The page's words for options and their values. What has none here is shown with the words of the server. */

/**
 * @typedef {object} Words
 * @property {string} label
 * @property {string} [help]
 * @property {string} [placeholder]
 * @property {string} [unset] What it is called that nothing was chosen.
 * @property {Record<string, string>} [choices]
 * @property {"format" | "video" | "fine"} [group] Where it stands; under "Fine tuning", if left out.
 * @property {string} [value] A tick stands for this value, and is set at first.
 * @property {Record<string, string[]>} [when] It only means something with one of these values of another option.
 */

/** @type {Record<string, Words>} in the order in which they are shown */
export const WORDS = {
  format: { label: "Format of images", unset: "Auto", group: "format", help: "Auto loses nothing." },
  quality: {
    label: "Quality",
    placeholder: "chosen by itself",
    help: "1 to 100; higher is better and larger.",
    group: "format",
    when: { format: ["jpg", "jpeg", "webp", "avif"] },
  },
  container: { label: "Format of videos", unset: "Auto", group: "format" },
  preview: { label: "Make a preview of 5 seconds first", group: "video", value: "5" },
  strength: { label: "Strength", help: "0 is a plain bicubic resize, 100 is all of the network." },
  precision: {
    label: "Computed in",
    choices: { auto: "What is best here", f32: "f32, the most exact", int8: "int8, the fastest" },
  },
  ensemble: { label: "Mean of 8 turns: slightly better, 8 times as long" },
  depth: { label: "Bits per sample", unset: "As in the image" },
  background: { label: "Colour behind transparent parts", placeholder: "white or #rrggbb" },
  page: { label: "Which image of a file that holds several", placeholder: "1" },
  compare: { label: "Also make an image that shows bicubic beside the result" },
  encoder: {
    label: "Encoder",
    unset: "Automatic",
    choices: {
      x264: "H.264 (x264)",
      x265: "H.265 (x265)",
      "svt-av1": "AV1 (svt-av1)",
      vp9: "VP9",
      ffv1: "FFV1, lossless",
      prores: "ProRes",
    },
  },
  crf: { label: "Quality of the encoder (CRF; lower is better)", placeholder: "by the encoder" },
  preset: { label: "Speed of the encoder, by its own name", placeholder: "by the encoder" },
  start: { label: "Begin at", placeholder: "0:00" },
  end: { label: "End at", placeholder: "the end" },
  side_by_side: { label: "Show bicubic on the left of the video" },
  deinterlace: { label: "Turn interlaced fields into whole frames" },
};

/** @type {Record<string, string>} */
const FORMATS = { jpg: "JPEG", jpeg: "JPEG", tif: "TIFF", tiff: "TIFF", webp: "WebP", webm: "WebM" };

/**
 * What a value of an option is called.
 *
 * @param {string} name Of the option.
 * @param {string} value
 * @returns {string}
 */
export function valueLabel(name, value) {
  const own = WORDS[name];
  if (own?.group === "format") return FORMATS[value] ?? value.toUpperCase();
  return own?.choices?.[value] ?? value;
}

/** Models that most people choose from, in this order; the others are under "More models". */
export const COMMON_MODELS = ["fast", "balanced", "high", "recurrent"];

/** @type {Record<string, string>} purposes in plain words, for the models that come with the program */
export const PURPOSES = {
  auto: "Looks at each file: one model for clean ones, another for compressed ones.",
  fast: "Quick, and good for most images.",
  balanced: "Better, for three times the work.",
  high: "The best quality. It takes its time.",
  "fast-compressed": "For images with JPEG artefacts.",
  "balanced-compressed": "For JPEG artefacts, better and slower.",
  recurrent: "For noisy or compressed videos: less noise, less flicker.",
  vespcn: "For videos, as published in 2016. 3× and 4×.",
  espcn: "As published in 2016.",
  "srcnn-915": "As published in 2015.",
  fsrcnn: "As published in 2016, small.",
  bicubic: "A plain resize, without a network.",
};

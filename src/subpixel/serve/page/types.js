/**
 * What the REST interface sends, as types. This module holds no code.
 *
 * @typedef {"image" | "video"} Kind
 * @typedef {"queued" | "running" | "done" | "failed" | "cancelled"} State
 *
 * @typedef {object} Problem An error as RFC 9457 describes it.
 * @property {string} type
 * @property {string} title
 * @property {number} status
 * @property {string} [detail]
 *
 * @typedef {object} MediaFile The source or the result of a job.
 * @property {string} name
 * @property {number} bytes
 * @property {string} digest
 * @property {number | null} width
 * @property {number | null} height
 * @property {string} media_type
 *
 * @typedef {object} Progress
 * @property {number} done
 * @property {number | null} total
 * @property {string} unit
 *
 * @typedef {object} Job
 * @property {string} id
 * @property {Kind} kind
 * @property {State} state
 * @property {string | number} created
 * @property {string | number | null} [started]
 * @property {string | number | null} [finished]
 * @property {string | number | null} [expires]
 * @property {Progress | null} [progress]
 * @property {number | null} [position]
 * @property {MediaFile} source
 * @property {Record<string, unknown>} options
 * @property {MediaFile | null} [result]
 * @property {number | null} [frames] Of an animation or a video; 1 of any other image.
 * @property {MediaFile | null} [comparison]
 * @property {string | null} [model]
 * @property {string | null} [reason]
 * @property {string[]} [notes]
 * @property {Record<string, number> | number | null} [seconds]
 * @property {Problem | null} [error]
 * @property {number} [attempts]
 * @property {boolean} [cached] An equal job had made it before.
 *
 * @typedef {object} Estimate
 * @property {number | null} seconds
 * @property {[number, number] | null} size Width and height of the result, in pixels.
 * @property {number | null} bytes Size of the file that would be written, where it can be told.
 * @property {string[]} notes
 *
 * @typedef {object} Model
 * @property {string} name
 * @property {number[]} scales
 * @property {string} purpose
 * @property {boolean} [video] It uses several frames.
 *
 * @typedef {object} Option What can be asked for, as the server describes it.
 * @property {string} name
 * @property {"number" | "integer" | "text" | "switch" | "box" | "time"} kind
 * @property {string} about
 * @property {string | number | boolean | null} default
 * @property {(string | number)[]} choices
 * @property {number | null} min
 * @property {number | null} max
 *
 * @typedef {object} ServerLimits
 * @property {number} image_bytes
 * @property {number} video_bytes
 * @property {number} keep_seconds
 *
 * @typedef {Record<Kind, Option[]> & { limits: ServerLimits }} Offer
 *
 * @typedef {Record<string, string>} Options What a request carries, by the names of the command line.
 */

export {};

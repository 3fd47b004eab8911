// What people call the patterns, read once. A pattern that the scanner does not know keeps its own name.
import { get } from "./server.js";

let known = new Map();
let reading = null;

export function read_patterns() {
  reading ??= get("patterns").then(
    (all) => { known = new Map(all.map((one) => [one.pattern, one])); },
    () => { reading = null; }, // the pages show the patterns' own names, and ask again
  );
  return reading;
}

export const pattern_name = (pattern, direction = "name") => known.get(pattern)?.[direction] ?? known.get(pattern)?.name ?? pattern;
export const pattern_meaning = (pattern) => known.get(pattern)?.meaning ?? "";

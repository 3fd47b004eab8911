// The newest hit of each symbol, of the reader's rules and of shared ones: the board is the same for all readers, hits are not.
import { Refused, SignedOut, Unavailable, get } from "./server.js";

const EVERY_MS = 5000;
const FEW = 20;
const MANY = 1000; // a symbol whose last hit is older than so many others shows none

// `drawn` is called after something has changed.
export function newest_hits(signed_in, drawn) {
  const newest = new Map(); // ticker -> its newest hit, with the rule's name
  let names = new Map(); // rule's id -> its name

  const is_new = (one) => one.id > (newest.get(one.symbol)?.id ?? 0);

  async function read() {
    if (document.hidden) return;
    try {
      // A few tell whether anything is new; many are read only if all of these are.
      let rows = (await get(`hits?page_size=${FEW}`)).results;
      if (rows.length === FEW && rows.every(is_new)) rows = (await get(`hits?page_size=${MANY}`)).results;
      rows = rows.filter(is_new);
      if (!rows.length) return;
      if (rows.some((one) => !names.has(one.rule))) names = new Map((await get("rules?page_size=1000")).results.map((one) => [one.id, one.name]));
      for (const one of rows.reverse()) newest.set(one.symbol, { ...one, name: names.get(one.rule) ?? "a rule" }); // the newest last
      drawn();
    } catch (problem) { // the line at the top says so, and it is tried again
      if (!(problem instanceof Unavailable || problem instanceof SignedOut || problem instanceof Refused)) console.error(problem);
    }
  }

  if (signed_in) {
    read();
    setInterval(read, EVERY_MS);
  }
  return { of: (ticker) => newest.get(ticker) };
}

// The reader's watch lists as tabs above the board: all symbols, or those of one list.
import { html, nothing, render } from "../../vendor/lit-html/lit-html.js";
import { Refused, SignedOut, Unavailable, get } from "./server.js";

const AGAIN_MS = 15_000; // lists change rarely, but new symbols may fit their patterns

// `chosen`: the id of the list from the page's address, or null. `changed` is called after another one is chosen,
// `draw` when what it names has been read.
export function watch_lists(place, signed_in, chosen, changed, draw) {
  const lists = { chosen: /^\d{1,18}$/.test(chosen ?? "") ? chosen : null, has, place: (ticker) => places?.get(ticker) ?? Infinity };
  let all = [];
  let places = null; // ticker -> place in the chosen list; null: not read yet

  function has(ticker) {
    return lists.chosen === null || Boolean(places?.has(ticker));
  }

  function choose(id) {
    lists.chosen = id;
    places = null;
    show();
    changed();
    read_chosen();
  }

  function show() {
    place.hidden = !all.length;
    const tab = (id, name) => html`<button type="button" aria-pressed=${id === lists.chosen} @click=${() => choose(id)}>${name}</button>`;
    render(all.length ? [tab(null, "All symbols"), all.map((one) => tab(String(one.id), one.name))] : nothing, place);
  }

  async function read_chosen() {
    const id = lists.chosen;
    if (id === null) return;
    try {
      const { tickers } = await get(`watchlists/${id}`);
      if (id !== lists.chosen) return; // another one was chosen meanwhile
      places = new Map(tickers.map((ticker, number) => [ticker, number]));
      draw();
    } catch (problem) {
      if (problem instanceof Refused && problem.status === 404) choose(null); // it was deleted
      else failed(problem);
    }
  }

  async function read() {
    if (document.hidden) return;
    try {
      all = (await get("watchlists?page_size=1000")).results.reverse(); // the oldest first: a new tab moves none
      show();
      await read_chosen();
    } catch (problem) {
      failed(problem);
    }
  }

  function failed(problem) { // the line at the top says so, and it is tried again
    if (!(problem instanceof Unavailable || problem instanceof SignedOut || problem instanceof Refused)) console.error(problem);
  }

  if (signed_in) {
    read();
    setInterval(read, AGAIN_MS);
  } else lists.chosen = null;
  return lists;
}

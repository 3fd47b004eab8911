// What the scanner says of a rule: with which bars it would have hit, and why it holds for a bar or does not.
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { bar_time, count, plural, price } from "./text.js";

const SHOWN = 100; // bars of a try-out, the newest

const value = (one) => (typeof one === "number" ? price(one) : one === null ? "not known" : String(one));
export const values = (all) => Object.entries(all).map(([word, one]) => `${word} = ${value(one)}`).join(", ");
export const bar_link = (bar, timestamp) => html`<a href="/bars/${bar}/">${bar_time(timestamp)}</a>`;

export function tried(answer) {
  if (!answer.bars) return html`<p>There are no processed bars of this timeframe.</p>`;
  const hits = answer.hits.slice(-SHOWN).reverse();
  return html`<p class="summary">Would have hit ${plural(answer.hits.length, "time")} in the last ${plural(answer.bars, "bar")}.</p>
    <p class="fine">From ${bar_time(answer.first)} to ${bar_time(answer.last)}. It held on ${plural(answer.held, "bar")}${
      answer.not_known ? html`; of ${plural(answer.not_known, "bar")} it could not say: too few bars before, or no volume` : nothing}.${
      answer.stopped ? " It took too long, so the newest bars were not asked." : ""}</p>
    ${hits.length ? html`<ul class="would-hit">${hits.map((one) => html`<li>${bar_link(one.bar, one.timestamp)} <span class="fine">${values(one.values)}</span></li>`)}</ul>` : nothing}
    ${answer.hits.length > SHOWN ? html`<p class="fine">The newest ${count(SHOWN)} are listed.</p>` : nothing}`;
}

const HELD = { true: "holds", false: "does not hold", null: "is not known" };
const TONES = { true: "good", false: "bad", null: "warn" };

export function why(answer) {
  return html`<p class="summary">On the ${answer.timeframe} bar of ${answer.symbol} of ${bar_link(answer.bar, answer.timestamp)} the rule ${HELD[answer.held]}.</p>
    <ul class="would-hit">${answer.parts.map((part) => html`<li><span class="mark" data-tone=${TONES[part.held]}>${HELD[part.held]}</span> <code>${part.text}</code> <span class="fine">${values(part.values)}</span></li>`)}</ul>`;
}

// One symbol's tile on the board.
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { may_operate, confirm_quarantine_action_for_all, confirm_symbol_action } from "./actions.js";
import { pattern_meaning, pattern_name } from "./patterns.js";
import { page } from "./server.js";
import {
  EMPTY, bar_name, bar_time, breaker, condition, count, in_a_row, local, next_attempt, p95_tone, percent, plural, price, shape,
  sparkline,
} from "./text.js";

function error_line(one) {
  return one.last_error && one.state !== "processing" ? html`<p class="error" title=${one.last_error}>${one.last_error}</p>` : nothing;
}

// The large text on a tile in trouble.
function trouble_text(one, state) {
  if (state === "stale") return "No fresh bars";
  if (state === "slow") return "Slow bars";
  if (state === "quarantine") return `${plural(one.quarantined, "bar")} in quarantine`;
  const tries = one.consecutive_failures ? in_a_row(one.consecutive_failures, "failure") : "";
  return html`<span class="hidden">Next attempt </span><span class="next">${next_attempt(one)}</span>
    <span class="fine">breaker ${breaker(one.circuit_state)}${tries ? html`, ${tries}` : nothing}</span>`;
}

function action_buttons(one, state, again) {
  if (!may_operate) return nothing;
  const button = (text, action) => html`<button class="quiet small" @click=${action}>${text}<span class="hidden"> ${one.symbol}</span></button>`;
  return html`<div class="actions">
    ${state === "failed" || state === "paused" ? button("Reset", () => confirm_symbol_action("reset", one.symbol, again)) : nothing}
    ${one.quarantined ? html`
      ${button("Replay", () => confirm_quarantine_action_for_all("replay", one.symbol, one.quarantined, again))}
      ${button("Discard", () => confirm_quarantine_action_for_all("discard", one.symbol, one.quarantined, again))}` : nothing}</div>`;
}

// The last price of a bar whose period is not over.
function forming_price(one) {
  if (!one.forming) return nothing;
  const { timeframe, timestamp, close } = one.forming;
  return html`<span class="mark forming" title="Last price of the ${timeframe} bar of ${local(new Date(timestamp))}, which is forming: no detector has seen it">${timeframe} forming ${price(close)}</span>`;
}

// Whether the price is of a bar that waits: then it says its time, and the tile's other time that it is of the last done.
const is_ahead = (one) => one.backlog > 0 && one.price !== null && one.last_bar_time !== null && Date.parse(one.price.timestamp) > Date.parse(one.last_bar_time);

// The last close of the shortest timeframe, its change to the bar before, and beside it the price of the forming bar.
function prices(one) {
  if (!one.price && !one.forming) return nothing;
  const { timeframe, timestamp, close, change_percent: change } = one.price ?? {};
  const last = one.price ? html`<span class="last-price" title="Close of the ${timeframe} bar of ${bar_name(timestamp)}"><span class="hidden">last price </span>${price(close)}</span>
    ${change === null ? nothing : html`<span class="change" data-direction=${change > 0 ? "up" : change < 0 ? "down" : ""}>${percent(change)}</span>`}
    <span class="fine">${timeframe}${is_ahead(one) ? html` ${bar_time(timestamp)}` : nothing}</span>` : nothing;
  return html`<div class="facts prices">${last}<span class="marks">${forming_price(one)}</span></div>`;
}

// What the tile's state word does not say already.
function marks(one, state) {
  return html`
    ${one.is_stale && state !== "stale" ? html`<span class="mark" data-tone="warn">stale</span>` : nothing}
    ${one.is_slow && state !== "slow" ? html`<span class="mark" data-tone="warn">slow</span>` : nothing}
    ${one.quarantined && state !== "quarantine" ? html`<span class="mark" data-tone="warn">${count(one.quarantined)} in quarantine</span>` : nothing}
    ${one.lane === "slow" ? html`<span class="mark">slow lane</span>` : nothing}`;
}

function signal(found) {
  if (!found) return html`<span class="signal none">no signal yet</span>`;
  return html`<span class="signal" data-direction=${found.direction} title="${[`${found.pattern}, ${found.direction}, ${found.timeframe}`, pattern_meaning(found.pattern)].filter(Boolean).join(". ")}">
    ${shape(found.direction)}<span class="hidden">${found.direction} </span>${pattern_name(found.pattern, found.direction)}</span>`;
}

// The newest bar with which a rule of the reader's, or a shared one, has hit.
function hit_line(hit) {
  if (!hit) return nothing;
  return html`<div class="facts hit"><a href="/bars/${hit.bar}/" title="Hit of the rule ${hit.name} on the ${hit.timeframe} bar of ${bar_name(hit.timestamp)}"><span class="hidden">hit of the rule </span>${hit.name}</a> <span class="fine">${bar_time(hit.timestamp)}</span></div>`;
}

// `hit`: the symbol's newest one, if there is one. `large`: for a symbol in trouble, with what is wrong and what can be done. `again` reads the board after an action.
export function tile(one, large, again, hit) {
  const state = condition(one);
  return html`<li class="tile ${large ? "large" : ""}" data-ticker=${one.symbol} data-state=${state}>
    <div class="sign">${shape(state)}</div>
    <div class="what">
      <div class="name"><a href=${page(one.symbol)}>${one.symbol}</a><span class="state">${state}</span></div>
      ${large ? html`<p class="plight">${trouble_text(one, state)}</p>${error_line(one)}` : nothing}
      ${prices(one)}
      <div class="spark-line">${sparkline(one.latencies, one.p95_limit_ms)}<span class="p95" data-tone=${p95_tone(one)}><span class="hidden">95 percent of bars within </span>${one.latencies.length ? `${count(one.p95_latency_ms)} ms` : EMPTY}</span></div>
      <div class="facts when"><span class="last"><span class=${large || is_ahead(one) ? "" : "hidden"}>${is_ahead(one) ? "processed" : "bar"} </span>${bar_time(one.last_bar_time)}</span>
        <span class="backlog ${one.backlog > 1 ? "some" : ""}">${count(one.backlog)} waiting</span></div>
      <div class="facts">${signal(one.last_signal)}<span class="marks">${marks(one, state)}</span></div>
      ${hit_line(hit)}
      ${large ? action_buttons(one, state, again) : nothing}
    </div></li>`;
}

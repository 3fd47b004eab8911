// The live board: every symbol as a tile, those in trouble first and larger.
import { html, nothing, render } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { may_operate, on_alert, on_all_quarantined, on_silence, on_symbol } from "./acts.js";
import { told } from "./notice.js";
import { follow, page } from "./server.js";
import {
  EMPTY, bar_time, breaker, capital, condition, count, count_down, in_a_row, moment, next_try, p95_tone, plural,
  shape, sparkline,
} from "./text.js";

const RANK = { failed: 0, paused: 1, stale: 2, slow: 3, quarantine: 4, processing: 5, disabled: 6 };
const ALERTS_SHOWN = 6;
const STEADY_MS = 2000; // so long after the pointer moved over the board, no tile changes its place under it
const SPEAK_EVERY_MS = 5000;

const $ = (id) => document.getElementById(id);
const find = $("find");
const board = $("board");
let whole = null; // the last answer
let ranks = new Map(); // ticker -> rank, as last drawn
let pointed_at = -Infinity;
let held = false; // whether a tile is not yet in the place that it belongs to
let all_alerts = false; // whether those that had no room were asked for
let spoken = null;
let spoken_at = -Infinity;

// ----------------------------------------------------------------- above
function overall() {
  const off = whole.total_symbols - whole.enabled_symbols;
  const figures = [
    ["Processing", count(whole.healthy_symbols), ""],
    ["Paused", count(whole.paused_symbols), whole.paused_symbols > off ? "warn" : ""],
    ["Failed", count(whole.failed_symbols), whole.failed_symbols ? "bad" : ""],
    ["Quarantined", count(whole.quarantined), whole.quarantined ? "warn" : ""],
    ["Backlog", count(whole.backlog), ""],
    ["Bars / s", whole.bars_per_second.toFixed(1), ""],
  ];
  const healthy = `${count(whole.healthy_symbols)} of ${plural(whole.enabled_symbols, "enabled symbol")} healthy`;
  const summary = whole.total_symbols ? healthy + (off ? `, ${count(off)} off` : "") : "Nothing to watch yet";
  return html`
    <div class="verdict">
      <h1>${shape(whole.overall_status)}<span class="hidden">Overall status: </span><span id="word" role="status">${capital(whole.overall_status)}</span></h1>
      <p>${summary}</p>
    </div>
    ${whole.reasons.length ? html`<ul class="reasons" aria-label="Why">${whole.reasons.map((reason) => html`<li>${reason}</li>`)}</ul>` : nothing}
    <dl class="figures">${figures.map(([name, figure, tone]) => html`<div data-tone=${tone}><dt>${name}</dt><dd>${figure}</dd></div>`)}</dl>`;
}

// Most messages begin with their symbol.
function linked({ symbol, message }) {
  if (!symbol) return message;
  const rest = message.startsWith(symbol) ? message.slice(symbol.length) : ` ${message}`;
  return html`<a href=${page(symbol)}>${symbol}</a>${rest}`;
}

function alert_line(one) {
  const more = [one.state === "recovering" ? "no longer the case, ends if it stays so" : "",
    one.acknowledged_by ? `seen by ${one.acknowledged_by}` : "", one.silenced ? "silenced" : ""].filter(Boolean).join(", ");
  return html`<li class="alert" data-severity=${one.severity}>
    ${shape(one.severity)}<span class="severity">${one.severity}</span>
    <span class="message">${linked(one)}
      ${more ? html`<span class="more">${more}</span>` : nothing}</span>
    <span class="since">since ${moment(one.fired_at)}</span>
    ${may_operate ? html`<span class="acts">
      ${one.acknowledged_by ? nothing : html`<button class="quiet small" @click=${() => on_alert(one, ask_again)}>Acknowledge<span class="hidden"> ${one.message}</span></button>`}
      <button class="quiet small" @click=${() => on_silence(one, ask_again)}>${one.silenced ? "End the silence" : "Silence"}<span class="hidden"> ${one.message}</span></button></span>` : nothing}</li>`;
}

function alerts() {
  const shown = all_alerts ? whole.alerts : whole.alerts.slice(0, ALERTS_SHOWN);
  const rest = whole.total_alerts - shown.length;
  if (!shown.length) return nothing;
  const words = plural(rest, "more alert");
  const list = $("alerts").dataset.all; // the admin's, for who may enter it
  const more = list ? html`<a href=${list}>${words}</a>`
    : all_alerts ? words // more than the board is told of
      : html`<button class="quiet small" @click=${() => { all_alerts = true; draw(); }}>Show ${words}</button>`;
  return html`<h2 class="hidden">Firing alerts</h2><ul class="alerts card">${repeat(shown, (one) => one.id, alert_line)}
    ${rest > 0 ? html`<li class="alert rest">${more}</li>` : nothing}</ul>`;
}

// ----------------------------------------------------------------- tiles
function error_line(one) {
  return one.last_error && one.state !== "processing" ? html`<p class="error" title=${one.last_error}>${one.last_error}</p>` : nothing;
}

// What stands in large letters on a tile in trouble.
function plight(one, state) {
  if (state === "stale") return "No fresh bars";
  if (state === "slow") return "Its bars take long";
  if (state === "quarantine") return `${plural(one.quarantined, "bar")} set aside`;
  const tries = one.consecutive_failures ? in_a_row(one.consecutive_failures, "failure") : "";
  return html`<span class="hidden">Next try </span><span class="next">${next_try(one)}</span>
    <span class="fine">breaker ${breaker(one.circuit_state)}${tries ? html`, ${tries}` : nothing}</span>`;
}

function acts_of(one, state) {
  if (!may_operate) return nothing;
  const button = (text, act) => html`<button class="quiet small" @click=${act}>${text}<span class="hidden"> ${one.symbol}</span></button>`;
  return html`<div class="acts">
    ${state === "failed" || state === "paused" ? button("Reset", () => on_symbol("reset", one.symbol, ask_again)) : nothing}
    ${one.quarantined ? html`
      ${button("Replay", () => on_all_quarantined("replay", one.symbol, one.quarantined, ask_again))}
      ${button("Discard", () => on_all_quarantined("discard", one.symbol, one.quarantined, ask_again))}` : nothing}</div>`;
}

// What its state does not say already.
function marks(one, state) {
  return html`
    ${one.is_stale && state !== "stale" ? html`<span class="mark" data-tone="warn">stale</span>` : nothing}
    ${one.is_slow && state !== "slow" ? html`<span class="mark" data-tone="warn">slow</span>` : nothing}
    ${one.quarantined && state !== "quarantine" ? html`<span class="mark" data-tone="warn">${count(one.quarantined)} in quarantine</span>` : nothing}
    ${one.lane === "slow" ? html`<span class="mark">slow lane</span>` : nothing}`;
}

function signal(found) {
  if (!found) return html`<span class="signal none">no signal yet</span>`;
  return html`<span class="signal" data-direction=${found.direction} title="${found.pattern}, ${found.direction}, ${found.timeframe}">
    ${shape(found.direction)}<span class="hidden">${found.direction} </span>${found.pattern}</span>`;
}

function tile(one) {
  const large = ranks.get(one.symbol) < RANK.processing;
  const state = condition(one);
  return html`<li class="tile ${large ? "large" : ""}" data-ticker=${one.symbol} data-state=${state}>
    <div class="sign">${shape(state)}</div>
    <div class="what">
      <div class="name"><a href=${page(one.symbol)}>${one.symbol}</a><span class="state">${state}</span></div>
      ${large ? html`<p class="plight">${plight(one, state)}</p>${error_line(one)}` : nothing}
      <div class="spark-line">${sparkline(one.latencies)}<span class="p95" data-tone=${p95_tone(one)}><span class="hidden">95 percent of bars within </span>${one.bars_processed ? `${count(one.p95_latency_ms)} ms` : EMPTY}</span></div>
      <div class="facts when"><span class="last"><span class=${large ? "" : "hidden"}>bar </span>${bar_time(one.last_bar_time)}</span>
        <span class="backlog ${one.backlog > 1 ? "some" : ""}">${count(one.backlog)} waiting</span></div>
      <div class="facts">${signal(one.last_signal)}<span class="marks">${marks(one, state)}</span></div>
      ${large ? acts_of(one, state) : nothing}
    </div></li>`;
}

const rank = (one) => RANK[condition(one)];

// ----------------------------------------------------------------- order
function matches(one, wanted) {
  if (!wanted) return true;
  const words = [condition(one), one.state, `${breaker(one.circuit_state)}`, one.is_stale ? "stale" : "",
    one.is_slow ? "slow" : "", one.quarantined ? "quarantine" : "", one.lane === "slow" ? "slow" : ""];
  return one.symbol.includes(wanted.toUpperCase()) || words.some((word) => word.startsWith(wanted.toLowerCase()));
}

// Trouble on top; but nothing moves under a pointer that is just about to press.
const steady = () => performance.now() - pointed_at < STEADY_MS;

function ordered(symbols) {
  const before = steady() ? ranks : new Map();
  ranks = new Map(symbols.map((one) => [one.symbol, before.get(one.symbol) ?? rank(one)]));
  held = symbols.some((one) => ranks.get(one.symbol) !== rank(one));
  return [...symbols].sort((a, b) => ranks.get(a.symbol) - ranks.get(b.symbol) || (a.symbol < b.symbol ? -1 : 1));
}

const group = (name, title, tiles) => (tiles.length
  ? html`<h3 id=${name}>${title}</h3><ul class="board ${name}" aria-labelledby=${name}>${repeat(tiles, (one) => one.symbol, tile)}</ul>` : nothing);

function draw() {
  if (!whole) return;
  const wanted = find.value.trim();
  const shown = ordered(whole.symbols.filter((one) => matches(one, wanted)));
  document.querySelector(".loading")?.remove();
  render(overall(), $("overall"));
  $("overall").dataset.status = whole.overall_status;
  render(alerts(), $("alerts"));
  const troubled = shown.filter((one) => ranks.get(one.symbol) < RANK.processing);
  const others = shown.slice(troubled.length);
  const focus = focus_of(document.activeElement);
  render([group("trouble", `In trouble: ${count(troubled.length)}`, troubled),
    group("others", troubled.length ? `Without trouble: ${count(others.length)}` : `All ${count(others.length)} without trouble`, others)], board);
  if (focus && document.activeElement === document.body) give_focus(focus);
  $("empty").hidden = whole.symbols.length > 0;
  const words = !wanted ? "" : shown.length ? `${count(shown.length)} of ${count(whole.symbols.length)}`
    : `Nothing has “${wanted}” in its ticker, and nothing is in such a state`;
  if ($("found").textContent !== words) $("found").textContent = words;
  count_down();
  title();
  speak();
}

// A tile that changes its place loses the focus on its way: it is given back.
function focus_of(element) {
  const tile = element?.closest?.(".tile");
  return tile && { ticker: tile.dataset.ticker, place: [...tile.querySelectorAll("a, button")].indexOf(element) };
}

function give_focus({ ticker, place }) {
  const parts = board.querySelectorAll(`[data-ticker="${CSS.escape(ticker)}"] :is(a, button)`);
  (parts[place] ?? parts[0])?.focus({ preventScroll: true });
}

function title() {
  const failed = whole.failed_symbols;
  document.title = failed ? `(${failed} failed) Market scanner` : "Market scanner";
}

// Who listens is told which symbols fail, when that changes, and not more often than every few seconds.
function speak() {
  const failed = whole.symbols.filter((one) => condition(one) === "failed").map((one) => one.symbol);
  const words = failed.length ? `Failed: ${failed.slice(0, 10).join(", ")}${failed.length > 10 ? ` and ${failed.length - 10} more` : ""}` : "No symbol fails";
  if (spoken === null) spoken = words; // the first drawing is read as it is
  if (words === spoken || performance.now() - spoken_at < SPEAK_EVERY_MS) return;
  [spoken, spoken_at] = [words, performance.now()];
  $("spoken").textContent = words;
}

find.value = new URLSearchParams(location.search).get("find") ?? "";
find.addEventListener("input", () => {
  history.replaceState(null, "", find.value ? `?find=${encodeURIComponent(find.value)}` : location.pathname);
  draw();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, textarea, dialog")) return;
  event.preventDefault();
  find.focus();
});
board.addEventListener("pointermove", () => { pointed_at = performance.now(); });
board.addEventListener("pointerleave", () => { pointed_at = -Infinity; });
setInterval(() => (held && !steady() ? draw() : count_down()), 1000);
const ask_again = follow("board", (answer) => { whole = answer; draw(); }, told);

// The live board: every symbol as a tile, those in trouble first and larger.
import { html, nothing, render } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { may_operate, confirm_acknowledge, confirm_quarantine_action_for_all, confirm_silence, confirm_symbol_action } from "./actions.js";
import { connection } from "./notice.js";
import { follow, page } from "./server.js";
import {
  EMPTY, bar_time, breaker, capital, condition, count, count_down, in_a_row, local, moment, next_attempt, p95_tone, plural,
  price, shape, sparkline,
} from "./text.js";

const RANK = { failed: 0, paused: 1, stale: 2, slow: 3, quarantine: 4, processing: 5, disabled: 6 };
const ALERTS_SHOWN = 6;
const STEADY_MS = 2000; // for so long after the pointer has moved over the board, no tile changes its place
const ANNOUNCE_EVERY_MS = 5000;

const $ = (id) => document.getElementById(id);
const find = $("find");
const board = $("board");
let latest = null; // the last answer
let ranks = new Map(); // ticker -> rank, as last drawn
let pointer_moved_at = -Infinity;
let move_postponed = false; // whether a tile is not yet in its place
let all_alerts = false; // whether the reader asked for more than ALERTS_SHOWN
let announced = null;
let announced_at = -Infinity;

// ----------------------------------------------------------------- overall status and alerts
function overall() {
  const disabled = latest.total_symbols - latest.enabled_symbols;
  const figures = [
    ["Processing", count(latest.healthy_symbols), ""],
    ["Paused", count(latest.paused_symbols), latest.paused_symbols > disabled ? "warn" : ""],
    ["Failed", count(latest.failed_symbols), latest.failed_symbols ? "bad" : ""],
    ["Quarantined", count(latest.quarantined), latest.quarantined ? "warn" : ""],
    ["Backlog", count(latest.backlog), ""],
    ["Bars / s", latest.bars_per_second.toFixed(1), ""],
  ];
  const healthy = `${count(latest.healthy_symbols)} of ${plural(latest.enabled_symbols, "enabled symbol")} healthy`;
  const summary = latest.total_symbols ? healthy + (disabled ? `, ${count(disabled)} disabled` : "") : "Nothing to watch yet";
  return html`
    <div class="verdict">
      <h1>${shape(latest.overall_status)}<span class="hidden">Overall status: </span><span id="word" role="status">${capital(latest.overall_status)}</span></h1>
      <p>${summary}</p>
    </div>
    ${latest.reasons.length ? html`<ul class="reasons" aria-label="Why">${latest.reasons.map((reason) => html`<li>${reason}</li>`)}</ul>` : nothing}
    <dl class="figures">${figures.map(([name, figure, tone]) => html`<div data-tone=${tone}><dt>${name}</dt><dd>${figure}</dd></div>`)}</dl>`;
}

// The alert's message with a link to its symbol. Most messages begin with the symbol.
function linked({ symbol, message }) {
  if (!symbol) return message;
  const rest = message.startsWith(symbol) ? message.slice(symbol.length) : ` ${message}`;
  return html`<a href=${page(symbol)}>${symbol}</a>${rest}`;
}

function alert_line(one) {
  const more = [one.state === "recovering" ? "no longer holds, is resolved if it stays so" : "",
    one.acknowledged_by ? `acknowledged by ${one.acknowledged_by}` : "", one.silenced ? "silenced" : ""].filter(Boolean).join(", ");
  return html`<li class="alert" data-severity=${one.severity}>
    ${shape(one.severity)}<span class="severity">${one.severity}</span>
    <span class="message">${linked(one)}
      ${more ? html`<span class="more">${more}</span>` : nothing}</span>
    <span class="since">since ${moment(one.fired_at)}</span>
    ${may_operate ? html`<span class="actions">
      ${one.acknowledged_by ? nothing : html`<button class="quiet small" @click=${() => confirm_acknowledge(one, poll_now)}>Acknowledge<span class="hidden"> ${one.message}</span></button>`}
      <button class="quiet small" @click=${() => confirm_silence(one, poll_now)}>${one.silenced ? "End the silence" : "Silence"}<span class="hidden"> ${one.message}</span></button></span>` : nothing}</li>`;
}

function alerts() {
  const shown = all_alerts ? latest.alerts : latest.alerts.slice(0, ALERTS_SHOWN);
  const rest = latest.total_alerts - shown.length;
  if (!shown.length) return nothing;
  const words = plural(rest, "more alert");
  const list = $("alerts").dataset.all; // the admin's list, if the reader may enter it
  const more = list ? html`<a href=${list}>${words}</a>`
    : all_alerts ? words // the board's answer does not have them
      : html`<button class="quiet small" @click=${() => { all_alerts = true; draw(); }}>Show ${words}</button>`;
  return html`<h2 class="hidden">Firing alerts</h2><ul class="alerts card">${repeat(shown, (one) => one.id, alert_line)}
    ${rest > 0 ? html`<li class="alert rest">${more}</li>` : nothing}</ul>`;
}

// ----------------------------------------------------------------- tiles
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

function action_buttons(one, state) {
  if (!may_operate) return nothing;
  const button = (text, action) => html`<button class="quiet small" @click=${action}>${text}<span class="hidden"> ${one.symbol}</span></button>`;
  return html`<div class="actions">
    ${state === "failed" || state === "paused" ? button("Reset", () => confirm_symbol_action("reset", one.symbol, poll_now)) : nothing}
    ${one.quarantined ? html`
      ${button("Replay", () => confirm_quarantine_action_for_all("replay", one.symbol, one.quarantined, poll_now))}
      ${button("Discard", () => confirm_quarantine_action_for_all("discard", one.symbol, one.quarantined, poll_now))}` : nothing}</div>`;
}

// The last price of a bar whose period is not over.
function forming_price(one) {
  if (!one.forming) return nothing;
  const { timeframe, timestamp, close } = one.forming;
  return html`<span class="mark forming" title="Last price of the ${timeframe} bar of ${local(new Date(timestamp))}, which is forming: no detector has seen it">${timeframe} forming ${price(close)}</span>`;
}

// What the tile's state word does not say already.
function marks(one, state) {
  return html`
    ${one.is_stale && state !== "stale" ? html`<span class="mark" data-tone="warn">stale</span>` : nothing}
    ${one.is_slow && state !== "slow" ? html`<span class="mark" data-tone="warn">slow</span>` : nothing}
    ${one.quarantined && state !== "quarantine" ? html`<span class="mark" data-tone="warn">${count(one.quarantined)} in quarantine</span>` : nothing}
    ${one.lane === "slow" ? html`<span class="mark">slow lane</span>` : nothing}
    ${forming_price(one)}`;
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
      ${large ? html`<p class="plight">${trouble_text(one, state)}</p>${error_line(one)}` : nothing}
      <div class="spark-line">${sparkline(one.latencies)}<span class="p95" data-tone=${p95_tone(one)}><span class="hidden">95 percent of bars within </span>${one.bars_processed ? `${count(one.p95_latency_ms)} ms` : EMPTY}</span></div>
      <div class="facts when"><span class="last"><span class=${large ? "" : "hidden"}>bar </span>${bar_time(one.last_bar_time)}</span>
        <span class="backlog ${one.backlog > 1 ? "some" : ""}">${count(one.backlog)} waiting</span></div>
      <div class="facts">${signal(one.last_signal)}<span class="marks">${marks(one, state)}</span></div>
      ${large ? action_buttons(one, state) : nothing}
    </div></li>`;
}

const rank = (one) => RANK[condition(one)];

// ----------------------------------------------------------------- search and order
function matches(one, wanted) {
  if (!wanted) return true;
  const words = [condition(one), one.state, `${breaker(one.circuit_state)}`, one.is_stale ? "stale" : "",
    one.is_slow ? "slow" : "", one.quarantined ? "quarantine" : "", one.lane === "slow" ? "slow" : ""];
  return one.symbol.includes(wanted.toUpperCase()) || words.some((word) => word.startsWith(wanted.toLowerCase()));
}

// Symbols in trouble come first. But no tile moves while the pointer moves, since the user may be about to click.
const steady = () => performance.now() - pointer_moved_at < STEADY_MS;

function ordered(symbols) {
  const before = steady() ? ranks : new Map();
  ranks = new Map(symbols.map((one) => [one.symbol, before.get(one.symbol) ?? rank(one)]));
  move_postponed = symbols.some((one) => ranks.get(one.symbol) !== rank(one));
  return [...symbols].sort((a, b) => ranks.get(a.symbol) - ranks.get(b.symbol) || (a.symbol < b.symbol ? -1 : 1));
}

const group = (name, title, tiles) => (tiles.length
  ? html`<h3 id=${name}>${title}</h3><ul class="board ${name}" aria-labelledby=${name}>${repeat(tiles, (one) => one.symbol, tile)}</ul>` : nothing);

function draw() {
  if (!latest) return;
  const wanted = find.value.trim();
  const shown = ordered(latest.symbols.filter((one) => matches(one, wanted)));
  document.querySelector(".loading")?.remove();
  render(overall(), $("overall"));
  $("overall").dataset.status = latest.overall_status;
  render(alerts(), $("alerts"));
  const troubled = shown.filter((one) => ranks.get(one.symbol) < RANK.processing);
  const others = shown.slice(troubled.length);
  const focus = focus_of(document.activeElement);
  render([group("trouble", `In trouble: ${count(troubled.length)}`, troubled),
    group("others", troubled.length ? `Without trouble: ${count(others.length)}` : `All ${count(others.length)} without trouble`, others)], board);
  if (focus && document.activeElement === document.body) give_focus(focus);
  $("empty").hidden = latest.symbols.length > 0;
  const words = !wanted ? "" : shown.length ? `${count(shown.length)} of ${count(latest.symbols.length)}`
    : `No symbol has “${wanted}” in its ticker or state`;
  if ($("found").textContent !== words) $("found").textContent = words;
  count_down();
  title();
  announce();
}

// A tile that changes its place loses the focus: give it back.
function focus_of(element) {
  const tile = element?.closest?.(".tile");
  return tile && { ticker: tile.dataset.ticker, place: [...tile.querySelectorAll("a, button")].indexOf(element) };
}

function give_focus({ ticker, place }) {
  const parts = board.querySelectorAll(`[data-ticker="${CSS.escape(ticker)}"] :is(a, button)`);
  (parts[place] ?? parts[0])?.focus({ preventScroll: true });
}

function title() {
  const failed = latest.failed_symbols;
  document.title = failed ? `(${failed} failed) Market scanner` : "Market scanner";
}

// For screen readers: which symbols fail, when that changes, at most once in ANNOUNCE_EVERY_MS.
function announce() {
  const failed = latest.symbols.filter((one) => condition(one) === "failed").map((one) => one.symbol);
  const words = failed.length ? `Failed: ${failed.slice(0, 10).join(", ")}${failed.length > 10 ? ` and ${failed.length - 10} more` : ""}` : "No symbol has failed";
  if (announced === null) announced = words; // a screen reader reads the page itself at first
  if (words === announced || performance.now() - announced_at < ANNOUNCE_EVERY_MS) return;
  [announced, announced_at] = [words, performance.now()];
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
board.addEventListener("pointermove", () => { pointer_moved_at = performance.now(); });
board.addEventListener("pointerleave", () => { pointer_moved_at = -Infinity; });
setInterval(() => (move_postponed && !steady() ? draw() : count_down()), 1000);
const poll_now = follow("board", (answer) => { latest = answer; draw(); }, connection);

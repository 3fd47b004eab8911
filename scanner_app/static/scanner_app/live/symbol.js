// A symbol's page: reads the status every second, and everything else when the status has changed.
import { html, nothing, render } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import {
  may_operate, confirm_disable_for, confirm_quarantine_action_for_all, confirm_quarantine_action, confirm_silence_symbol, confirm_symbol_action,
} from "./actions.js";
import { Chart } from "./chart.js";
import { connection } from "./notice.js";
import { pattern_meaning, pattern_name, read_patterns } from "./patterns.js";
import { Unavailable, Refused, SignedOut, address, follow, get } from "./server.js";
import {
  EMPTY, bar_name, bar_time, breaker, capital, condition, count, count_down, countdown, local, moment, next_attempt, p95_tone, plural,
  price, shape,
} from "./text.js";

const signed_in = document.body.dataset.signedIn === "yes";
const $ = (id) => document.getElementById(id);
const ticker = $("symbol").dataset.ticker;
const here = encodeURIComponent(ticker);
const AT_MOST_EVERY_MS = 1500; // how often all parts are read again after the status has changed
const AT_LEAST_EVERY_MS = 10_000; // another operator's action on the quarantine may not change the status
const EXPLAIN_EVERY_MS = 2000; // its sentences contain remaining times
const LISTED = 50;

let status = null;
let timeframe = null; // the chosen one; null: the shortest
let pattern = "";
let chart = null;
let drawn = ""; // the chart's last answer as text, to redraw only when it changes
let refreshed_at = -Infinity;
let explained_at = -Infinity;
let stamp = ""; // stamp_of the status for which the parts were read
let ticks = ""; // the forming bars for which the chart was read
let charted_at = -Infinity;
let reading = false;
let offered = new Set(); // the actions that the last explanation offers

// ------------------------------------------------------------------ head
function head() {
  const state = condition(status);
  const waits = state === "paused" || state === "failed";
  const figures = [
    ["Breaker", breaker(status.circuit_state), { open: "bad", half_open: "warn" }[status.circuit_state] ?? ""],
    ["Failures in a row", count(status.consecutive_failures), status.consecutive_failures ? "warn" : ""],
    ["Next attempt", waits ? next_attempt(status) : EMPTY, ""],
    ["Backlog", count(status.backlog), ""],
    ["p95", status.p95_latency_ms || status.avg_latency_ms ? `${count(status.p95_latency_ms)} ms` : EMPTY, p95_tone(status)],
    ["Bars", count(status.bars_processed), ""],
    ["Last bar", bar_time(status.last_bar_time), status.is_stale ? "warn" : ""],
    ...status.forming.slice(0, 1).map((bar) => ["Forming", `${price(bar.close)} (${bar.timeframe})`, ""]),
    ["Calendar", status.calendar, ""],
    ["Gaps", count(status.gaps), status.gaps ? "warn" : ""],
  ];
  const beside = [status.is_stale && state !== "stale" && "stale", status.is_slow && state !== "slow" && "slow",
    status.quarantined && state !== "quarantine" && `${count(status.quarantined)} in quarantine`,
    status.lane === "slow" && "slow lane",
    status.disabled_until && `until ${local(new Date(status.disabled_until))}`].filter(Boolean);
  return html`
    <div class="sign" data-state=${state}>${shape(state)}</div>
    <div class="title"><h1>${ticker}</h1><p class="state" role="status" data-state=${state}>${[capital(state), ...beside].join(", ")}</p></div>
    <dl class="figures">${figures.map(([name, figure, tone]) => html`<div data-tone=${tone}><dt>${name}</dt><dd>${figure}</dd></div>`)}</dl>`;
}

// Shows the buttons of the actions that make sense now. A button that was just pressed stays until it loses the focus:
// hidden, it would lose the reader's place.
function show_actions() {
  for (const button of document.querySelectorAll("[data-action]")) {
    const name = button.dataset.action;
    const useful = name === "enable" ? !status.enabled : name.startsWith("disable") ? status.enabled
      : name === "silence" || offered.has(name);
    button.hidden = !useful && button !== document.activeElement;
  }
}

// ----------------------------------------------------------------- parts
const remark = (text) => html`<p class="quiet-words">${text}</p>`;

// Makes links of the addresses of runbook pages.
const linked = (text) => text.split(/\/runbook\/(\w+)\//).map((part, place) => (place % 2
  ? html`<a href="/runbook/${part}/">the runbook on ${part}</a>` : part));

function explained(answer) {
  offered = new Set(answer.actions.map((one) => one.name));
  if (status) show_actions();
  const allowed = answer.actions.filter((one) => one.allowed);
  const line = (name, text) => (text ? html`<p><span class="label">${name}</span>${linked(text)}</p>` : nothing);
  return html`<p class="summary">${answer.summary}</p>
    ${line("Cause", answer.cause)}${line("Next", answer.next)}
    ${answer.bar ? html`<p><a href="/bars/${answer.bar}/">The bar at the head</a></p>` : nothing}
    ${answer.notes.map((note) => html`<p>${linked(note)}</p>`)}
    ${allowed.length ? html`<div class="label">What you can do</div>
      <dl class="can">${allowed.map((one) => html`<dt>${capital(one.name)}</dt><dd>${one.sentence}</dd>`)}</dl>` : nothing}`;
}

const bar_link = (one, text) => html`<a href="/bars/${one.bar}/">${text}</a>`;

function event(one) {
  return html`<li class="event" data-kind=${one.kind}><span class="when">${moment(one.at)}</span>
    <span class="kind">${one.kind.replaceAll("_", " ")}</span><span class="words">${one.sentence}${one.bar ? html` ${bar_link(one, "Bar")}` : nothing}</span></li>`;
}

const timeline = (answer) => (answer.results.length
  ? html`<ol class="events">${repeat(answer.results, (one) => `${one.kind} ${one.id}`, event)}</ol>`
  : remark("No events yet."));

function fault(one, about, buttons) {
  return html`<li class="fault"><details><summary><span class="when">${moment(one.failed_at)}</span>
      <span class="kind">${about}</span><span class="words">${one.error_type ? html`<strong>${one.error_type}</strong> ${one.message}` : one.reason}</span></summary>
      <p class="more">${bar_link(one, html`Bar of ${bar_time(one.timestamp)}`)}${one.reason ? html`. ${one.reason}` : nothing}${one.next_attempt_at ? html`. Next attempt ${moment(one.next_attempt_at)}` : nothing}</p>
      ${one.traceback ? html`<pre tabindex="0" aria-label="Traceback">${one.traceback}</pre>` : nothing}</details>${buttons ?? nothing}</li>`;
}

const failures = (answer) => (answer.results.length
  ? html`<ul class="faults">${repeat(answer.results, (one) => one.id, (one) => fault(one, `attempt ${count(one.attempt)}${one.times > 1 ? `, ${count(one.times)} times` : ""}`))}</ul>`
  : remark("No attempt has failed."));

function quarantine(answer) {
  if (!answer.results.length) return remark("No bar is in quarantine.");
  const number = answer.results.length;
  const one_of = (name, text, one) => html`<button class="quiet small" @click=${() => confirm_quarantine_action(name, one, bar_name(one.timestamp), after_action)}>${text}<span class="hidden"> the bar of ${bar_name(one.timestamp)}</span></button>`;
  return html`
    ${may_operate && number > 1 && !answer.next ? html`<div class="actions">
      <button class="quiet small" @click=${() => confirm_quarantine_action_for_all("replay", ticker, number, after_action)}>Replay all ${count(number)}</button>
      <button class="quiet small" @click=${() => confirm_quarantine_action_for_all("discard", ticker, number, after_action)}>Discard all ${count(number)}</button></div>` : nothing}
    <ul class="faults">${repeat(answer.results, (one) => one.id, (one) => fault(one, html`bar of ${bar_time(one.timestamp)}`,
      may_operate ? html`<div class="actions">${one_of("replay", "Replay", one)}${one_of("discard", "Discard", one)}</div>` : nothing))}</ul>`;
}

// With explicit roles: on a phone the style sheet lays the rows out as blocks, and browsers then drop a table's roles.
function signals(answer) {
  if (!answer.results.length) return remark("No signals yet.");
  const row = (one) => html`<tr role="row" class=${one.withdrawn_at ? "withdrawn" : ""}><td role="cell">${bar_link(one, bar_time(one.timestamp))}</td><td role="cell">${one.timeframe}</td>
    <td role="cell" class="long"><span title=${pattern_meaning(one.pattern)}>${pattern_name(one.pattern, one.direction)}</span>${pattern_name(one.pattern) === one.pattern ? nothing : html` <span class="fine">${one.pattern}</span>`}${["late", "revised"].map((name) => one[name] ? html` <span class="mark">${name}</span>` : nothing)}
      ${one.withdrawn_at ? html` <span class="mark" title="The bars have changed; the detectors did not find it again">withdrawn</span>` : nothing}</td>
    <td role="cell"><span class="signal" data-direction=${one.direction}>${shape(one.direction)}${one.direction}</span></td>
    <td role="cell" class="number">${one.strength.toFixed(1)}</td><td role="cell">${one.detector}</td></tr>`;
  const head = (name, place) => html`<th scope="col" role="columnheader" class=${place}>${name}</th>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-labelledby="signals-title"><table role="table">
    <thead role="rowgroup"><tr role="row">${["Bar", "Timeframe", "Signal", "Direction"].map((name) => head(name, ""))}${head("Strength", "number")}${head("Detector", "")}</tr></thead>
    <tbody role="rowgroup">${repeat(answer.results, (one) => one.id, row)}</tbody></table></div>`;
}

// The ledger of the live feed; nothing for a symbol that has never missed a bar.
function hole(one) {
  const place = one.missing === 1 ? bar_time(one.first) : html`${bar_time(one.first)} to ${bar_time(one.last)}`;
  const next = one.next_ask_at ? html`, asked again ${countdown(one.next_ask_at)}` : nothing;
  return html`<li class="hole" data-state=${one.state}><span class="when">${place}</span> ${one.timeframe}
    <span class="mark" data-tone=${one.state === "open" ? "warn" : ""}>${one.state.replace("_", " ")}</span>
    <span class="fine">${count(one.refilled)} of ${plural(one.missing, "bar")} refilled, ${one.cause}${one.ended_by ? `, by ${one.ended_by}` : ""}${next}${one.state === "open" && one.last_error ? `. ${one.last_error}` : ""}</span></li>`;
}

async function read_holes() {
  const [holes, summary] = await Promise.all([get(`gaps?symbol=${here}&page_size=${LISTED}`), get(`gaps/summary?symbol=${here}`)]);
  $("holes-part").hidden = !holes.results.length;
  render(html`<p class="summary">${capital(summary.sentence)}.</p><ul class="holes">${repeat(holes.results, (one) => one.id, hole)}</ul>`, $("holes"));
}

// ----------------------------------------------------------------- chart
function timeframes(answer) {
  return answer.timeframes.map((name) => html`<button type="button" aria-pressed=${name === answer.timeframe} @click=${() => { timeframe = name; read_chart().catch(chart_problem); }}>${name}</button>`);
}

const option_name = (name) => (pattern_name(name) === name ? name : `${pattern_name(name)} (${name})`);

// What the chosen pattern means.
function show_meaning() {
  $("meaning").textContent = pattern ? pattern_meaning(pattern) : "";
}

async function read_chart() {
  ticks = JSON.stringify(status?.forming);
  charted_at = performance.now();
  await read_patterns();
  const asked = pattern;
  const answer = await get(`chart?symbol=${here}${timeframe ? `&timeframe=${timeframe}` : ""}${asked ? `&pattern=${encodeURIComponent(asked)}` : ""}`);
  if (asked !== pattern) return; // another one was chosen meanwhile
  const text = JSON.stringify(answer);
  if (text === drawn) return;
  drawn = text;
  render(timeframes(answer), $("timeframes"));
  const patterns = [...new Set(answer.signals.map((one) => one.pattern))].sort();
  if (pattern && !patterns.includes(pattern)) patterns.unshift(pattern);
  render(html`<option value="">all</option>${patterns.map((name) => html`<option value=${name} ?selected=${name === pattern}>${option_name(name)}</option>`)}`, $("pattern"));
  if (!answer.bars.length && !answer.forming) return void ($("chart-words").textContent = "No bars yet: the chart begins with the first one.");
  chart ??= new Chart($("chart"), $("legend"));
  chart.draw(answer);
  show_meaning();
  const derived = answer.bars.some((bar) => bar.derived) ? " (derived from a smaller timeframe)" : "";
  const words = `${plural(answer.bars.length, "bar")} of ${answer.timeframe}${derived}, ${plural(answer.signals.length, "signal")}: ▲ bullish, ▼ bearish, ● neutral${
    answer.forming ? ". The hollow bar at the right is forming: its period is not over, and no detector has seen it" : ""}`;
  $("chart-words").textContent = words;
}

// --------------------------------------------------------------- reading
async function fill(place, path, template) {
  try {
    render(template(await get(path)), $(place));
  } catch (problem) {
    if (problem instanceof Unavailable) return; // the line at the top says so
    if (problem instanceof SignedOut) render(remark(html`<a href="/login/?next=${encodeURIComponent(location.pathname)}">Sign in</a> to see this.`), $(place));
    else if (problem instanceof Refused) render(remark(problem.status === 404 ? "Not available." : problem.message), $(place));
    else console.error(problem);
  }
}

async function read_all() {
  if (reading) return;
  reading = true;
  refreshed_at = performance.now();
  const filter = `symbol=${here}&page_size=${LISTED}`;
  await read_patterns();
  await Promise.all([
    fill("explain", `${address(ticker)}/explain`, explained),
    fill("timeline", `${address(ticker)}/timeline?page_size=${LISTED}`, timeline),
    fill("quarantine", `quarantine?${filter}`, quarantine),
    fill("failures", `failures?${filter}`, failures),
    fill("signals", `signals?${filter}`, signals),
    signed_in ? read_holes().catch(holes_problem) : null,
    read_chart().catch(chart_problem),
  ]);
  explained_at = performance.now();
  reading = false;
}

function chart_problem(problem) {
  if (problem instanceof SignedOut) $("chart-words").textContent = "Sign in to see the chart.";
  else if (problem instanceof Refused) $("chart-words").textContent = problem.message;
  else if (!(problem instanceof Unavailable)) console.error(problem);
}

function holes_problem(problem) { // the page shows what it had, or nothing
  if (!(problem instanceof Unavailable || problem instanceof SignedOut || problem instanceof Refused)) console.error(problem);
}

function after_action() {
  refreshed_at = -Infinity;
  stamp = "";
  poll_now();
  read_all();
}

const stamp_of = (one) => [one.state, one.circuit_state, one.enabled, one.consecutive_failures, one.next_attempt_at,
  one.backlog, one.bars_processed, one.last_bar_time, one.lane, one.is_stale, one.is_slow, one.quarantined].join();

function show(answer) {
  status = answer;
  document.querySelector(".loading")?.remove();
  render(head(), $("head"));
  show_actions();
  count_down();
}

function refresh_if_needed() {
  count_down();
  if (!status || document.hidden) return;
  const ago = performance.now() - refreshed_at;
  if ((stamp_of(status) !== stamp && ago > AT_MOST_EVERY_MS) || ago > AT_LEAST_EVERY_MS) {
    stamp = stamp_of(status);
    read_all();
    return;
  }
  if (JSON.stringify(status.forming) !== ticks && performance.now() - charted_at > AT_MOST_EVERY_MS) read_chart().catch(chart_problem);
  if (condition(status) !== "processing" && performance.now() - explained_at > EXPLAIN_EVERY_MS) {
    explained_at = performance.now();
    fill("explain", `${address(ticker)}/explain`, explained);
  }
}

for (const button of document.querySelectorAll("[data-action]")) {
  const own = { disable_for: confirm_disable_for, silence: confirm_silence_symbol }[button.dataset.action];
  button.addEventListener("click", () => (own ? own(ticker, after_action) : confirm_symbol_action(button.dataset.action, ticker, after_action)));
}
$("pattern").addEventListener("change", (event) => { pattern = event.target.value; chart?.show_pattern(pattern); show_meaning(); read_chart().catch(chart_problem); });
setInterval(refresh_if_needed, 500);
const poll_now = follow(`${address(ticker)}/status`, (answer) => { show(answer); refresh_if_needed(); }, connection);

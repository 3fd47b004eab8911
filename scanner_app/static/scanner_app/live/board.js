// The live board: every symbol as a tile; unless another order is chosen, those in trouble first and larger.
import { html, nothing, render } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { may_operate, confirm_acknowledge, confirm_action_for_matching, confirm_silence } from "./actions.js";
import { in_steps } from "./more.js";
import { connection } from "./notice.js";
import { newest_hits } from "./hits.js";
import { read_patterns } from "./patterns.js";
import { follow, page } from "./server.js";
import { tile } from "./tile.js";
import { ago, breaker, capital, condition, count, count_down, moment, plural, shape } from "./text.js";
import { watch_lists } from "./board_lists.js";

const RANK = { failed: 0, paused: 1, stale: 2, slow: 3, quarantine: 4, processing: 5, disabled: 6 };
const ALERTS_SHOWN = 6;
const NAMES_SHOWN = 3; // failed symbols named in the headline
const STEADY_MS = 2000; // for so long after the pointer has moved over the board, no tile changes its place
const ORDERS = { change: "change", volume: "volume", hit: "newest hit", name: "name", list: "the list's own order" };
const ANNOUNCE_EVERY_MS = 5000;

const signed_in = document.body.dataset.signedIn === "yes";
const $ = (id) => document.getElementById(id);
const find = $("find");
const show = $("show");
const order = $("order");
const board = $("board");
let latest = null; // the last answer
let keys = new Map(); // ticker -> what it is ordered by, as last drawn
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
  const summary = latest.total_symbols ? healthy + failed_names() + (disabled ? `, ${count(disabled)} disabled` : "") : "Nothing to watch yet";
  return html`
    <div class="verdict">
      <h1>${shape(latest.overall_status)}<span class="hidden">Overall status: </span><span id="word" role="status">${capital(latest.overall_status)}</span></h1>
      <p>${summary}</p>
      <p class="fine" id="alarm-path">${alarm_path(latest.alarm_path)}</p>
    </div>
    ${latest.reasons.length ? html`<ul class="reasons" aria-label="Why">${latest.reasons.map((reason) => html`<li>${reason}</li>`)}</ul>` : nothing}
    <dl class="figures">${figures.map(([name, figure, tone]) => html`<div data-tone=${tone}><dt>${name}</dt><dd>${figure}</dd></div>`)}</dl>`;
}

// What the last drill has shown of the way from a failure to the administrators.
function alarm_path({ proven_at, failed_at, failed_step, detail }) {
  const proven = proven_at ? html`proven ${ago(proven_at)}` : "never proven";
  if (!failed_at) return html`Alarm path ${proven}`;
  return html`<strong>The drill ${ago(failed_at)} failed at ${failed_step.replace("_", " ")}: ${detail}.</strong> Alarm path ${proven_at ? "last " : ""}${proven}`;
}

// The failed symbols by name, before the reasons: one that has failed is worse than many that are slow.
function failed_names() {
  const failed = latest.symbols.filter((one) => condition(one) === "failed").map((one) => one.symbol);
  if (!failed.length) return "";
  return `; failed: ${failed.slice(0, NAMES_SHOWN).join(", ")}${failed.length > NAMES_SHOWN ? ` and ${count(failed.length - NAMES_SHOWN)} more` : ""}`;
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

// ------------------------------------------------------------ live feeds
const FEED_TONES = { live: "", catching_up: "warn", silent: "warn", down: "bad" };

function feed_line(one) {
  const facts = [`${count(one.live)} of ${count(one.series)} series live`,
    one.lag_s === null ? "" : `lag ${one.lag_s.toFixed(1)} s`, one.gaps_open ? plural(one.gaps_open, "open hole") : "no open holes",
    one.state === "live" ? "" : one.last_error].filter(Boolean).join(" · ");
  return html`<li data-feed=${one.name}><strong>${one.name}</strong> <span class="mark" data-tone=${FEED_TONES[one.state]}>${one.state.replace("_", " ")}</span> <span class="fine">${facts}</span></li>`;
}

function feeds() {
  if (!latest.feeds.length) return nothing;
  const name = signed_in ? html`<a href="/feeds/">Live feeds</a>` : "Live feeds";
  return html`<div class="feeds-line card"><h2>${name}</h2><ul>${repeat(latest.feeds, (one) => one.name, feed_line)}</ul></div>`;
}

const rank = (one) => RANK[condition(one)];

// ----------------------------------------------------------------- search and order
const error_type = (one) => (one.consecutive_failures && one.last_error ? one.last_error.split(": ")[0] : "");

// What can be shown alone, by its value in the address: the filter of the API that means the same, and a test.
function choices() {
  const types = [...new Set(latest.symbols.map(error_type).filter(Boolean))].sort();
  return [
    { value: "", text: "all symbols", body: null, has: () => true },
    { value: "retrying", text: "retrying now", body: { retrying: true }, has: (one) => one.enabled && one.state === "paused" },
    { value: "failed", text: "failed", body: { state: "failed" }, has: (one) => one.enabled && one.state === "failed" },
    ...types.map((type) => ({ value: `error:${type}`, text: `failing with ${type}`, body: { error_type: type }, has: (one) => error_type(one) === type })),
  ];
}

let shown_choice = new URLSearchParams(location.search).get("show") ?? "";

// A type of error that nothing fails with any more stays among the choices while it is chosen.
function choice() {
  const all = choices();
  const found = all.find((one) => one.value === shown_choice);
  if (found) return { all, chosen: found };
  const type = shown_choice.startsWith("error:") ? shown_choice.slice(6) : "";
  const gone = { value: shown_choice, text: `failing with ${type}`, body: { error_type: type }, has: () => false };
  return type ? { all: [...all, gone], chosen: gone } : { all, chosen: all[0] };
}

function draw_choices({ all, chosen }) {
  const words = all.map((one) => `${one.value}=${one.text}`).join();
  if (show.dataset.words !== words) {
    show.dataset.words = words;
    show.replaceChildren(...all.map((one) => new Option(one.text, one.value)));
  }
  if (show.value !== chosen.value) show.value = chosen.value;
  const number = latest.symbols.filter(chosen.has).length;
  const button = (name, text) => html`<button class="quiet small" @click=${() => confirm_action_for_matching(name, chosen.body, chosen.text, poll_now)}>${text}</button>`;
  render(may_operate && chosen.body && number ? html`${button("reset", "Reset all of these")} ${button("skip", "Skip the bar of each")} ${button("disable", "Disable all of these")}` : nothing, $("matching"));
}

function matches(one, wanted) {
  if (!wanted) return true;
  const words = [condition(one), one.state, `${breaker(one.circuit_state)}`, one.is_stale ? "stale" : "",
    one.is_slow ? "slow" : "", one.quarantined ? "quarantine" : "", one.lane === "slow" ? "slow" : ""];
  return one.symbol.includes(wanted.toUpperCase()) || words.some((word) => word.startsWith(wanted.toLowerCase()));
}

// By what the symbols are ordered, ascending; equal ones by ticker.
const KEYS = {
  trouble: rank,
  change: (one) => -(one.price?.change_percent ?? -Infinity),
  volume: (one) => -(one.price?.volume ?? -1),
  hit: (one) => -(hits.of(one.symbol)?.id ?? -1),
  name: () => 0,
  list: (one) => lists.place(one.symbol),
};

// No tile moves while the pointer moves, since the user may be about to click.
const steady = () => performance.now() - pointer_moved_at < STEADY_MS;

function ordered(symbols) {
  const key = KEYS[order.value];
  const before = steady() ? keys : new Map();
  keys = new Map(symbols.map((one) => [one.symbol, before.get(one.symbol) ?? key(one)]));
  move_postponed = symbols.some((one) => keys.get(one.symbol) !== key(one));
  return [...symbols].sort((a, b) => keys.get(a.symbol) - keys.get(b.symbol) || (a.symbol < b.symbol ? -1 : 1));
}

const in_trouble = (one) => order.value === "trouble" && keys.get(one.symbol) < RANK.processing;
const draw_tile = (one) => tile(one, in_trouble(one), poll_now, hits.of(one.symbol));

const group = (name, title, symbols) => (symbols.length
  ? html`<h3 id=${name}>${title}</h3><ul class="board ${name}" aria-labelledby=${name}>${repeat(symbols, (one) => one.symbol, draw_tile)}</ul>` : nothing);

const tiles = in_steps(draw);

function draw() {
  if (!latest) return;
  const wanted = find.value.trim();
  const choosing = choice();
  draw_choices(choosing);
  const shown = ordered(latest.symbols.filter((one) => lists.has(one.symbol) && choosing.chosen.has(one) && matches(one, wanted)));
  document.querySelector(".loading")?.remove();
  render(overall(), $("overall"));
  $("overall").dataset.status = latest.overall_status;
  render(alerts(), $("alerts"));
  render(feeds(), $("feeds"));
  const trouble = shown.filter(in_trouble).length;
  const others = shown.length - trouble;
  const focus = focus_of(document.activeElement);
  render([group("trouble", `In trouble: ${count(trouble)}`, shown.slice(0, Math.min(trouble, tiles.most))),
    group("others", order.value !== "trouble" ? `By ${ORDERS[order.value]}: ${count(others)}` : trouble ? `Without trouble: ${count(others)}` : `All ${count(others)} without trouble`, shown.slice(trouble, Math.max(trouble, tiles.most))),
    tiles.button(shown.length - tiles.most)], board);
  tiles.watch();
  if (focus && document.activeElement === document.body) give_focus(focus);
  $("empty").hidden = latest.symbols.length > 0;
  const words = !wanted ? (choosing.chosen.body || lists.chosen ? `${count(shown.length)} of ${count(latest.symbols.length)}` : "") : shown.length ? `${count(shown.length)} of ${count(latest.symbols.length)}`
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

const asked = new URLSearchParams(location.search);
find.value = asked.get("find") ?? "";
if ([...order.options].some((one) => one.value === asked.get("order"))) order.value = asked.get("order");

function remember() {
  const query = new URLSearchParams({ ...(find.value && { find: find.value }), ...(shown_choice && { show: shown_choice }),
    ...(lists.chosen && { list: lists.chosen }), ...(order.value !== "trouble" && { order: order.value }) });
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  tiles.begin_again();
  draw();
}

// Another list or order: nothing stands in its old place.
function begin_again() {
  keys = new Map();
  if (order.value === "list" && !lists.chosen) order.value = "trouble";
  order.querySelector("[value=list]").disabled = !lists.chosen;
  remember();
}

const lists = watch_lists($("lists"), signed_in, asked.get("list"), begin_again, draw);
const hits = newest_hits(signed_in, draw);
read_patterns().then(draw);
find.addEventListener("input", remember);
show.addEventListener("change", () => { shown_choice = show.value; remember(); });
order.addEventListener("change", begin_again);
if (order.value === "list" && !lists.chosen) order.value = "trouble";
order.querySelector("[value=list]").disabled = !lists.chosen;
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, textarea, dialog")) return;
  event.preventDefault();
  find.focus();
});
board.addEventListener("pointermove", () => { pointer_moved_at = performance.now(); });
board.addEventListener("pointerleave", () => { pointer_moved_at = -Infinity; });
setInterval(() => (move_postponed && !steady() ? draw() : count_down()), 1000);
const poll_now = follow("board", (answer) => { latest = answer; draw(); }, connection);

// The page of rules: one's own and the shared ones, with their state and hits; the editor is in rule_editor.js.
import { html, nothing, render } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { problem_text } from "./actions.js";
import { connection, show_outcome } from "./notice.js";
import { bar_link, why } from "./rule_answers.js";
import { draw_watch_lists, on_save, open, prepare } from "./rule_editor.js";
import { Refused, SignedOut, Unavailable, follow, get, now, patch, post, remove } from "./server.js";
import { confirm_delete } from "./sure.js";
import { bar_time, count, plural } from "./text.js";
import { read_watch_lists } from "./watchlists.js";

const RULES_EVERY_MS = 5000;
const HITS_EVERY_MS = 15_000;
const DAYS = 7; // of which hits are counted
const HITS_READ = 1000;
const TONES = { on: "good", off: "", failed: "bad" };

const $ = (id) => document.getElementById(id);
const user = $("rules-page").dataset.user;
let rules = [];
let read = false; // whether they have been read
let lists = new Map(); // id -> watch list
let hits = new Map(); // rule's id -> its hits of the last days, newest first
let all_hits = true; // whether there were no more than HITS_READ
let worth = new Map(); // rule's id -> what its hits were worth, a row for each timeframe
let ready_made = [];

function problem_of(problem) {
  if (!(problem instanceof Unavailable || problem instanceof SignedOut || problem instanceof Refused)) console.error(problem);
}

// ------------------------------------------------------------ one rule
function looks_at(one) {
  if (one.watchlist === null) return "all symbols";
  return lists.get(one.watchlist)?.name ?? "a watch list of another user";
}

function hits_line(one) {
  const found = hits.get(one.id) ?? [];
  const number = `${all_hits ? "" : "at least "}${plural(found.length, "hit")} of bars of the last ${DAYS} days`;
  const [last] = found;
  return html`${number}${last ? html`, the newest ${last.symbol} ${last.timeframe} ${bar_link(last.bar, last.timestamp)}` : nothing}`;
}

// "41 times, 48 % up after 5 bars; without it 47 %: no edge shown"
function worth_lines(one) {
  const rows = worth.get(one.id) ?? [];
  return rows.map((row) => html`<p class="fine worth-line">${rows.length > 1 ? `${row.timeframe}: ` : ""}${row.words}</p>`);
}

function failures(one) {
  if (one.problem) return html`<p class="notice bad">${one.problem}</p>`;
  if (!one.failures.length) return nothing;
  return html`<details><summary>Failed on ${plural(one.failures.length, "series").replace("seriess", "series")}: it is off there until it is changed</summary>
    <ul class="would-hit">${one.failures.map((failure) => html`<li>${failure.symbol} ${failure.timeframe} ${bar_time(failure.timestamp)} <span class="fine">${failure.error}</span></li>`)}</ul></details>`;
}

async function ask_why(event, one) {
  event.preventDefault();
  const place = event.target.querySelector(".answer");
  const symbol = event.target.querySelector("input").value.trim();
  try {
    render(why(await get(`rules/${one.id}/why?symbol=${encodeURIComponent(symbol)}`)), place);
  } catch (problem) {
    render(html`<p class="notice bad">${problem_text(problem)}</p>`, place);
  }
}

async function turn(one) {
  try {
    await patch(`rules/${one.id}`, { enabled: !one.enabled });
    show_outcome(`${one.name} is ${one.enabled ? "off" : "on"}.`);
  } catch (problem) {
    show_outcome(problem_text(problem));
  }
  poll_now();
}

function copy(one) {
  const taken = new Set(rules.filter((other) => other.owner === user).map((other) => other.name));
  let name = one.name;
  for (let number = 2; taken.has(name); number += 1) name = `${one.name} (${number})`;
  open({ ...one, name, shared: false, enabled: true });
}

function line(one) {
  const mine = one.owner === user;
  const button = (words, act) => html`<button type="button" class="quiet small" @click=${act}>${words}<span class="hidden"> ${one.name}</span></button>`;
  const facts = [one.timeframes.join(", "), looks_at(one), one.cooldown_s ? `then silent for ${count(Math.round(one.cooldown_s / 60))} min` : "",
    mine ? (one.channels.length ? `told by ${plural(one.channels.length, "channel")}` : "told by no channel") : ""].filter(Boolean).join(" · ");
  return html`<li class="card rule" data-rule=${one.id} data-state=${one.state}>
    <h3>${one.name} <span class="mark" data-tone=${TONES[one.state]}>${one.state}</span>
      ${mine ? (one.shared ? html`<span class="mark">shared</span>` : nothing) : html`<span class="mark">of ${one.owner}</span>`}</h3>
    <p><code>${one.expression}</code></p>
    <p class="fine">${facts}</p>
    <p class="fine hits">${hits_line(one)}</p>
    ${worth_lines(one)}
    ${failures(one)}
    <div class="actions">
      ${mine ? button("Change", () => open(one, one)) : nothing}
      ${button("Copy", () => copy(one))}
      ${mine ? button(one.enabled ? "Switch off" : "Switch on", () => turn(one)) : nothing}
      ${mine ? button("Delete", () => confirm_delete(one.name, "It is off at once; its hits are removed soon after.", () => remove(`rules/${one.id}`), poll_now)) : nothing}
    </div>
    <details><summary>Why, or why not?</summary>
      <form class="why" @submit=${(event) => ask_why(event, one)}>
        <label>Symbol <input type="text" list="tickers" required autocomplete="off" autocapitalize="characters"></label>
        <button type="submit" class="quiet">Ask its newest bar</button>
        <div class="answer" role="status"></div>
      </form></details></li>`;
}

// Offered to who has no rule yet.
async function add_default_set() {
  try {
    const made = await post("rules/default-set", {});
    show_outcome(`${plural(made.length, "rule")} added.`);
  } catch (problem) {
    show_outcome(problem_text(problem));
  }
  poll_now();
}

function draw() {
  const mine = rules.filter((one) => one.owner === user);
  $("default-set").hidden = !read || mine.length > 0 || !ready_made.length;
  const others = rules.filter((one) => one.owner !== user);
  render(mine.length ? repeat(mine, (one) => one.id, line) : html`<li class="fine">None yet. Make one, or copy a ready-made one.</li>`, $("own"));
  $("others-part").hidden = !others.length;
  render(repeat(others, (one) => one.id, line), $("others"));
}

// ------------------------------------------------------------ reading
async function read_hits() {
  const since = new Date(now() - DAYS * 86_400_000).toISOString();
  try {
    const answer = await get(`hits?from=${since}&page_size=${HITS_READ}`);
    all_hits = answer.next === null;
    hits = new Map();
    for (const one of answer.results) hits.set(one.rule, [...(hits.get(one.rule) ?? []), one]);
    draw();
  } catch (problem) {
    problem_of(problem);
  }
}

async function read_worth() { // worked out once a day
  const answer = await get(`worth?of=rules&horizon=${$("rules-page").dataset.horizon}&page_size=${HITS_READ}`);
  worth = new Map();
  for (const one of answer.results) worth.set(one.rule, [...(worth.get(one.rule) ?? []), one]);
  draw();
}

async function read_ready_made() {
  ready_made = await get("rules/ready-made");
  render(ready_made.map((one, place) => html`<option value=${place}>${one.name}</option>`), $("ready"));
  const mean = () => { $("ready-meaning").textContent = ready_made[Number($("ready").value)]?.meaning ?? ""; };
  $("ready").addEventListener("change", mean);
  mean();
  render(ready_made.filter((one) => one.in_default_set).map((one) => html`<li><strong>${one.name}</strong> <span class="fine">${one.timeframes.join(", ")}. ${one.meaning}</span></li>`), $("default-rules"));
  draw();
}

$("add-default-set").addEventListener("click", add_default_set);
$("new").addEventListener("click", () => open({}));
$("copy-ready").addEventListener("click", () => { const one = ready_made[Number($("ready").value)]; if (one) copy(one); });
const poll_now = follow("rules?page_size=1000", (answer) => { rules = answer.results; read = true; draw(); }, connection, RULES_EVERY_MS);
on_save(() => { poll_now(); read_hits(); });
read_watch_lists((all) => { lists = new Map(all.map((one) => [one.id, one])); draw_watch_lists(all); draw(); }).catch(problem_of);
read_ready_made().catch(problem_of);
read_worth().catch(problem_of);
prepare().catch(problem_of);
read_hits();
setInterval(() => { if (!document.hidden) read_hits(); }, HITS_EVERY_MS);

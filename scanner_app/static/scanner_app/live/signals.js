// The page of signals: a page of the list, older ones on request, and new ones by the stream.
import { html, render } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { connection } from "./notice.js";
import { pattern_meaning, pattern_name, read_patterns } from "./patterns.js";
import { Refused, SignedOut, get, page } from "./server.js";
import { bar_time, capital, count, moment, plural, shape } from "./text.js";

const $ = (id) => document.getElementById(id);
const form = $("filters");
const SHOWN = 100; // of a page of the list
const MOST = 500; // that the page keeps when new ones come: a page that is open all day must not grow
const BATCH_MS = 250; // new ones are shown together: a market's opening brings thousands within a second
const AGAIN_MS = 5000; // until all is read again, when a browser has given the stream up: it does so after an error's answer
const STREAMED = ["symbol", "watchlist", "direction"]; // filters that the stream knows; the others are applied here

let rows = [];
let next = null; // address of the older ones
let waiting = []; // new ones that came while the reader was not at the top
let fresh = []; // new ones since the last drawing
let stream = null;
let drawing = 0;
let asked = 0; // how often the list was asked for: an answer to an earlier question is not shown
let listing = false; // its answer is under way; new ones wait for it, or it would replace them
let again = 0;

// ---------------------------------------------------------------- filters
const chosen = () => Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== "").map(([name, value]) => (
  [name, name === "created_from" ? new Date(value).toISOString() : value.trim()])));

function from_address() {
  for (const [name, value] of new URLSearchParams(location.search)) {
    const field = form.elements.namedItem(name);
    if (field) field.value = name === "created_from" ? local_input(value) : value;
  }
}

// What <input type="datetime-local"> wants: the reader's own time, without a zone.
function local_input(iso) {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

const query = (values) => new URLSearchParams(values).toString();

// Whether a signal of the stream is one that the list would have. A rule's hits come after the signals of their bar, so
// with a rule chosen the list alone is read.
const fits = (one, wanted) => ["timeframe", "pattern"].every((name) => !wanted[name] || one[name] === wanted[name]);

// ------------------------------------------------------------------- list
function line(one) {
  return html`<li class="card signal-row" data-direction=${one.direction}>
    <span class="way">${shape(one.direction)}<span class="hidden">${one.direction}</span></span>
    <a class="ticker" href=${page(one.symbol)}>${one.symbol}</a>
    <span class="timeframe">${one.timeframe}</span>
    <a class="pattern" href="/bars/${one.bar}/" title=${`${one.pattern}. ${pattern_meaning(one.pattern)}`}>${pattern_name(one.pattern, one.direction)}</a>
    <span class="fine">${capital(one.direction)}, ${one.detector}${one.late ? ", late" : ""}${one.revised ? ", revised" : ""}${one.withdrawn_at ? ", withdrawn" : ""}</span>
    <span class="fine of-bar">bar of ${bar_time(one.timestamp)}</span>
    <span class="fine">found ${moment(one.created_at)}</span></li>`;
}

function draw() {
  render(repeat(rows, (one) => one.id, line), $("list"));
  $("none").hidden = rows.length > 0;
  $("older").hidden = next === null || rows.length >= MOST;
  $("waiting").hidden = waiting.length === 0;
  $("show-waiting").textContent = `Show ${plural(waiting.length, "new signal")}`;
}

const at_top = () => window.scrollY < 80;

// New rows go on top at once if the reader is there; else they wait for him, so that nothing moves under his eyes.
function take_in() {
  drawing = 0;
  if (listing) return;
  const known = new Set([...rows, ...waiting].map((one) => one.id));
  const found = fresh.filter((one) => !known.has(one.id)).reverse();
  fresh = [];
  if (!found.length) return;
  tell(found);
  if (at_top() && !waiting.length) {
    if (rows.length + found.length > MOST) next = null; // older ones are left out, and the list would have a hole
    rows = [...found, ...rows].slice(0, MOST);
  } else {
    waiting = [...found, ...waiting].slice(0, MOST);
  }
  draw();
}

$("show-waiting").addEventListener("click", () => {
  rows = [...waiting, ...rows].slice(0, MOST);
  waiting = [];
  draw();
  window.scrollTo({ top: 0 });
  $("list").querySelector("a")?.focus();
});

async function older() {
  const address = next;
  const answer = await get(address).catch((problem) => connection.failed(problem));
  if (!answer || address !== next) return;
  rows = [...rows, ...answer.results];
  next = path_of(answer.next);
  draw();
}

$("older").addEventListener("click", older);

const path_of = (address) => (address === null ? null : address.slice(address.indexOf("signals?")));

// ----------------------------------------------------------------- stream
function listen(wanted) {
  stream?.close();
  stream = null;
  fresh = []; // of another choice
  if (wanted.rule) {
    $("live").textContent = "New ones are not shown by themselves while a rule is chosen.";
    return;
  }
  const asked = query(Object.fromEntries(STREAMED.filter((name) => wanted[name]).map((name) => [name, wanted[name]])));
  stream = new EventSource(`/api/v1/scanner/signals/stream?${asked}`);
  stream.addEventListener("open", () => { $("live").textContent = "Live"; connection.ok(); });
  stream.addEventListener("error", ({ target }) => {
    $("live").textContent = "Not live: the connection is being made again.";
    if (target === stream && target.readyState === EventSource.CLOSED) try_again();
  });
  stream.addEventListener("signal", (event) => {
    const one = JSON.parse(event.data);
    if (!fits(one, wanted)) return;
    fresh.push(one);
    if (fresh.length > MOST) fresh.shift();
    drawing ||= setTimeout(take_in, BATCH_MS);
  });
}

function try_again() {
  clearTimeout(again);
  again = setTimeout(begin, AGAIN_MS);
}

async function begin() {
  clearTimeout(again);
  const mine = ++asked;
  const wanted = chosen();
  const address = query(wanted);
  history.replaceState(null, "", address ? `?${address}` : location.pathname);
  $("csv").href = `/api/v1/scanner/signals?${query({ ...wanted, format: "csv" })}`;
  listing = true;
  listen(wanted); // first the stream and then the list: what comes between is in one of them
  try {
    const answer = await get(`signals?${query({ ...wanted, page_size: SHOWN })}`);
    if (mine !== asked) return;
    connection.ok();
    rows = answer.results;
    next = path_of(answer.next);
    waiting = [];
    draw();
  } catch (problem) {
    if (mine !== asked) return;
    connection.failed(problem);
    if (problem instanceof Refused || problem instanceof SignedOut) {
      stream?.close(); // it is refused, too; to ask again would change nothing
      stream = null;
    } else try_again();
  }
  listing = false;
  take_in();
}

// --------------------------------------------------------------- telling
const PREFERRED = { sound: "signals.sound", desktop: "signals.desktop" };
let audio = null;

// A short tone of the browser's own: no file, and none is heard before the reader has asked for it.
function beep() {
  audio ??= new AudioContext();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.frequency.value = 880;
  volume.gain.setValueAtTime(0.15, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.25);
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.25);
}

function tell(found) {
  if ($("sound").checked) beep();
  if (!$("desktop").checked || Notification.permission !== "granted") return;
  const [first] = found;
  const words = `${first.symbol} ${first.timeframe}: ${pattern_name(first.pattern, first.direction)}, ${first.direction}`;
  new Notification(found.length === 1 ? words : `${count(found.length)} signals, the newest: ${words}`, { tag: "signals" });
}

for (const [id, key] of Object.entries(PREFERRED)) {
  const box = $(id);
  box.checked = localStorage.getItem(key) === "1";
  box.addEventListener("change", async () => {
    if (id === "desktop" && box.checked && "Notification" in window && Notification.permission !== "granted") {
      box.checked = (await Notification.requestPermission()) === "granted";
      if (!box.checked) $("live").textContent = "The browser does not allow notices from this page.";
    }
    localStorage.setItem(key, box.checked ? "1" : "0");
    if (id === "sound" && box.checked) beep();
  });
}
if (!("Notification" in window)) $("desktop").parentElement.hidden = true;

// ------------------------------------------------------------------ start
let typing = 0;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(begin, 300); });
from_address();
begin();
read_patterns().then(draw);

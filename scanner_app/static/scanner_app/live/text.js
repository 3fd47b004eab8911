// How numbers, times and states are written. All data becomes text by lit-html, never markup.
import { html, svg, nothing } from "../../vendor/lit-html/lit-html.js";
import { now } from "./server.js";

export const EMPTY = "–";
const NUMBER = new Intl.NumberFormat("en-US");
const PRICE = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 7 });

export const count = (number) => NUMBER.format(number ?? 0);
export const price = (number) => PRICE.format(number);
export const percent = (number) => `${number > 0 ? "+" : ""}${number.toFixed(2)} %`;
export const capital = (word) => word[0].toUpperCase() + word.slice(1);
export const in_a_row = (number, word) => `${plural(number, word)}${number > 1 ? " in a row" : ""}`;
export const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

const two = (number) => String(number).padStart(2, "0");
const day = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;

// 2024-05-31 14:30:00 in the reader's own zone; today's times without the date.
export function local(date) {
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return day(date) === day(new Date(now())) ? clock : `${day(date)} ${clock}`;
}

export const utc = (date) => `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;

// A moment: local time, with UTC on hovering.
export function moment(iso) {
  if (!iso) return EMPTY;
  const date = new Date(iso);
  return html`<time datetime=${iso} title=${utc(date)}>${local(date)}</time>`;
}

// How long ago a moment was, with the moment on hovering.
export function ago(iso) {
  const seconds = Math.max(0, (now() - new Date(iso)) / 1000);
  const [size, unit] = seconds < 60 ? [1, "s"] : seconds < 3600 ? [60, "min"] : seconds < 2 * 86_400 ? [3600, "h"] : [86_400, "days"];
  return html`<time datetime=${iso} title=${utc(new Date(iso))}>${Math.floor(seconds / size)} ${unit} ago</time>`;
}

// A bar's opening time. Midnight UTC stands for a trading day: in local time it might be the day before.
export function bar_time(iso) {
  if (!iso) return EMPTY;
  const date = new Date(iso);
  if (date.getTime() % 86_400_000 === 0) return html`<time datetime=${iso} title=${utc(date)}>${iso.slice(0, 10)}</time>`;
  return html`<time datetime=${iso} title=${utc(date)}>${local(date).replace(/:00$/, "")}</time>`;
}

// The same as text.
export function bar_name(iso) {
  const date = new Date(iso);
  return date.getTime() % 86_400_000 === 0 ? iso.slice(0, 10) : local(date);
}

// The state to show of a symbol, on the board and on its page: the most important one that applies. A symbol whose
// state is "processing" may still be stale or slow, or have bars in quarantine.
export function condition(one) {
  if (!one.enabled) return "disabled";
  if (one.state !== "processing") return one.state;
  if (one.is_stale) return "stale";
  if (one.is_slow) return "slow";
  return one.quarantined ? "quarantine" : "processing";
}

// The tone of the p95: a warning over the symbol's limit, also when the p95 is too old for an alert.
export const p95_tone = (one) => (one.bars_processed && one.p95_latency_ms > one.p95_limit_ms ? "warn" : "");

const SHAPES = {
  processing: svg`<circle cx="12" cy="12" r="9"/>`,
  paused: svg`<path d="M4 3h6v18H4zM14 3h6v18h-6z"/>`,
  failed: svg`<path d="M8 2h8l6 6v8l-6 6H8l-6-6V8zm1.4 5L7 9.4 9.6 12 7 14.6 9.4 17l2.6-2.6 2.6 2.6 2.4-2.4-2.6-2.6L17 9.4 14.6 7 12 9.6z" fill-rule="evenodd"/>`,
  stale: svg`<path d="M4 2h16v3l-6 7 6 7v3H4v-3l6-7-6-7z"/>`,
  slow: svg`<path d="M1 20a11 11 0 0 1 22 0zm12.6-1.2L7 9.6l3.8 10.6a1.6 1.6 0 1 0 2.8-1.4z" fill-rule="evenodd"/>`,
  quarantine: svg`<path d="M2 3h20v5H2zM3 10h18v11H3zm6 2v3h6v-3z" fill-rule="evenodd"/>`,
  disabled: svg`<path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18m0 3a6 6 0 1 1 0 12 6 6 0 0 1 0-12"/>`,
  healthy: svg`<circle cx="12" cy="12" r="9"/>`,
  degraded: svg`<path d="M12 2 23 21H1z"/>`,
  unhealthy: svg`<path d="M8 2h8l6 6v8l-6 6H8l-6-6V8z"/>`,
  warning: svg`<path d="M12 2 23 21H1z"/>`,
  error: svg`<path d="M8 2h8l6 6v8l-6 6H8l-6-6V8z"/>`,
  info: svg`<path d="M3 3h18v18H3z"/>`,
  bullish: svg`<path d="M12 3 22 20H2z"/>`,
  bearish: svg`<path d="M12 21 2 4h20z"/>`,
  neutral: svg`<circle cx="12" cy="12" r="8"/>`, // a disc, since the chart's library has no other sign without a direction
};

export const shape = (word) => html`<svg class="shape" viewBox="0 0 24 24" aria-hidden="true">${SHAPES[word] ?? nothing}</svg>`;

export const breaker = (state) => state.replace("_", "-");

// An element that `count_down` fills every second; lit-html leaves its content alone.
export const countdown = (iso) => html`<span class="countdown" data-at=${Date.parse(iso)}></span>`;

export function count_down() {
  for (const element of document.querySelectorAll(".countdown")) {
    const left_s = Math.ceil((Number(element.dataset.at) - now()) / 1000);
    const minutes = Math.floor(left_s / 60);
    const text = left_s <= 0 ? "now" : minutes ? `in ${minutes} min ${two(left_s % 60)} s` : `in ${left_s} s`;
    if (element.textContent !== text) element.textContent = text;
  }
}

// When the head runs next: at a time, now (due or running), or never without a head.
export function next_attempt(one) {
  if (one.next_attempt_at) return countdown(one.next_attempt_at);
  return one.backlog ? "trying now" : EMPTY;
}

// Milliseconds from 1 to 1,000 on a logarithmic scale; the straight line is the limit over which the symbol is slow.
const WIDTH = 120;
const HEIGHT = 24;
const level = (ms) => HEIGHT - 1 - (Math.log10(Math.min(Math.max(ms, 1), 1000)) / 3) * (HEIGHT - 2);

export function sparkline(latencies, limit_ms, most = 30) {
  const limit = level(limit_ms);
  const step = WIDTH / (most - 1);
  const first = WIDTH - (latencies.length - 1) * step; // the newest is always at the right edge
  const points = latencies.map((ms, place) => `${(first + place * step).toFixed(1)},${level(ms).toFixed(1)}`);
  if (points.length === 1) points.unshift(`${WIDTH - step},${points[0].split(",")[1]}`);
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
    <line x1="0" x2=${WIDTH} y1=${limit} y2=${limit}></line><polyline points=${points.join(" ")}></polyline></svg>`;
}

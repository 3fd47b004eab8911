// The editor of one rule: its condition is checked while it is typed, and can be tried on stored bars.
import { html, nothing, render } from "../../vendor/lit-html/lit-html.js";
import { problem_text } from "./actions.js";
import { Completion } from "./completion.js";
import { show_outcome } from "./notice.js";
import { tried } from "./rule_answers.js";
import { Refused, get, patch, post } from "./server.js";
import { plural } from "./text.js";

const CHECK_AFTER_MS = 300; // after the last key
const FIELDS = { name: "rule-name", expression: "expression", timeframes: "timeframes", watchlist: "watchlist", cooldown_s: "cooldown", channels: "channels" };
const NAMES = { name: "Name", expression: "Condition", timeframes: "Looks at bars of", watchlist: "Symbols", cooldown_s: "Minutes after a hit", channels: "Is told by" };

const $ = (id) => document.getElementById(id);
const form = $("editor");
const text = $("expression");
const boxes = [...form.querySelectorAll("[name=timeframe]")];
const completion = new Completion(text, $("words"), (words) => { if (!$("expression-said").textContent) $("spoken").textContent = words; });

let rule = null; // the one that is changed; null: a new one
let channels = null; // those that the user's rules may name; null: not read yet
let lists_read = false; // whether the watch lists are
let looks_at = null; // id of the watch list of the rule that is changed
let told_by = []; // ids of the channels of the rule that is changed
let opener = null; // what had the focus before
let after_save = () => {};
let wrong = new Map(); // field's name -> what the server said of it; "": of no field
let timer = 0;
let asked = 0; // counts the checks: an answer that a later one has overtaken is dropped
let shortest = null; // timeframe with bars of the symbol to try on; null: not known

export const on_save = (act) => { after_save = act; };

const chosen_timeframes = () => boxes.filter((one) => one.checked).map((one) => one.value);

// ------------------------------------------------------------ opening and closing
export function open(values, stored = null) {
  rule = stored;
  opener = document.activeElement;
  $("editor-title").textContent = rule ? `Change ${rule.name}` : "New rule";
  $("rule-name").value = values.name ?? "";
  text.value = values.expression ?? "";
  for (const box of boxes) box.checked = (values.timeframes ?? []).includes(box.value);
  looks_at = values.watchlist ?? null;
  $("watchlist").value = String(looks_at ?? "");
  $("cooldown").value = String((values.cooldown_s ?? 0) / 60);
  $("enabled").checked = values.enabled ?? true;
  $("shared").checked = values.shared ?? false;
  $("tell-late").checked = values.tell_late ?? false;
  told_by = values.channels ?? [];
  draw_channels();
  draw_wrong(new Map());
  render(nothing, $("tried"));
  draw_try();
  form.hidden = false;
  say("");
  check();
  form.scrollIntoView({ block: "start" });
  $("rule-name").focus();
}

function close() {
  form.hidden = true;
  clearTimeout(timer);
  (opener?.isConnected ? opener : $("new")).focus();
}

function draw_channels() {
  $("channels").hidden = !channels;
  $("no-channels")?.toggleAttribute("hidden", Boolean(channels?.length)); // only who can't make one has that line
  render((channels ?? []).map((one) => html`<label><input type="checkbox" name="channel" value=${one.id} .checked=${told_by.includes(one.id)}> ${one.name} <span class="fine">${one.kind}</span></label>`), $("channel-list"));
}

export function draw_watch_lists(lists) {
  const before = lists_read ? $("watchlist").value : String(looks_at ?? "");
  lists_read = true;
  render(html`<option value="">all symbols</option>${lists.map((one) => html`<option value=${one.id}>${one.name}</option>`)}`, $("watchlist"));
  $("watchlist").value = before;
}

function draw_try() {
  const before = $("try-timeframe").value;
  const names = chosen_timeframes().length ? chosen_timeframes() : boxes.map((one) => one.value);
  render(names.map((name) => html`<option value=${name}>${name}</option>`), $("try-timeframe"));
  $("try-timeframe").value = names.includes(before) ? before : names.includes(shortest) ? shortest : names.at(-1);
}

// The timeframe of a symbol that was just chosen: of those that can be tried, its shortest with bars.
async function preset_timeframe() {
  const ticker = $("try-symbol").value.trim();
  if (!ticker) return;
  try {
    const { timeframes } = await get(`chart?symbol=${encodeURIComponent(ticker)}&limit=1`);
    if ($("try-symbol").value.trim() !== ticker) return;
    const offered = [...$("try-timeframe").options].map((one) => one.value);
    shortest = timeframes[0] ?? null;
    if (!timeframes.includes($("try-timeframe").value)) {
      $("try-timeframe").value = timeframes.find((name) => offered.includes(name)) ?? $("try-timeframe").value;
    }
  } catch {
    shortest = null; // an unknown symbol: trying it says so
  }
}

// ------------------------------------------------------------ checking
function say(words, tone = "") {
  $("expression-said").textContent = words;
  $("expression-said").dataset.tone = tone;
  text.toggleAttribute("aria-invalid", tone === "bad");
  if (tone === "bad") text.setAttribute("aria-invalid", "true");
  if (tone !== "bad") $("expression-place").hidden = true;
}

// The text with the place of the error marked, as far as the error names one.
function show_place(message) {
  const place = Number(/^character (\d+):/.exec(message)?.[1] ?? 0) - 1;
  $("expression-place").hidden = place < 0;
  if (place < 0) return;
  const wrong = /^(\w+|.|\n)?/.exec(text.value.slice(place))[0] || " ";
  const go = () => { text.focus(); text.setSelectionRange(place, place + wrong.length); };
  render(html`<code>${text.value.slice(0, place)}<mark>${wrong}</mark>${text.value.slice(place + wrong.length)}</code>
    <button type="button" class="quiet small" @click=${go}>Go to the place</button>`, $("expression-place"));
}

async function check() {
  clearTimeout(timer);
  const number = ++asked;
  if (!text.value.trim()) return say("");
  const timeframes = chosen_timeframes();
  try {
    const answer = await post("rules/check", { expression: text.value, ...(timeframes.length && { timeframes }) });
    if (number !== asked) return;
    const others = answer.others.map((one) => `${plural(one.bars_needed, "bar")} of ${one.timeframe}`);
    say(`This can be a rule. It needs ${[plural(answer.bars_needed, "bar"), ...others].join(" and ")}.`, "good");
  } catch (problem) {
    if (number !== asked) return;
    const wrong = String(problem.fields?.expression ?? problem_text(problem));
    say(wrong, "bad");
    show_place(wrong);
  }
}

function changed() {
  clearTimeout(timer);
  timer = setTimeout(check, CHECK_AFTER_MS);
}

// ------------------------------------------------------------ saving and trying
function body() {
  const chosen = [...form.querySelectorAll("[name=channel]:checked")].map((one) => Number(one.value));
  return {
    name: $("rule-name").value, expression: text.value, timeframes: chosen_timeframes(),
    watchlist: lists_read ? Number($("watchlist").value) || null : looks_at, // as with the channels below
    cooldown_s: Math.round(Number($("cooldown").value) * 60),
    enabled: $("enabled").checked, shared: $("shared").checked, tell_late: $("tell-late").checked,
    ...(channels && { channels: chosen }), // while they are not read, the rule keeps those that it has
  };
}

function draw_wrong(lines) {
  wrong = lines;
  $("editor-wrong").textContent = [...wrong.values()].join(" ");
  $("editor-wrong").hidden = !wrong.size;
}

function show_wrong(problem) {
  const fields = problem instanceof Refused ? Object.entries(problem.fields).filter(([name]) => name in FIELDS) : [];
  const lines = fields.map(([name, said]) => [name, `${NAMES[name]}: ${[said].flat(9).map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join(" ")}`]);
  draw_wrong(new Map(lines.length ? lines : [["", problem_text(problem)]]));
  const first = fields.length && $(FIELDS[fields[0][0]]);
  (first?.matches?.("fieldset") ? first.querySelector("input") : first || $("save"))?.focus();
}

async function save(event) {
  event.preventDefault();
  draw_wrong(new Map());
  try {
    const saved = rule ? await patch(`rules/${rule.id}`, body()) : await post("rules", body());
    close();
    show_outcome(`${saved.name} is saved.`);
    after_save();
  } catch (problem) {
    show_wrong(problem);
  }
}

// What was said of a field is no longer true once the field is changed; the rest stays.
function forget_wrong({ target }) {
  const left = [...wrong].filter(([name]) => !(name && $(FIELDS[name]).contains(target)));
  if (left.length < wrong.size) draw_wrong(new Map(left));
}

async function try_out() {
  const place = $("tried");
  render(html`<p class="fine">Asking the bars…</p>`, place);
  try {
    const answer = await post("rules/try", {
      expression: text.value, symbol: $("try-symbol").value.trim(), timeframe: $("try-timeframe").value,
      bars: Number($("try-bars").value), cooldown_s: body().cooldown_s,
    });
    render(tried(answer), place);
  } catch (problem) {
    render(html`<p class="notice bad">${problem_text(problem)}</p>`, place);
  }
}

// What the editor offers besides: read once, when the page opens.
export async function prepare() {
  const [words, patterns, usable] = await Promise.all([get("rules/words"), get("patterns"), get("channels/usable")]);
  Object.assign(completion, { words, patterns });
  channels = usable;
  draw_channels();
  const tickers = (await get("symbols?page_size=1000")).results.map((one) => one.symbol).sort();
  render(tickers.map((ticker) => html`<option value=${ticker}></option>`), $("tickers"));
  $("try-symbol").value ||= tickers[0] ?? "";
  await preset_timeframe();
}

text.addEventListener("input", changed);
text.addEventListener("change", changed);
$("timeframes").addEventListener("change", () => { draw_try(); check(); });
$("try-symbol").addEventListener("change", preset_timeframe);
$("try").addEventListener("click", try_out);
for (const kind of ["input", "change"]) form.addEventListener(kind, forget_wrong);
$("cancel").addEventListener("click", close);
form.addEventListener("submit", save);

// Watch lists on the page of rules: seen, made, changed and deleted.
import { html, nothing, render } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { problem_text } from "./actions.js";
import { show_outcome } from "./notice.js";
import { get, patch, post, remove } from "./server.js";
import { confirm_delete } from "./sure.js";
import { plural } from "./text.js";

const SHOWN = 12; // tickers of a list that are named
const $ = (id) => document.getElementById(id);
const user = $("rules-page").dataset.user;
let changed = null; // the list that the form changes; null: it makes a new one
let tell = () => {};

// Reads the lists, draws them, and gives them to `each_time`, now and after each change.
export async function read_watch_lists(each_time = tell) {
  tell = each_time;
  const lists = (await get("watchlists?page_size=1000")).results;
  render(lists.length ? repeat(lists, (one) => one.id, line) : html`<li class="fine">None yet.</li>`, $("lists"));
  tell(lists);
}

function line(one) {
  const names = one.symbols.slice(0, SHOWN).join(", ");
  const rest = one.symbols.length - SHOWN;
  const mine = one.owner === user;
  return html`<li class="card" data-list=${one.id}>
    <h3><a href="/?list=${one.id}">${one.name}</a> ${mine ? (one.shared ? html`<span class="mark">shared</span>` : nothing) : html`<span class="mark">of ${one.owner}</span>`}</h3>
    <p class="fine">${one.symbols.length ? `${names}${rest > 0 ? ` and ${plural(rest, "more entry").replace("entrys", "entries")}` : ""}` : "Names nothing yet."}</p>
    ${mine ? html`<div class="actions">
      <button type="button" class="quiet small" @click=${() => edit(one)}>Change<span class="hidden"> ${one.name}</span></button>
      <button type="button" class="quiet small" @click=${() => confirm_delete(one.name, "Its symbols stay as they are. Rules that look at this list look at nothing from then on.", () => remove(`watchlists/${one.id}`), () => { if (changed?.id === one.id) edit(null); read_watch_lists(); })}>Delete<span class="hidden"> ${one.name}</span></button></div>` : nothing}</li>`;
}

function edit(one) {
  changed = one;
  $("list-title").textContent = one ? `Change ${one.name}` : "New watch list";
  $("list-name").value = one?.name ?? "";
  $("list-symbols").value = (one?.symbols ?? []).join(", ");
  $("list-shared").checked = one?.shared ?? false;
  $("list-cancel").hidden = !one;
  $("list-wrong").hidden = true;
  if (one) $("list-name").focus();
}

$("list-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const symbols = $("list-symbols").value.split(/[,\n]/).map((one) => one.trim()).filter(Boolean);
  const body = { name: $("list-name").value, symbols, shared: $("list-shared").checked };
  try {
    const saved = changed ? await patch(`watchlists/${changed.id}`, body) : await post("watchlists", body);
    edit(null);
    show_outcome(`${saved.name} is saved: ${plural(saved.tickers.length, "symbol")} now.`);
    await read_watch_lists();
  } catch (problem) {
    $("list-wrong").textContent = problem_text(problem);
    $("list-wrong").hidden = false;
  }
});
$("list-cancel").addEventListener("click", () => edit(null));

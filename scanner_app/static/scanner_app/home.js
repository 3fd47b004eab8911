// The live table: asks for the status every two seconds and changes only what differs.
// Data is shown through textContent alone, never as markup.
"use strict";
(() => {
  const EVERY_MS = 2000;
  const GIVE_UP_MS = 8000; // an answer that takes longer counts as a lost connection
  const SHOWN = 200; // rows; a page of thousands would be slow and nobody would read it
  const EMPTY = "–";
  const RANK = { failed: 0, paused: 1, processing: 2 };
  const TONE = {
    processing: "good", paused: "warn", failed: "bad", disabled: "calm",
    closed: "calm", half_open: "warn", open: "bad",
  };

  const $ = (id) => document.getElementById(id);
  const live = $("live");
  const rows = new Map(); // ticker -> {tr, cells, next}
  let etag = null;
  let status = null; // the last answer
  let skew_ms = 0; // the server's clock minus ours
  let timer = 0;

  const put = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const mark = (element, name, value) => { if (element.dataset[name] !== value) element.dataset[name] = value; };
  const hint = (element, text) => { if (element.title !== text) element.title = text; };
  const count = (number) => (number ?? 0).toLocaleString("en-US");
  const utc = (iso) => (iso ? new Date(iso).toISOString().slice(0, 19).replace("T", " ") : EMPTY);
  const bar_time = (iso) => utc(iso).replace(/:00$/, ""); // seconds matter to one-second bars alone
  const now = () => Date.now() + skew_ms;

  // ---------------------------------------------------------------- asking
  async function poll() {
    clearTimeout(timer);
    try {
      await ask();
    } finally {
      if (!document.hidden) timer = setTimeout(poll, EVERY_MS);
    }
  }

  async function ask() {
    let answer;
    let body = null;
    try {
      const headers = { Accept: "application/json" };
      if (etag) headers["If-None-Match"] = etag;
      answer = await fetch(live.dataset.url, {
        headers, credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(GIVE_UP_MS),
      });
      if (answer.status === 200) body = await answer.json();
    } catch {
      return lost("Connection lost.");
    }
    if (answer.status === 401 || answer.status === 403) return signed_out();
    if (answer.status !== 200 && answer.status !== 304) return lost(`The scanner answers with error ${answer.status}.`);
    const date = Date.parse(answer.headers.get("Date"));
    if (!Number.isNaN(date)) skew_ms = date - Date.now();
    if (body) {
      status = body;
      etag = answer.headers.get("ETag");
      show();
    }
    $("notice").hidden = true;
    live.classList.remove("stale");
    put($("updated"), `Updated ${utc(now()).slice(11)} UTC`);
  }

  function lost(what) {
    live.classList.add("stale");
    tell(status ? `${what} What you see is old; trying again every two seconds.` : `${what} Trying again every two seconds.`);
  }

  function signed_out() {
    live.classList.add("stale");
    const link = document.createElement("a");
    link.href = live.dataset.signIn;
    link.textContent = "Sign in again";
    tell("You have been signed out. ", link);
  }

  function tell(text, link) {
    const notice = $("notice");
    if (notice.hidden || notice.dataset.text !== text) {
      notice.dataset.text = text; // told once, not every two seconds: a screen reader speaks each change
      notice.replaceChildren(text, ...(link ? [link] : []));
      notice.hidden = false;
    }
    if (!status) put($("overall"), "Unknown");
  }

  // --------------------------------------------------------------- showing
  function show() {
    mark($("verdict"), "status", status.overall_status);
    put($("overall"), status.overall_status[0].toUpperCase() + status.overall_status.slice(1));
    put($("why"), summary());
    put($("healthy"), count(status.healthy_symbols));
    put($("paused"), count(status.paused_symbols));
    put($("failed"), count(status.failed_symbols));
    mark($("paused"), "tone", status.paused_symbols ? "warn" : "calm");
    mark($("failed"), "tone", status.failed_symbols ? "bad" : "calm");
    put($("rate"), (status.bars_per_second ?? 0).toFixed(1));
    put($("backlog"), count(status.backlog));
    $("empty").hidden = status.symbols.length > 0;
    $("table-card").hidden = status.symbols.length === 0;
    table();
  }

  function summary() {
    if (!status.total_symbols) return "Nothing to watch yet";
    const disabled = status.total_symbols - status.enabled_symbols;
    return `${count(status.healthy_symbols)} of ${count(status.enabled_symbols)} enabled symbols healthy`
      + (disabled ? `, ${count(disabled)} off` : "");
  }

  function table() {
    const wanted = $("find").value.trim().toUpperCase();
    const matching = status.symbols.filter((symbol) => symbol.symbol.includes(wanted));
    // Trouble on top; what an operator has switched off is none.
    const rank = (symbol) => (symbol.enabled ? RANK[symbol.state] ?? 0 : 3);
    matching.sort((a, b) => rank(a) - rank(b) || (a.symbol < b.symbol ? -1 : 1));
    const shown = matching.slice(0, SHOWN);
    const body = $("rows");
    const keep = new Set(shown.map((symbol) => symbol.symbol));
    for (const [ticker, row] of rows) {
      if (!keep.has(ticker)) { row.tr.remove(); rows.delete(ticker); }
    }
    shown.forEach((symbol, place) => {
      const row = fill(rows.get(symbol.symbol) ?? make(symbol.symbol), symbol);
      if (body.children[place] !== row.tr) body.insertBefore(row.tr, body.children[place] ?? null);
    });
    const more = $("more");
    const hidden = matching.length - shown.length;
    more.hidden = hidden === 0 && shown.length > 0;
    put(more, shown.length ? `${count(hidden)} more symbols: find them by their ticker` : `No symbol has “${wanted}” in its ticker`);
    tick();
  }

  function make(ticker) {
    const tr = $("row").content.firstElementChild.cloneNode(true);
    const row = { tr, cells: {}, next: null };
    for (const cell of tr.querySelectorAll("[data-cell]")) row.cells[cell.dataset.cell] = cell;
    row.cells.symbol.textContent = ticker;
    rows.set(ticker, row);
    return row;
  }

  function fill(row, symbol) {
    const { cells } = row;
    const state = symbol.enabled ? symbol.state : "disabled";
    badge(cells.state, state);
    badge(cells.breaker, symbol.circuit_state);
    put(cells.failures, count(symbol.consecutive_failures));
    put(cells.backlog, count(symbol.backlog));
    put(cells.p95, symbol.bars_processed ? `${count(symbol.p95_latency_ms)} ms` : EMPTY);
    put(cells.last, bar_time(symbol.last_bar_time));
    put(cells.error, symbol.last_error || EMPTY);
    hint(cells.error, symbol.last_error || "");
    const waits = state === "failed" || state === "paused";
    row.tr.toggleAttribute("data-quiet", !waits);
    // Without a time, a head that failed is due or running.
    row.next = symbol.next_attempt_at ? Date.parse(symbol.next_attempt_at) : waits && symbol.backlog ? 0 : null;
    hint(cells.next, row.next ? `${utc(symbol.next_attempt_at)} UTC` : "");
    return row;
  }

  function badge(cell, word) {
    const element = cell.firstElementChild;
    mark(element, "tone", TONE[word] ?? "calm");
    put(element, word.replace("_", "-"));
  }

  // Countdowns run every second, between the answers.
  function tick() {
    for (const row of rows.values()) {
      const left_s = row.next !== null ? Math.ceil((row.next - now()) / 1000) : 0;
      put(row.cells.next, row.next === null ? EMPTY : left_s > 0 ? `in ${count(left_s)} s` : "now");
    }
  }

  $("find").addEventListener("input", () => { if (status) table(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
  setInterval(tick, 1000);
  poll();
})();

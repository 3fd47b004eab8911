// Requests to the scanner's API, and the errors that they can end with.

const API = "/api/v1/scanner/";
const TIMEOUT_MS = 8000; // an answer that takes longer counts as a lost connection

let skew_ms = 0; // the server's clock minus ours

export const now = () => Date.now() + skew_ms;
export const address = (ticker) => `symbols/${encodeURIComponent(ticker)}`;
export const page = (ticker) => `/symbols/${ticker.split("/").map(encodeURIComponent).join("/")}/`;

export class Unavailable extends Error {} // no answer, or one with an error of the server
export class SignedOut extends Error {}
export class Refused extends Error { // the request is not accepted; the message says why
  constructor(status, message, fields = {}) {
    super(message);
    this.status = status;
    this.fields = fields; // what is wrong, by the names of the body's fields
  }
}

async function send(path, options) {
  let answer;
  try {
    answer = await fetch(API + path, {
      credentials: "same-origin", signal: AbortSignal.timeout(TIMEOUT_MS), ...options,
      headers: { Accept: "application/json", ...options.headers },
    });
  } catch {
    throw new Unavailable("The scanner does not answer.");
  }
  // The header has whole seconds, and the answer was under way: a difference below two seconds means nothing.
  const date = Date.parse(answer.headers.get("Date")) + 500;
  if (!Number.isNaN(date) && Math.abs(date - now()) > 2000) skew_ms = date - Date.now();
  if (answer.ok || answer.status === 304) return answer;
  if (answer.status >= 500) throw new Unavailable(`The scanner answers with error ${answer.status}.`);
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 401) throw new SignedOut();
  throw new Refused(answer.status, body.detail ?? Object.entries(body).map(([field, text]) => `${field}: ${text}`).join(" "), body);
}

async function body_of(answer) {
  try {
    return await answer.json();
  } catch {
    throw new Unavailable("The scanner's answer is incomplete.");
  }
}

// The answer to GET. "no-cache": the browser keeps it and revalidates it, so that an unchanged one is not sent again.
export const get = async (path) => body_of(await send(path, { cache: "no-cache" }));

const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
const change = (method, path, body) => send(path, {
  method, body: JSON.stringify(body), headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
});

export const post = async (path, body) => body_of(await change("POST", path, body));
export const patch = async (path, body) => body_of(await change("PATCH", path, body));
export const remove = async (path) => void (await send(path, { method: "DELETE", headers: { "X-CSRFToken": token() } }));

// Requests `path` every second while the page is visible, calls `show` with each new answer, and reports each result
// to `connection`. Returns the function that requests it at once.
export function follow(path, show, connection, every_ms = 1000) {
  let etag = null;
  return again_and_again(async () => {
    try {
      const answer = await send(path, { cache: "no-store", headers: etag ? { "If-None-Match": etag } : {} });
      if (answer.status === 304) return;
      const body = await body_of(answer);
      etag = answer.headers.get("ETag");
      show(body);
    } catch (problem) {
      etag = null;
      throw problem;
    }
  }, connection, every_ms);
}

// The same with a page of the server's: `show` gets it as a document.
export function follow_page(address, show, connection, every_ms) {
  return again_and_again(async () => {
    let answer;
    try {
      answer = await fetch(address, { credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch {
      throw new Unavailable("The scanner does not answer.");
    }
    if (answer.redirected) throw new SignedOut();
    if (!answer.ok) throw new Unavailable(`The scanner answers with error ${answer.status}.`);
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  }, connection, every_ms);
}

function again_and_again(read, connection, every_ms) {
  let timer = 0;
  let running = false;

  async function poll() {
    if (running) return;
    running = true;
    clearTimeout(timer);
    let wait_ms = every_ms;
    try {
      await read();
      connection.ok();
    } catch (problem) {
      connection.failed(problem);
      if (problem instanceof SignedOut) wait_ms = 5 * every_ms;
      if (!(problem instanceof SignedOut || problem instanceof Unavailable || problem instanceof Refused)) console.error(problem);
    }
    running = false;
    if (!document.hidden) timer = setTimeout(poll, wait_ms);
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
  poll();
  return poll;
}

// Talking with the scanner: asking, acting, and what to tell when it does not work.

const API = "/api/v1/scanner/";
const GIVE_UP_MS = 8000; // an answer that takes longer counts as a lost connection

let skew_ms = 0; // the server's clock minus ours

export const now = () => Date.now() + skew_ms;
export const address = (ticker) => `symbols/${encodeURIComponent(ticker)}`;
export const page = (ticker) => `/symbols/${ticker.split("/").map(encodeURIComponent).join("/")}/`;

export class Lost extends Error {} // nobody answered, or with an error of its own
export class SignedOut extends Error {}
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function send(path, options) {
  let answer;
  try {
    answer = await fetch(API + path, {
      credentials: "same-origin", signal: AbortSignal.timeout(GIVE_UP_MS), ...options,
      headers: { Accept: "application/json", ...options.headers },
    });
  } catch {
    throw new Lost("The scanner does not answer.");
  }
  // The header has whole seconds, and an answer takes its time: what is less than two seconds off is not known better.
  const date = Date.parse(answer.headers.get("Date")) + 500;
  if (!Number.isNaN(date) && Math.abs(date - now()) > 2000) skew_ms = date - Date.now();
  if (answer.ok || answer.status === 304) return answer;
  if (answer.status >= 500) throw new Lost(`The scanner answers with error ${answer.status}.`);
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 401) throw new SignedOut();
  throw new Refused(answer.status, body.detail ?? Object.entries(body).map(([field, text]) => `${field}: ${text}`).join(" "));
}

async function body_of(answer) {
  try {
    return await answer.json();
  } catch {
    throw new Lost("The scanner's answer broke off.");
  }
}

// The answer, which the browser keeps and asks about: what did not change is not sent again.
export const get = async (path) => body_of(await send(path, { cache: "no-cache" }));

export async function post(path, body) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  return body_of(await send(path, {
    method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", "X-CSRFToken": token },
  }));
}

// Asks for `path` every second while the page is looked at, and calls `show` with each new answer.
export function follow(path, show, told, every_ms = 1000) {
  let etag = null;
  let timer = 0;
  let asking = false;

  async function ask() {
    if (asking) return;
    asking = true;
    clearTimeout(timer);
    let wait_ms = every_ms;
    try {
      const answer = await send(path, { cache: "no-store", headers: etag ? { "If-None-Match": etag } : {} });
      if (answer.status !== 304) {
        const body = await body_of(answer);
        etag = answer.headers.get("ETag");
        show(body);
      }
      told.well();
    } catch (problem) {
      etag = null;
      told.ill(problem);
      if (problem instanceof SignedOut) wait_ms = 5 * every_ms;
      if (!(problem instanceof SignedOut || problem instanceof Lost || problem instanceof Refused)) console.error(problem);
    }
    asking = false;
    if (!document.hidden) timer = setTimeout(ask, wait_ms);
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  ask();
  return ask;
}

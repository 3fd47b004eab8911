// The line at the top that says why the page is not up to date, and the one that shows the outcome of an action.
import { html, render } from "../../vendor/lit-html/lit-html.js";
import { Refused, SignedOut, Unavailable, now } from "./server.js";
import { local, utc } from "./text.js";

const notice = document.getElementById("notice");
const outcome = document.getElementById("outcome");
const updated = document.getElementById("updated");
let shown = ""; // identifies the present notice
let had_answer = false;
let hide = 0;

function show(key, template) {
  if (shown === key) return; // written once, not every second: a screen reader speaks each change
  shown = key;
  render(template, notice);
  notice.hidden = key === "";
  document.body.classList.toggle("old", key !== "");
}

const here = () => encodeURIComponent(location.pathname + location.search);

export const connection = {
  ok() {
    had_answer = true;
    show("", "");
    const date = new Date(now());
    updated.textContent = `Updated ${local(date)}`;
    updated.title = utc(date);
  },
  failed(problem) {
    const retry = had_answer ? "This page is out of date; trying again every second." : "Trying again every second.";
    if (problem instanceof SignedOut) {
      show("out", html`You have been signed out. <a href="/login/?next=${here()}">Sign in again</a>`);
    } else if (problem instanceof Refused) {
      show(problem.message, html`${problem.message}`);
    } else {
      const cause = problem instanceof Unavailable ? problem.message : "This page has an internal error.";
      show(cause, html`<strong>Connection lost.</strong> ${cause} ${retry}`);
    }
  },
};

// The outcome of an operator's action; hidden again after 12 s.
export function show_outcome(text) {
  outcome.textContent = text;
  outcome.hidden = false;
  clearTimeout(hide);
  hide = setTimeout(() => { outcome.hidden = true; outcome.textContent = ""; }, 12_000);
}

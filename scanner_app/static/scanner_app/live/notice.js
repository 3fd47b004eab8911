// The line above everything that says why the page stands still; and the one that says what an act came to.
import { html, render } from "../../vendor/lit-html/lit-html.js";
import { Lost, Refused, SignedOut, now } from "./server.js";
import { local, utc } from "./text.js";

const notice = document.getElementById("notice");
const outcome = document.getElementById("outcome");
const updated = document.getElementById("updated");
let said = "";
let seen = false; // whether there ever was an answer
let hide = 0;

function say(words, template) {
  if (said === words) return; // told once, not every second: a screen reader speaks each change
  said = words;
  render(template, notice);
  notice.hidden = words === "";
  document.body.classList.toggle("old", words !== "");
}

const here = () => encodeURIComponent(location.pathname + location.search);

export const told = {
  well() {
    seen = true;
    say("", "");
    const date = new Date(now());
    updated.textContent = `Updated ${local(date)}`;
    updated.title = utc(date);
  },
  ill(problem) {
    const old = seen ? "What you see is old; trying again every second." : "Trying again every second.";
    if (problem instanceof SignedOut) {
      say("out", html`You have been signed out. <a href="/login/?next=${here()}">Sign in again</a>`);
    } else if (problem instanceof Refused) {
      say(problem.message, html`${problem.message}`);
    } else {
      const what = problem instanceof Lost ? problem.message : "This page met an error of its own.";
      say(what, html`<strong>Connection lost.</strong> ${what} ${old}`);
    }
  },
};

// What an operator's act came to; gone after a while.
export function report(text) {
  outcome.textContent = text;
  outcome.hidden = false;
  clearTimeout(hide);
  hide = setTimeout(() => { outcome.hidden = true; outcome.textContent = ""; }, 12_000);
}

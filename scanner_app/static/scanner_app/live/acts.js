// Operators' acts: each asks first, in a dialog, and says what it came to.
import { Lost, SignedOut, address, post } from "./server.js";
import { report } from "./notice.js";
import { plural } from "./text.js";

export const may_operate = document.body.dataset.mayOperate === "yes";

const dialog = document.getElementById("ask");
const part = (name) => dialog?.querySelector(`[data-part=${name}]`);
let asked = null; // the act that the dialog asks about

function open(act) {
  asked = act;
  part("title").textContent = act.title;
  part("text").textContent = act.text;
  part("do").textContent = act.verb;
  part("do").classList.toggle("danger", Boolean(act.danger));
  part("do").disabled = false;
  part("wrong").hidden = true;
  part("reason").value = "";
  part("for").hidden = !act.minutes;
  part("minutes").disabled = !act.minutes; // what is disabled need not be valid
  part("minutes").value = act.minutes ?? "";
  dialog.showModal();
  part("do").focus();
}

async function confirm(event) {
  event.preventDefault();
  const act = asked;
  part("do").disabled = true;
  try {
    const minutes = act.minutes ? { minutes: Number(part("minutes").value) } : {};
    const answer = await post(act.path, { ...act.body, ...minutes, reason: part("reason").value.trim() });
    dialog.close();
    report(act.outcome(answer));
    act.after?.();
  } catch (problem) {
    part("wrong").textContent = words(problem);
    part("wrong").hidden = false;
    part("do").disabled = false;
  }
}

function words(problem) {
  if (problem instanceof SignedOut) return "You have been signed out: nothing was done. Sign in again and repeat it.";
  if (problem instanceof Lost) return `${problem.message} Whether it was done is not known; look before you repeat it.`;
  return problem.status === 403 ? `You may not do this. ${problem.message}` : problem.message;
}

dialog?.querySelector("form").addEventListener("submit", confirm);
part("cancel")?.addEventListener("click", () => dialog.close());

const becomes = (answer) => `${answer.symbol} is ${answer.enabled ? answer.state : "disabled"} now.`;

const SYMBOL_ACTS = {
  reset: {
    verb: "Reset", title: "Reset %?",
    text: "Its breaker is closed, its failures are forgotten, and the bar that waits first runs now.",
    done: "has been reset",
  },
  skip: {
    verb: "Skip the bar", title: "Skip the first bar of %?", danger: true,
    text: "The bar that is being tried goes to quarantine now, and the next one runs. It can be replayed from there.",
    done: "goes on without its first bar, which is in quarantine",
  },
  disable: {
    verb: "Disable", title: "Disable %?", danger: true,
    text: "A bar that runs may finish. New bars are accepted and wait until it is enabled again.",
    done: "has been disabled",
  },
  enable: { verb: "Enable", title: "Enable %?", text: "Its waiting bars run, in their order.", done: "has been enabled" },
};

export function on_symbol(name, ticker, after) {
  const act = SYMBOL_ACTS[name];
  open({
    ...act, after, title: act.title.replace("%", ticker), path: `${address(ticker)}/${name}`,
    outcome: (answer) => `${ticker} ${act.done}. ${becomes(answer)}`,
  });
}

const QUARANTINE_ACTS = {
  replay: { verb: "Replay", text: "accepted anew after the bars that wait, marked late, for one attempt." },
  discard: { verb: "Discard", danger: true, text: "given up. Only new values for the same time would be accepted again." },
};

// One bar in quarantine, whose time is given in words.
export function on_quarantined(name, entry, time, after) {
  const act = QUARANTINE_ACTS[name];
  open({
    ...act, after, title: `${act.verb} the bar of ${time}?`, text: `It is ${act.text}`, path: `quarantine/${entry.id}/${name}`,
    outcome: (answer) => `The bar of ${time} has been ${answer.resolution}.`,
  });
}

// All bars in quarantine of a symbol.
export function on_all_quarantined(name, ticker, number, after) {
  const act = QUARANTINE_ACTS[name];
  const bars = plural(number, "bar");
  open({
    ...act, after, title: `${act.verb} ${bars} of ${ticker}?`, text: `All that are in quarantine are ${act.text}`,
    path: `quarantine/${name}`, body: { symbol: ticker },
    outcome: (answer) => `${plural(answer.count, "bar")} of ${ticker} ${answer.count === 1 ? "has" : "have"} been ${name === "replay" ? "replayed" : "discarded"}.`,
  });
}

export function on_alert(alert, after) {
  open({
    after, verb: "Acknowledge", title: "Acknowledge this alert?", path: `alerts/${alert.id}/acknowledge`,
    text: `${alert.message} Nobody is reminded of it any more; that it is over is still told.`,
    outcome: () => "The alert has been acknowledged.",
  });
}

export function on_silence(alert, after) {
  const path = `alerts/${alert.id}/silence`;
  if (alert.silenced) {
    open({
      after, path, body: { minutes: 0 }, verb: "End the silence", title: "Tell of this alert again?", text: alert.message,
      outcome: () => "The silence has been ended.",
    });
    return;
  }
  open({
    after, path, minutes: 60, verb: "Silence", title: "Silence this alert?",
    text: `${alert.message} Nobody is told anything of it for that time, not even that it is over.`,
    outcome: () => "The alert has been silenced.",
  });
}

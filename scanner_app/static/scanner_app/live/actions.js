// Operators' actions: each asks for confirmation in a dialog, and shows its outcome.
import { SignedOut, Unavailable, address, now, post } from "./server.js";
import { show_outcome } from "./notice.js";
import { plural } from "./text.js";

export const may_operate = document.body.dataset.mayOperate === "yes";

const dialog = document.getElementById("ask");
const part = (name) => dialog?.querySelector(`[data-part=${name}]`);
let pending = null; // the action that the dialog is open for

function open(action) {
  pending = action;
  part("title").textContent = action.title;
  part("text").textContent = action.text;
  part("do").textContent = action.verb;
  part("do").classList.toggle("danger", Boolean(action.danger));
  part("do").disabled = false;
  part("wrong").hidden = true;
  part("reason").value = "";
  part("for").hidden = !action.minutes;
  part("minutes").disabled = !action.minutes; // a disabled input is not validated
  part("minutes").value = action.minutes ?? "";
  dialog.showModal();
  part("do").focus();
}

async function confirm(event) {
  event.preventDefault();
  const action = pending;
  part("do").disabled = true;
  try {
    const minutes = action.minutes ? { minutes: Number(part("minutes").value) } : {};
    const body = action.until ? { until: new Date(now() + minutes.minutes * 60_000).toISOString() } : minutes;
    const answer = await post(action.path, { ...action.body, ...body, reason: part("reason").value.trim() });
    dialog.close();
    show_outcome(action.outcome(answer));
    action.after?.();
  } catch (problem) {
    part("wrong").textContent = problem_text(problem);
    part("wrong").hidden = false;
    part("do").disabled = false;
  }
}

export function problem_text(problem) {
  if (problem instanceof SignedOut) return "You have been signed out: nothing was done. Sign in again and repeat it.";
  if (problem instanceof Unavailable) return `${problem.message} Check whether it was done before you repeat it.`;
  return problem.status === 403 ? `You do not have the permission. ${problem.message}` : problem.message;
}

dialog?.querySelector("form").addEventListener("submit", confirm);
part("cancel")?.addEventListener("click", () => dialog.close());

const new_state = (answer) => `${answer.symbol} is ${answer.enabled ? answer.state : "disabled"} now.`;

const SYMBOL_ACTIONS = {
  reset: {
    verb: "Reset", title: "Reset %?",
    text: "Its breaker closes, its failures are counted from 0 again, and its first waiting bar runs now.",
    done: "has been reset",
  },
  skip: {
    verb: "Skip the bar", title: "Skip the first bar of %?", danger: true,
    text: "The first waiting bar goes to quarantine now, and the next one runs. You can replay it from there.",
    done: "has skipped its first bar, which is in quarantine now",
  },
  disable: {
    verb: "Disable", title: "Disable %?", danger: true,
    text: "A running bar may finish. New bars are accepted and wait until the symbol is enabled again.",
    done: "has been disabled",
  },
  enable: { verb: "Enable", title: "Enable %?", text: "Its waiting bars run, in their order.", done: "has been enabled" },
};

// In all functions below, `after` is called once the action is done.
export function confirm_symbol_action(name, ticker, after) {
  const action = SYMBOL_ACTIONS[name];
  open({
    ...action, after, title: action.title.replace("%", () => ticker), path: `${address(ticker)}/${name}`,
    outcome: (answer) => `${ticker} ${action.done}. ${new_state(answer)}`,
  });
}

// Disabled for some minutes; then it is enabled by itself.
export function confirm_disable_for(ticker, after) {
  open({
    after, until: true, minutes: 60, verb: "Disable", danger: true, title: `Disable ${ticker} for a time?`, path: `${address(ticker)}/disable`,
    text: "A running bar may finish. New bars are accepted and wait; after that time they run by themselves.",
    outcome: (answer) => `${ticker} has been disabled. ${new_state(answer)}`,
  });
}

// Whether or not an alert fires: nothing is sent about the symbol for some minutes.
export function confirm_silence_symbol(ticker, after) {
  open({
    after, until: true, minutes: 60, verb: "Silence", title: `Silence ${ticker}?`, path: "silences", body: { symbol: ticker },
    text: "For that time no notification is sent about it, whether or not an alert fires. Its bars run as before.",
    outcome: () => `${ticker} has been silenced.`,
  });
}

// The same action on all symbols that match a filter of the API. First a dry run says which: nothing is done before.
export async function confirm_action_for_matching(name, filter, described, after) {
  const action = SYMBOL_ACTIONS[name];
  const path = `symbols/${name}`;
  try {
    const found = await post(path, { ...filter, dry_run: true });
    const symbols = plural(found.count, "symbol");
    const more = found.count > found.symbols.length ? " and more" : "";
    open({
      ...action, after, path, body: filter, title: `${action.verb}: ${symbols}, ${described}?`,
      text: `${found.symbols.join(", ")}${more}. ${action.text} One that no longer matches when its turn comes is left alone.`,
      outcome: (answer) => `Done with ${plural(answer.count, "symbol")}.`,
    });
  } catch (problem) {
    show_outcome(problem_text(problem));
  }
}

const QUARANTINE_ACTIONS = {
  replay: { verb: "Replay", text: "accepted again behind the waiting bars, marked as late, with one attempt." },
  discard: { verb: "Discard", danger: true, text: "given up. For the same time only other values are accepted again." },
};

// One bar in quarantine; `time` is its time as shown to the reader.
export function confirm_quarantine_action(name, entry, time, after) {
  const action = QUARANTINE_ACTIONS[name];
  open({
    ...action, after, title: `${action.verb} the bar of ${time}?`, text: `It is ${action.text}`, path: `quarantine/${entry.id}/${name}`,
    outcome: (answer) => `The bar of ${time} has been ${answer.resolution}.`,
  });
}

// All of a symbol's bars in quarantine.
export function confirm_quarantine_action_for_all(name, ticker, number, after) {
  const action = QUARANTINE_ACTIONS[name];
  const bars = plural(number, "bar");
  open({
    ...action, after, title: `${action.verb} ${bars} of ${ticker}?`, text: `All its bars in quarantine are ${action.text}`,
    path: `quarantine/${name}`, body: { symbol: ticker },
    outcome: (answer) => `${plural(answer.count, "bar")} of ${ticker} ${answer.count === 1 ? "has" : "have"} been ${name === "replay" ? "replayed" : "discarded"}.`,
  });
}

export function confirm_acknowledge(alert, after) {
  open({
    after, verb: "Acknowledge", title: "Acknowledge this alert?", path: `alerts/${alert.id}/acknowledge`,
    text: `${alert.message} There are no more reminders; a notification is still sent when it is over.`,
    outcome: () => "The alert has been acknowledged.",
  });
}

export function confirm_silence(alert, after) {
  const path = `alerts/${alert.id}/silence`;
  if (alert.silenced) {
    open({
      after, path, body: { minutes: 0 }, verb: "End the silence", title: "End the silence of this alert?", text: alert.message,
      outcome: () => "The silence has been ended.",
    });
    return;
  }
  open({
    after, path, minutes: 60, verb: "Silence", title: "Silence this alert?",
    text: `${alert.message} For that time no notification is sent about it, not even when it is over.`,
    outcome: () => "The alert has been silenced.",
  });
}

// Asks whether something is to be deleted, and deletes it.
import { problem_text } from "./actions.js";
import { show_outcome } from "./notice.js";

const $ = (id) => document.getElementById(id);
const dialog = $("sure");
let pending = null;

// `act` deletes it; `after` is called when that is done.
export function confirm_delete(title, text, act, after) {
  pending = { title, act, after };
  $("sure-title").textContent = `Delete ${title}?`;
  $("sure-text").textContent = text;
  $("sure-wrong").hidden = true;
  dialog.showModal();
  $("sure-no").focus();
}

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await pending.act();
    dialog.close();
    show_outcome(`${pending.title} is deleted.`);
    pending.after();
  } catch (problem) {
    $("sure-wrong").textContent = problem_text(problem);
    $("sure-wrong").hidden = false;
  }
});
$("sure-no").addEventListener("click", () => dialog.close());

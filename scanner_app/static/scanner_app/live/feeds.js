// The page of feeds, read again every few seconds. It is the server's page, and works without this script.
import { connection } from "./notice.js";
import { follow_page } from "./server.js";

const EVERY_MS = 3000;

// What has the focus, is open, or is being marked with the mouse stays as it is, until it is left.
const in_use = (part) => part.contains(document.activeElement) || part.querySelector("details[open]") !== null
  || (getSelection().type === "Range" && getSelection().containsNode(part, true));

// Each page has tokens of its own against forged requests, and those of before are as good.
const text_of = (part) => part.outerHTML.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");

function take_over(page) {
  // Inner parts come first, so that an outer one is replaced only if parts of it have come or gone.
  for (const fresh of [...page.querySelectorAll("[data-live]")].reverse()) {
    const mine = document.querySelector(`[data-live="${CSS.escape(fresh.dataset.live)}"]`);
    if (mine && text_of(mine) !== text_of(fresh) && !in_use(mine)) mine.replaceWith(fresh.cloneNode(true));
  }
}

follow_page(location.pathname, take_over, connection, EVERY_MS);

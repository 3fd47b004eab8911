// Draws 200 tiles at first, and more when the reader comes to the end of them: ten thousand at once take seconds.
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { count, plural } from "./text.js";

const STEP = 200;

// `draw` draws the board anew. Tiles beyond `most` are left out; `button(left)` stands in the place of the first of them.
export function in_steps(draw) {
  const steps = { most: STEP, button, watch, begin_again: () => { steps.most = STEP; } };

  function next() {
    steps.most += STEP;
    draw();
  }

  const coming = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && next(), { rootMargin: "600px" });

  function button(left) {
    return left > 0 ? html`<p class="rest"><button class="quiet" id="more" @click=${next}>Show ${count(Math.min(left, STEP))} more of ${plural(left, "symbol")}</button></p>` : nothing;
  }

  // Called after each drawing: a button that is observed anew is reported again if it is still in sight.
  function watch() {
    coming.disconnect();
    const found = document.getElementById("more");
    if (found) coming.observe(found);
  }

  return steps;
}

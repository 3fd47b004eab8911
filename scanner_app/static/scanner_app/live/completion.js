// Offers the words of rules while a condition is typed: a list below the text, reachable by keyboard and pointer.
import { html, render } from "../../vendor/lit-html/lit-html.js";
import { plural } from "./text.js";

const MOST = 8;
const WORD = /[A-Za-z_]\w*$/; // what stands before the cursor
const PATTERN = /\bpattern\(\s*["'](\w*)$/; // the name of a pattern is being typed

const call = (word) => (word.arguments.length ? `${word.name}(${word.arguments.map((one) => one.name + (one.default === null ? "" : `=${one.default}`)).join(", ")})` : word.name);

export class Completion {
  // `text`: the textarea. `list`: the empty listbox below it. `speak`: says how many words are offered.
  constructor(text, list, speak) {
    Object.assign(this, { text, list, speak, words: [], patterns: [], offers: [], active: -1, from: 0 });
    text.addEventListener("input", () => this.offer());
    text.addEventListener("blur", () => this.close());
    text.addEventListener("keydown", (event) => this.key(event));
    list.addEventListener("pointerdown", (event) => { // not click: the text would lose the focus first
      const place = event.target.closest("[role=option]")?.dataset.place;
      if (place === undefined) return;
      event.preventDefault();
      this.take(Number(place));
    });
  }

  offer() {
    const before = this.text.value.slice(0, this.text.selectionStart);
    const pattern = before.match(PATTERN)?.[1];
    const begun = pattern ?? before.match(WORD)?.[0] ?? "";
    if (!begun) return this.close();
    this.from = before.length - begun.length;
    const wanted = begun.toLowerCase();
    const all = pattern === undefined
      ? this.words.map((word) => ({ name: word.name, shown: call(word), meaning: word.meaning, opens: word.arguments.some((one) => one.default === null) }))
      : this.patterns.map((one) => ({ name: one.pattern, shown: one.pattern, meaning: one.name, opens: false }));
    const fits = ({ name, meaning }) => name.toLowerCase().startsWith(wanted) || (pattern !== undefined && (name + meaning).toLowerCase().includes(wanted));
    this.offers = all.filter((one) => fits(one) && one.name !== begun).slice(0, MOST);
    this.active = -1;
    this.show();
    if (this.offers.length) this.speak(`${plural(this.offers.length, "word")} offered`);
  }

  show() {
    this.list.hidden = !this.offers.length;
    render(this.offers.map((one, place) => html`<li role="option" id="word-${place}" data-place=${place} aria-selected=${place === this.active}><code>${one.shown}</code> <span class="fine">${one.meaning}</span></li>`), this.list);
    if (this.active < 0) this.text.removeAttribute("aria-activedescendant");
    else {
      this.text.setAttribute("aria-activedescendant", `word-${this.active}`);
      this.list.children[this.active]?.scrollIntoView({ block: "nearest" });
    }
  }

  close() {
    this.offers = [];
    this.active = -1;
    this.show();
  }

  // Enter takes a word only after an arrow key has chosen one: else it is a new line, and Tab always leaves the text.
  key(event) {
    if (!this.offers.length) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.active = this.active < 0 && step < 0 ? this.offers.length - 1 : (this.active + step + this.offers.length) % this.offers.length;
    else if (event.key === "Enter" && this.active >= 0) return event.preventDefault(), this.take(this.active);
    else if (event.key === "Escape") return event.stopPropagation(), this.close();
    else return;
    event.preventDefault();
    this.show();
  }

  take(place) {
    const { name, opens } = this.offers[place];
    const end = this.text.selectionStart;
    const open = opens && this.text.value[end] !== "(" ? "(" : "";
    this.text.setRangeText(name + open, this.from, end, "end");
    this.close();
    this.text.dispatchEvent(new Event("change", { bubbles: true })); // the text changed, but nothing is to be offered
  }
}

// The prompt as text. A token under the pointer, or the chosen one, shows where it looks (before it) and who looks at it
// (behind it).
import { button, h } from "./dom";
import { Pattern, Weight } from "./pattern";

const SHOWN = 1024; // tokens at a time

// With what cannot be seen: line breaks, and a token of nothing.
export function visible(text: string): string {
  return text === "" ? "∅" : text.replaceAll("\r", "␍").replaceAll("\n", "↵\n").replaceAll("\t", "⇥\t");
}

// In a line of its own, with quotation marks around spaces.
export function quoted(text: string): string {
  return `“${text.replaceAll("\r", "␍").replaceAll("\n", "↵").replaceAll("\t", "⇥")}”`;
}

export class TokenText {
  readonly element: HTMLElement;
  private readonly text = h("div", { class: "tokens", tabindex: 0, role: "listbox", "aria-label": "Tokens of the prompt; arrow keys move" });
  private readonly range = h("span", { class: "status" });
  private readonly pager: HTMLElement;
  private tokens: string[] = [];
  private spans: HTMLElement[] = [];
  private first = 0; // of those shown

  // hovered(null): the pointer left; chosen: by click or key.
  constructor(
    private readonly hovered: (token: number | null) => void,
    private readonly chosen: (token: number) => void,
  ) {
    const numberOf = (event: Event) => (event.target as Element).closest<HTMLElement>("[data-token]")?.dataset.token;
    this.text.addEventListener("pointerover", (event) => {
      const token = numberOf(event);
      if (token !== undefined) this.hovered(Number(token));
    });
    this.text.addEventListener("pointerleave", () => this.hovered(null));
    this.text.addEventListener("click", (event) => {
      const token = numberOf(event);
      if (token !== undefined) this.chosen(Number(token));
    });
    this.text.addEventListener("keydown", (event) => this.key(event));
    this.pager = h("div", { class: "tools" }, button("Earlier tokens", () => this.turn(-SHOWN)), button("Later tokens", () => this.turn(SHOWN)), this.range);
    this.element = h("div", {}, this.text, this.pager);
  }

  setTokens(tokens: string[]): void {
    this.tokens = tokens;
    this.pager.hidden = tokens.length <= SHOWN;
    this.fill(0);
  }

  // Shades tokens by where `token` looks and who looks at it; shows it if it is chosen, and not only under the pointer.
  show(pattern: Pattern, token: number, isChosen: boolean): void {
    if (isChosen && (token < this.first || token >= this.first + SHOWN)) this.fill(token - SHOWN / 2);
    for (const span of this.spans) {
      span.className = "";
      span.style.removeProperty("--shade");
      span.removeAttribute("aria-selected");
    }
    this.shade(pattern.row(token), "looked");
    this.shade(pattern.column(token), "looks");
    const own = this.spans[token - this.first];
    if (!own) return;
    own.classList.add("current");
    own.setAttribute("aria-selected", "true");
    if (!isChosen) return;
    this.text.setAttribute("aria-activedescendant", own.id);
    this.intoView(own);
  }

  private shade(weights: Weight[], name: string): void {
    for (const { token, weight } of weights) {
      const span = this.spans[token - this.first];
      if (!span || weight < 0.005) continue;
      span.classList.add(name);
      span.style.setProperty("--shade", Math.sqrt(weight).toFixed(3));
    }
  }

  // Within the box of the text; the page itself stays.
  private intoView(own: HTMLElement): void {
    const [box, place] = [this.text.getBoundingClientRect(), own.getBoundingClientRect()];
    if (place.top < box.top) this.text.scrollTop -= box.top - place.top + 8;
    if (place.bottom > box.bottom) this.text.scrollTop += place.bottom - box.bottom + 8;
  }

  private fill(from: number): void {
    const first = Math.max(0, Math.min(from, this.tokens.length - SHOWN));
    this.first = first;
    this.spans = this.tokens.slice(first, first + SHOWN).map((token, i) => h("span", { id: `token-${first + i}`, role: "option", "data-token": first + i, title: `token ${first + i}` }, visible(token)));
    this.text.replaceChildren(...this.spans);
    this.range.textContent = `tokens ${first} to ${first + this.spans.length - 1} of ${this.tokens.length.toLocaleString("en")}`;
  }

  private turn(by: number): void {
    this.fill(this.first + by);
    this.chosen(this.first);
  }

  private key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const current = this.spans.findIndex((span) => span.id === this.text.getAttribute("aria-activedescendant")) + this.first;
    const ends: Record<string, number> = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: this.tokens.length - 1 };
    if (!(event.key in ends)) return;
    event.preventDefault();
    this.chosen(Math.max(0, Math.min(ends[event.key], this.tokens.length - 1)));
  }
}

// The legend of the curves: a switch for each line, by family; pointing at one dims the others.
import { familyOf, lineStyle } from "./colors";
import { infoOf, Score } from "./data";
import { button, h, svg } from "./dom";
import { isDark } from "./chart";
import { LegendEntry } from "./save";

function swatch(slug: string, dark: boolean): Element {
  const style = lineStyle(infoOf(slug).style, dark);
  return svg(
    "svg",
    { width: 34, height: 12, "aria-hidden": "true" },
    svg("path", { d: "M0 6H34", stroke: style.color, "stroke-width": 2, "stroke-dasharray": style.dash.join(" ") || undefined }),
    svg("path", { d: style.mark, fill: style.color, transform: "translate(12 1)" }),
  );
}

export class Legend {
  readonly element = h("div", { class: "lines", role: "group", "aria-label": "Lines shown" });
  private readonly shown: Set<string>;
  private dark = isDark();

  // `changed` is called when lines come or go, `pointed` with the line that is pointed at.
  constructor(
    private readonly scores: Score[],
    private readonly few: string[],
    private readonly changed: () => void,
    private readonly pointed: (slug: string | null) => void,
  ) {
    this.shown = new Set(scores.map((s) => s.slug));
    this.draw();
  }

  has(slug: string): boolean {
    return this.shown.has(slug);
  }

  count(): number {
    return this.shown.size;
  }

  // Of the lines that are shown, for a saved figure.
  entries(): LegendEntry[] {
    return this.scores.filter((s) => this.has(s.slug)).map((s) => ({ text: s.slug, style: lineStyle(infoOf(s).style, isDark()) }));
  }

  followScheme(): void {
    if (isDark() === this.dark) return; // drawing again would take the focus away
    this.dark = isDark();
    this.draw();
  }

  private draw(): void {
    const families = [...new Set(this.scores.map((s) => familyOf(s.slug)))];
    const groups = families.map((family) => h("div", {}, ...this.scores.filter((s) => familyOf(s.slug) === family).map((s) => this.entry(s))));
    const show = (slugs: string[]) => () => this.show(slugs);
    const all = this.scores.map((s) => s.slug);
    this.element.replaceChildren(...groups, h("div", {}, button("All", show(all)), button("Best, awft, random", show(this.few))));
  }

  private entry(score: Score): HTMLElement {
    const slug = score.slug;
    const point = () => this.pointed(this.shown.has(slug) ? slug : null);
    const leave = () => this.pointed(null);
    return h(
      "button",
      { type: "button", class: "entry", title: `${infoOf(slug).name}. ${infoOf(slug).meaning}`, "data-score": slug, "aria-pressed": String(this.shown.has(slug)), click: (event) => this.toggle(slug, event.currentTarget as Element), pointerenter: point, pointerleave: leave, focus: point, blur: leave },
      swatch(slug, this.dark),
      slug,
    );
  }

  private toggle(slug: string, entry: Element): void {
    if (!this.shown.delete(slug)) this.shown.add(slug);
    entry.setAttribute("aria-pressed", String(this.shown.has(slug)));
    this.changed();
  }

  private show(slugs: string[]): void {
    this.shown.clear();
    for (const slug of slugs) this.shown.add(slug);
    for (const entry of this.element.querySelectorAll<HTMLElement>("[data-score]"))
      entry.setAttribute("aria-pressed", String(this.shown.has(entry.dataset.score!)));
    this.changed();
  }
}

// The drawing of layers x heads: a cell a head, a mark where it is flagged, a bar a layer; a cursor that the arrow keys move.
import { rampColor } from "./colors";
import { headName, headsOf, Study } from "./data";
import { svg } from "./dom";
import { fixed } from "./format";

const HEIGHT = 22;
const LEFT = 34;
const TOP = 22;
const BAR = 50; // of a layer
const RIGHT = BAR + 50;

export interface Cell {
  tone: number | null; // 0 to 1; null without a value
  flagged: number; // share of samples
  title: string;
}

export class HeadGrid {
  readonly map = svg("svg", { class: "heatmap", tabindex: 0, role: "application", "aria-roledescription": "heat map", "aria-label": "Heads by layer; arrow keys move between heads" });
  cursor: number;
  private readonly width: number;
  private readonly present: Set<number>;

  // `moved` is called with the head that the cursor comes to.
  constructor(
    private readonly study: Study,
    private readonly moved: (head: number) => void,
    first: number,
  ) {
    const { heads, layers } = study;
    this.present = new Set(headsOf(study));
    this.cursor = first;
    this.width = heads <= 12 ? 36 : heads <= 20 ? 28 : HEIGHT;
    const [w, h] = [LEFT + heads * this.width + RIGHT, TOP + layers * HEIGHT + 4];
    this.map.setAttribute("viewBox", `0 0 ${w} ${h}`);
    // Shrinks on narrow screens as far as it stays readable, then scrolls.
    this.map.style.cssText = `width:${w}px; min-width:${LEFT + heads * 18 + RIGHT}px`;
    this.map.addEventListener("keydown", (event) => this.key(event));
    this.map.addEventListener("focus", () => this.drawCursor());
    this.map.addEventListener("click", (event) => this.click(event));
  }

  // null: the head is absent.
  draw(cells: (Cell | null)[]): void {
    const { layers, heads } = this.study;
    const parts: SVGElement[] = [];
    for (let head = 0; head < heads; ++head)
      parts.push(svg("text", { x: LEFT + (head + 0.5) * this.width, y: TOP - 7, "text-anchor": "middle" }, String(head)));
    parts.push(svg("text", { x: LEFT + heads * this.width + 10, y: TOP - 7 }, "flagged"));
    for (let layer = 0; layer < layers; ++layer) {
      parts.push(svg("text", { x: LEFT - 6, y: TOP + (layer + 0.68) * HEIGHT, "text-anchor": "end" }, String(layer)));
      parts.push(...this.bar(layer, cells.slice(layer * heads, (layer + 1) * heads)));
    }
    cells.forEach((cell, i) => cell && parts.push(this.cell(i, cell)));
    this.map.replaceChildren(...parts);
    this.drawCursor();
  }

  // Moves the cursor without a call of `moved`; false if there is no such head.
  show(head: number): boolean {
    if (!this.present.has(head)) return false;
    this.cursor = head;
    this.drawCursor();
    return true;
  }

  private place(i: number): [number, number] {
    const { heads } = this.study;
    return [LEFT + (i % heads) * this.width, TOP + Math.floor(i / heads) * HEIGHT];
  }

  private cell(i: number, cell: Cell): SVGElement {
    const [x, y] = this.place(i);
    const group = svg("g", { "data-head": headName(this.study, i), "data-index": i, "data-flagged": cell.flagged >= 0.5 ? "yes" : "no" });
    group.append(svg("rect", { x, y, width: this.width - 1, height: HEIGHT - 1, fill: cell.tone === null ? "none" : rampColor(cell.tone), stroke: cell.tone === null ? "currentColor" : "none" }));
    const [cx, cy] = [x + this.width / 2 - 0.5, y + HEIGHT / 2 - 0.5];
    const mark = (cell.tone ?? 1) > 0.6 ? "#000" : "#fff";
    if (cell.flagged >= 0.5) group.append(svg("path", { d: `M${cx - 5} ${cy - 5}l10 10m0 -10l-10 10`, stroke: mark, "stroke-width": 2.2, fill: "none" }));
    else if (cell.flagged > 0.005) group.append(svg("circle", { cx, cy, r: 1.8, fill: mark }));
    group.append(svg("title", {}, cell.title));
    return group;
  }

  private bar(layer: number, cells: (Cell | null)[]): SVGElement[] {
    const there = cells.filter((cell) => cell !== null);
    if (!there.length) return [];
    const share = there.reduce((sum, cell) => sum + cell.flagged, 0) / there.length;
    const [x, y] = [LEFT + cells.length * this.width + 10, TOP + layer * HEIGHT];
    return [
      svg("rect", { class: "bar", x, y: y + 5, width: Math.max(share * BAR, 0.5), height: HEIGHT - 11 }),
      svg("text", { x: x + share * BAR + 4, y: y + 0.68 * HEIGHT }, `${fixed(100 * share, 0)} %`),
    ];
  }

  // To the first head that there is from a place on, in steps along the row or the column.
  private key(event: KeyboardEvent): void {
    const { heads, layers } = this.study;
    const row = Math.floor(this.cursor / heads);
    const ways: Record<string, [number, number]> = {
      ArrowRight: [this.cursor + 1, 1],
      ArrowLeft: [this.cursor - 1, -1],
      ArrowDown: [this.cursor + heads, heads],
      ArrowUp: [this.cursor - heads, -heads],
      Home: [row * heads, 1],
      End: [row * heads + heads - 1, -1],
    };
    const way = ways[event.key];
    if (way === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const [first, step] = way;
    const inside = (i: number) => i >= 0 && i < heads * layers && (Math.abs(step) === heads || Math.floor(i / heads) === row);
    let next = first;
    while (inside(next) && !this.present.has(next)) next += step;
    if (!inside(next)) return;
    this.move(next);
    this.map.querySelector(".cursor")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  private click(event: MouseEvent): void {
    const cell = (event.target as Element).closest<SVGElement>("[data-index]");
    if (cell) this.move(Number(cell.dataset.index));
  }

  private move(head: number): void {
    this.show(head);
    this.moved(head);
  }

  private drawCursor(): void {
    this.map.querySelector(".cursor")?.remove();
    const [x, y] = this.place(this.cursor);
    this.map.append(svg("rect", { class: "cursor", x: x - 1, y: y - 1, width: this.width + 1, height: HEIGHT + 1 }));
  }
}

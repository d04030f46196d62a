// The drawing of a pattern: a row a token that looks, a column a token that is looked at. Where tokens are more than points,
// each point is the largest weight of those that fall on it; one zooms in to tell them apart.
import { rampColor } from "./colors";
import { button, h, select } from "./dom";
import { Pattern } from "./pattern";

const LARGEST = 560; // CSS pixels
const CLOSEST = 8; // tokens
const SMALL_WEIGHTS = 256; // in prompts of more tokens weights are small, and colours those of the row at first

// Of a number of 0 to 1: by its root, so that small ones are seen.
const SHADES = Array.from({ length: 256 }, (_, i) => rampColor(Math.sqrt(i / 255)).match(/\d+/g)!.map(Number));

export interface Place {
  t: number; // looks
  k: number; // is looked at
}

export class PatternMap {
  readonly element: HTMLElement;
  private readonly canvas = h("canvas", { class: "pattern", tabindex: 0, role: "application", "aria-roledescription": "attention pattern" });
  private readonly range = h("span", { class: "status", "aria-live": "polite" });
  private pattern!: Pattern;
  private cursor: Place = { t: 0, k: 0 };
  private top = 0; // first row
  private left = 0; // first column
  private span = 1; // rows and columns shown
  private isOfRow = false; // colours are shares of the row's largest weight
  private readonly scale = h("div");

  // hovered(null): the pointer left; chosen: by click or key.
  constructor(
    private readonly hovered: (place: Place | null) => void,
    private readonly chosen: (place: Place) => void,
  ) {
    this.canvas.addEventListener("pointermove", (event) => this.hovered(this.placeAt(event)));
    this.canvas.addEventListener("pointerleave", () => this.hovered(null));
    this.canvas.addEventListener("click", (event) => {
      const place = this.placeAt(event);
      if (place) this.chosen(place);
    });
    this.canvas.addEventListener("dblclick", () => this.zoom(0.5));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    const zooms = h("div", { class: "tools" }, button("Zoom in", () => this.zoom(0.5)), button("Zoom out", () => this.zoom(2)), button("Whole prompt", () => this.zoom(Infinity)), this.range);
    this.element = h("div", { class: "map" }, this.canvas, zooms, this.scale);
  }

  show(pattern: Pattern, name: string, cursor: Place): void {
    const isOther = this.pattern?.tokens !== pattern.tokens;
    this.pattern = pattern;
    this.cursor = cursor;
    this.canvas.setAttribute("aria-label", `Attention of ${name}; up and down move between tokens that look, left and right between those looked at, plus and minus zoom`);
    if (!isOther) return this.draw();
    this.setScale(pattern.tokens > SMALL_WEIGHTS);
    this.zoom(Infinity);
  }

  private setScale(isOfRow: boolean): void {
    this.isOfRow = isOfRow;
    const choices = [{ value: "weight", label: "the weight" }, { value: "row", label: "its share of the row's largest" }];
    const choose = (value: string) => {
      this.isOfRow = value === "row";
      this.draw();
    };
    this.scale.replaceChildren(select("Colours", choices, isOfRow ? "row" : "weight", choose));
  }

  move(cursor: Place): void {
    this.cursor = cursor;
    this.intoView();
    this.draw();
  }

  // Around the cursor.
  private zoom(factor: number): void {
    const tokens = this.pattern.tokens;
    this.span = Math.max(Math.min(CLOSEST, tokens), Math.min(tokens, Math.round(this.span * factor)));
    this.top = this.clamp(this.cursor.t - Math.floor(this.span / 2));
    this.left = this.clamp(this.cursor.k - Math.floor(this.span / 2));
    this.draw();
  }

  private clamp(first: number): number {
    return Math.max(0, Math.min(first, this.pattern.tokens - this.span));
  }

  private intoView(): void {
    const into = (first: number, at: number) => this.clamp(at < first ? at : at >= first + this.span ? at - this.span + 1 : first);
    this.top = into(this.top, this.cursor.t);
    this.left = into(this.left, this.cursor.k);
  }

  // Null above the diagonal and outside.
  private placeAt(event: MouseEvent): Place | null {
    const box = this.canvas.getBoundingClientRect();
    const at = (offset: number, first: number) => first + Math.floor((offset / box.width) * this.span);
    const place = { t: at(event.clientY - box.top, this.top), k: at(event.clientX - box.left, this.left) };
    const isInside = place.k >= 0 && place.k <= place.t && place.t < this.pattern.tokens;
    return isInside ? place : null;
  }

  private key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const zooms: Record<string, number> = { "+": 0.5, "=": 0.5, "-": 2, "0": Infinity };
    const steps: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-50, 0], PageDown: [50, 0] };
    if (event.key in zooms) this.zoom(zooms[event.key]);
    else if (event.key in steps) this.step(...steps[event.key]);
    else return;
    event.preventDefault();
  }

  private step(down: number, right: number): void {
    const t = Math.max(0, Math.min(this.cursor.t + down, this.pattern.tokens - 1));
    this.chosen({ t, k: Math.max(0, Math.min(this.cursor.k + right, t)) });
  }

  draw(): void {
    if (!this.pattern) return;
    const width = Math.min(LARGEST, this.canvas.parentElement?.clientWidth ?? LARGEST);
    const scale = devicePixelRatio || 1;
    const pixels = Math.round(width * scale);
    if (!pixels) return;
    if (this.canvas.width !== pixels) this.canvas.width = this.canvas.height = pixels;
    const context = this.canvas.getContext("2d")!;
    context.clearRect(0, 0, pixels, pixels);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.points(Math.min(this.span, pixels)), 0, 0, pixels, pixels);
    this.drawCursor(context, pixels, scale);
    const last = Math.min(this.top + this.span, this.pattern.tokens) - 1;
    this.range.textContent = this.span < this.pattern.tokens ? `tokens ${this.top} to ${last} at ${this.left} to ${this.left + this.span - 1}` : "";
  }

  // `count` x `count` points for the rows and columns shown.
  private points(count: number): HTMLCanvasElement {
    const heaviest = new Float32Array(count * count).fill(-1);
    const point = (offset: number) => Math.floor((offset * count) / this.span);
    for (let row = 0; row < this.span; ++row) {
      const t = this.top + row;
      const line = point(row) * count;
      const whole = this.isOfRow ? this.pattern.largest[t] || 1 : 1;
      for (let i = 0; i <= point(t - this.left) && i < count; ++i) heaviest[line + i] = Math.max(0, heaviest[line + i]);
      this.pattern.eachOfRow(t, (k, weight) => {
        if (k < this.left || k >= this.left + this.span) return;
        const i = line + point(k - this.left);
        heaviest[i] = Math.max(heaviest[i], weight / whole);
      });
    }
    const image = new ImageData(count, count);
    heaviest.forEach((weight, i) => {
      if (weight < 0) return; // the page shows above the diagonal
      const [r, g, b] = SHADES[Math.min(255, Math.round(weight * 255))];
      image.data.set([r, g, b, 255], 4 * i);
    });
    const canvas = h("canvas", { width: count, height: count });
    canvas.getContext("2d")!.putImageData(image, 0, 0);
    return canvas;
  }

  // Along the row of the token that looks, and a frame around the weight.
  private drawCursor(context: CanvasRenderingContext2D, pixels: number, scale: number): void {
    const size = pixels / this.span;
    const x = (this.cursor.k - this.left) * size;
    const y = (this.cursor.t - this.top) * size;
    const least = Math.max(size, 6 * scale);
    const middle = (at: number) => at + (size - least) / 2;
    const frame = (color: string, width: number) => {
      context.strokeStyle = color;
      context.lineWidth = width * scale;
      context.strokeRect(0, y, (this.cursor.t - this.left + 1) * size, size);
      context.strokeRect(middle(x), middle(y), least, least);
    };
    frame("#000000", 3);
    frame("#ffffff", 1.2);
  }
}

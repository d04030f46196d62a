// Saves a drawing of the page as an SVG or PNG file that looks like the page does: same colours, fonts and background.
import { LineStyle } from "./colors";
import { button, download, h, svg } from "./dom";

// A line of a legend that stands beside the drawing and not in it.
export interface LegendEntry {
  text: string;
  style: LineStyle;
}

const SCALE = 2; // pixels of a PNG file for one of the page
const INKS = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-size", "font-weight", "opacity"];
const ENTRY_HEIGHT = 20;

// What style sheets give a drawing is no part of a file: it becomes attributes.
function fixInks(from: Element, to: Element): void {
  const style = getComputedStyle(from);
  for (const name of INKS) to.setAttribute(name, style.getPropertyValue(name));
  for (let i = 0; i < from.children.length; ++i) fixInks(from.children[i], to.children[i]);
}

function legendRows(entries: LegendEntry[], width: number, top: number, color: string): [SVGElement[], number] {
  const wide = 24 + 7.5 * Math.max(0, ...entries.map((entry) => entry.text.length)) + 30;
  const columns = Math.max(1, Math.floor((width - 20) / wide));
  const rows = entries.map(({ text, style }, i) => {
    const [x, y] = [10 + (i % columns) * wide, top + Math.floor(i / columns) * ENTRY_HEIGHT + 10];
    return svg(
      "g",
      { transform: `translate(${x} ${y})` },
      svg("path", { d: "M0 0H34", stroke: style.color, "stroke-width": 2, "stroke-dasharray": style.dash.join(" ") || "none" }),
      svg("path", { d: style.mark, fill: style.color, transform: "translate(12 -5)" }),
      svg("text", { x: 42, y: 4, "font-size": 12, "font-family": "system-ui, sans-serif", fill: color }, text),
    );
  });
  return [rows, Math.ceil(entries.length / columns) * ENTRY_HEIGHT];
}

interface Drawn {
  text: string;
  width: number;
  height: number;
}

// The text of an SVG file with the drawing on the page's background, and its legend below.
function standalone(drawing: SVGSVGElement, entries: LegendEntry[]): Drawn {
  const box = drawing.viewBox.baseVal;
  const [width, height] = box && box.width > 0 ? [box.width, box.height] : [drawing.clientWidth, drawing.clientHeight];
  const inner = drawing.cloneNode(true) as SVGSVGElement;
  fixInks(drawing, inner);
  inner.querySelectorAll(".cursor").forEach((cursor) => cursor.remove());
  for (const name of ["style", "class", "tabindex", "role"]) inner.removeAttribute(name);
  for (const [name, value] of [["x", 0], ["y", 0], ["width", width], ["height", height]] as const) inner.setAttribute(name, String(value));
  const page = getComputedStyle(document.documentElement);
  const ink = (name: string) => page.getPropertyValue(name).trim();
  const [rows, below] = legendRows(entries, width, height + 4, ink("--text"));
  const whole = height + (below ? below + 8 : 0);
  const file = svg("svg", { width, height: whole, viewBox: `0 0 ${width} ${whole}` }, svg("rect", { width, height: whole, fill: ink("--paper") }), inner, ...rows);
  return { text: new XMLSerializer().serializeToString(file), width, height: whole };
}

async function asPng({ text, width, height }: Drawn): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = h("canvas", { width: Math.round(SCALE * width), height: Math.round(SCALE * height) });
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no PNG"))), "image/png"));
}

// Two buttons. `name` is that of the files, without an ending.
export function saveButtons(name: () => string, drawing: () => SVGSVGElement | null, legend: () => LegendEntry[] = () => []): HTMLElement {
  const drawn = (use: (drawn: Drawn) => void) => () => {
    const now = drawing();
    if (now) use(standalone(now, legend()));
  };
  const saveSvg = button("SVG", drawn(({ text }) => download(`${name()}.svg`, new Blob([text], { type: "image/svg+xml" }))));
  const savePng = button("PNG", drawn((file) => void asPng(file).then((blob) => download(`${name()}.png`, blob))));
  saveSvg.setAttribute("aria-label", "Save this figure as SVG");
  savePng.setAttribute("aria-label", "Save this figure as PNG, at twice the size");
  return h("div", { class: "save" }, saveSvg, savePng);
}

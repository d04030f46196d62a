// A square of numbers as coloured cells, as of scores or models with each other.
import { rampColor } from "./colors";
import { h, svg } from "./dom";
import { fixed } from "./format";
import { saveButtons } from "./save";
import { cueScrolling } from "./table";

const CELL = 44;
const HEIGHT = 26;
const LETTER = 6.6;

export interface MatrixOptions {
  name: string; // of saved files
  label: string; // for those who cannot see it
  low: number; // at the dark end of the colours; 1 is at the other
}

// `values` by row and column, which are named at the left and above.
export function matrixFigure(rows: string[], columns: string[], values: (number | null)[][], options: MatrixOptions): HTMLElement {
  const left = 14 + LETTER * Math.max(...rows.map((text) => text.length));
  const longest = Math.max(...columns.map((text) => text.length));
  const turned = longest > 4;
  const top = turned ? 14 + (LETTER - 1.6) * longest : 22;
  const [width, height] = [left + columns.length * CELL + (turned ? top : 4), top + rows.length * HEIGHT + 4];
  const parts: SVGElement[] = columns.map((text, j) => {
    const [x, y] = [left + (j + 0.5) * CELL, top - 6];
    return svg("text", turned ? { x, y, transform: `rotate(-45 ${x} ${y})` } : { x, y, "text-anchor": "middle" }, text);
  });
  values.forEach((row, i) => {
    const y = top + i * HEIGHT;
    parts.push(svg("text", { x: left - 8, y: y + 0.66 * HEIGHT, "text-anchor": "end" }, rows[i]));
    row.forEach((value, j) => {
      const x = left + j * CELL;
      const tone = value === null ? null : (value - options.low) / (1 - options.low);
      const cell = svg("g", {}, svg("rect", { x, y, width: CELL - 1, height: HEIGHT - 1, fill: tone === null ? "none" : rampColor(tone) }));
      const ink = tone === null ? undefined : `fill: ${tone > 0.6 ? "#000" : "#fff"}`;
      cell.append(svg("text", { x: x + CELL / 2, y: y + 0.66 * HEIGHT, "text-anchor": "middle", style: ink }, fixed(value, 2)));
      cell.append(svg("title", {}, `${rows[i]} and ${columns[j]}: ${fixed(value, 3)}`));
      parts.push(cell);
    });
  });
  const drawing = svg("svg", { class: "cells", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": options.label, style: `width:${width}px; min-width:${0.75 * width}px` }, ...parts);
  const scroll = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": options.label }, drawing);
  cueScrolling(scroll);
  return h("div", { class: "figure fitting" }, saveButtons(() => options.name, () => drawing), scroll);
}

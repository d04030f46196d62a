// ECharts with the parts that the page uses; charts follow their width and the colour scheme.
import { BarChart, CustomChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";
import { LineStyle } from "./colors";
import { h } from "./dom";
import { LegendEntry, saveButtons } from "./save";

echarts.use([BarChart, CustomChart, LineChart, ScatterChart, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, LabelLayout, SVGRenderer]);

export type Option = Record<string, unknown>;

export interface Ink {
  text: string;
  faint: string;
  line: string;
  paper: string;
  dark: boolean;
  narrow: boolean; // the chart is as wide as a phone
}

export function isDark(): boolean {
  return document.documentElement.dataset.scheme === "dark";
}

// The colours of the page as it is now.
function ink(width: number): Ink {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string) => style.getPropertyValue(name).trim();
  return { text: value("--text"), faint: value("--faint"), line: value("--line"), paper: value("--paper"), dark: isDark(), narrow: width < 560 };
}

const charts = new Set<Chart>();

// Draws the charts of the page again; those that are no longer part of it are given up.
export function redrawCharts(): void {
  for (const chart of charts) {
    if (chart.element.isConnected) chart.draw();
    else chart.dispose();
  }
}

interface ChartOptions {
  height?: number;
  legend?: () => LegendEntry[]; // what a saved file has below the drawing, where the page has it elsewhere
}

export class Chart {
  readonly element: HTMLElement; // the drawing, and what saves it
  private readonly place: HTMLElement;
  private chart?: echarts.ECharts;

  // `name` is that of saved files.
  constructor(
    name: string,
    label: string,
    private readonly option: (ink: Ink) => Option,
    options: ChartOptions = {},
  ) {
    this.place = h("div", { class: "chart", role: "img", "aria-label": label, style: `height:${options.height ?? 380}px` });
    this.element = h("div", { class: "figure" }, saveButtons(() => name, () => this.place.querySelector("svg"), options.legend), this.place);
    new ResizeObserver(() => this.resize()).observe(this.place);
  }

  draw(): void {
    charts.add(this);
    const width = this.place.clientWidth;
    if (!this.place.isConnected || width === 0) return;
    this.chart ??= echarts.init(this.place, null, { renderer: "svg" });
    const colors = ink(width);
    this.highlight(null); // what is faint would stay so
    this.chart.setOption({ animation: false, textStyle: { color: colors.text, fontFamily: "system-ui, sans-serif" }, ...this.option(colors) }, true);
    this.scaleInPrint();
  }

  // Draws all other lines faint; null draws them all.
  highlight(name: string | null): void {
    this.chart?.dispatchAction({ type: "downplay" });
    if (name !== null) this.chart?.dispatchAction({ type: "highlight", seriesName: name });
  }

  dispose(): void {
    charts.delete(this);
    this.chart?.dispose();
    this.chart = undefined;
  }

  private resize(): void {
    if (this.place.clientWidth === 0) return;
    this.chart?.resize();
    this.draw();
  }

  // A sheet of paper is narrower than the window: with a view box, CSS can shrink the drawing.
  private scaleInPrint(): void {
    const drawing = this.place.querySelector("svg");
    drawing?.setAttribute("viewBox", `0 0 ${this.place.clientWidth} ${this.place.clientHeight}`);
  }
}

// An axis of numbers with a title.
export function numberAxis(name: string, colors: Ink, more: Option = {}): Option {
  return {
    type: "value",
    name,
    nameLocation: "middle",
    nameGap: 30,
    nameTextStyle: { color: colors.text },
    axisLabel: { color: colors.text, hideOverlap: true },
    axisLine: { show: true, lineStyle: { color: colors.line } },
    splitLine: { lineStyle: { color: colors.line, opacity: 0.5 } },
    ...more,
  };
}

export function tooltip(colors: Ink, more: Option = {}): Option {
  return {
    backgroundColor: colors.paper,
    borderColor: colors.line,
    textStyle: { color: colors.text },
    renderMode: "richText", // plain text: no name is ever read as HTML
    confine: true,
    ...more,
  };
}

// How a line and its marks are drawn.
export function strokes(style: LineStyle, width = 2): Option {
  return {
    symbol: `path://${style.mark}`,
    lineStyle: { color: style.color, width, type: style.dash.length ? style.dash : "solid" },
    itemStyle: { color: style.color },
  };
}

// A dashed line across the chart, with its meaning at one end.
export function markLine(colors: Ink, data: Option[]): Option {
  return { silent: true, symbol: "none", lineStyle: { color: colors.faint, type: [5, 4], width: 1.2 }, label: { color: colors.text }, blur: { lineStyle: { opacity: 1 }, label: { opacity: 1 } }, data };
}

// The area between two lines, given as [x, low, high] from left to right; `name` is that of the line it belongs to.
export function band(name: string, data: [number, number, number][], color: string): Option {
  const renderItem = (params: { dataIndex: number }, api: { coord: (at: number[]) => number[] }) => {
    if (params.dataIndex > 0) return null;
    const outline = [...data.map(([x, low]) => api.coord([x, low])), ...[...data].reverse().map(([x, , high]) => api.coord([x, high]))];
    return { type: "polygon", shape: { points: outline }, style: { fill: color, opacity: 0.12 } };
  };
  return { name, type: "custom", data, encode: { x: 0, y: [1, 2] }, renderItem, silent: true, itemStyle: { color }, clip: true, z: 1 };
}

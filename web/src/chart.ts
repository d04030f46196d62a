// ECharts with the parts that the page uses; charts follow their width and the colour scheme.
import { CustomChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";
import { ScoreStyle } from "./colors";
import { h } from "./dom";

echarts.use([CustomChart, LineChart, ScatterChart, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, LabelLayout, SVGRenderer]);

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

export class Chart {
  readonly element: HTMLElement;
  private chart?: echarts.ECharts;

  constructor(
    label: string,
    private readonly option: (ink: Ink) => Option,
    height = 380,
  ) {
    this.element = h("div", { class: "chart", role: "img", "aria-label": label, style: `height:${height}px` });
    new ResizeObserver(() => this.resize()).observe(this.element);
  }

  draw(): void {
    charts.add(this);
    const width = this.element.clientWidth;
    if (!this.element.isConnected || width === 0) return;
    this.chart ??= echarts.init(this.element, null, { renderer: "svg" });
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
    const width = this.element.clientWidth;
    if (width === 0) return;
    this.chart?.resize();
    this.draw();
  }

  // A sheet of paper is narrower than the window: with a view box, CSS can shrink the drawing.
  private scaleInPrint(): void {
    const drawing = this.element.querySelector("svg");
    drawing?.setAttribute("viewBox", `0 0 ${this.element.clientWidth} ${this.element.clientHeight}`);
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
export function strokes(style: ScoreStyle, width = 2): Option {
  return {
    symbol: `path://${style.mark}`,
    lineStyle: { color: style.color, width, type: style.dash.length ? style.dash : "solid" },
    itemStyle: { color: style.color },
  };
}

// A dotted line across the chart, with its meaning at one end.
export function markLine(colors: Ink, data: Option[]): Option {
  return { silent: true, symbol: "none", lineStyle: { color: colors.faint, type: "dotted", width: 1 }, label: { color: colors.text }, blur: { lineStyle: { opacity: 1 }, label: { opacity: 1 } }, data };
}

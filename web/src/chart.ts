// ECharts with the parts that the page uses; charts follow their width and the colour scheme.
import { LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { h } from "./dom";

echarts.use([LineChart, AriaComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, SVGRenderer]);

export type Option = Record<string, unknown>;

export interface Ink {
  text: string;
  faint: string;
  line: string;
  paper: string;
}

// The colours of the page as it is now.
function ink(): Ink {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string) => style.getPropertyValue(name).trim();
  return { text: value("--text"), faint: value("--faint"), line: value("--line"), paper: value("--paper") };
}

const charts = new Set<Chart>();

export function redrawCharts(): void {
  for (const chart of charts) chart.draw();
}

export function resizeCharts(): void {
  for (const chart of charts) chart.resize();
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
    charts.add(this);
    new ResizeObserver(() => this.resize()).observe(this.element);
  }

  draw(): void {
    if (!this.element.isConnected || this.element.clientWidth === 0) return;
    this.chart ??= echarts.init(this.element, null, { renderer: "svg" });
    const colors = ink();
    this.chart.setOption({ animation: false, textStyle: { color: colors.text }, ...this.option(colors) }, true);
  }

  resize(): void {
    if (this.chart) this.chart.resize();
    else this.draw();
  }

  dispose(): void {
    charts.delete(this);
    this.chart?.dispose();
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
    axisLabel: { color: colors.text },
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

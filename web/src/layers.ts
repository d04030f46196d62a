// The profile of the layers.
import { Chart, numberAxis, strokes, tooltip } from "./chart";
import { lineStyle, rampColor } from "./colors";
import { bestPoint, downloadName, headsOf, Point, State, stateOf, statisticName, Study } from "./data";
import { details, h, section, select, tools } from "./dom";
import { significant } from "./format";
import { Column, DataTable } from "./table";

const nameOf = (key: string) => (key === "off" ? "heads off (%)" : statisticName(key));

// From never to always off, darker to brighter.
const STATES: State[] = ["never off", "depends on the input", "mostly off", "always off"];

// How many heads of each layer are in each state, one on top of the other.
function statesChart(study: Study, point: Point): Chart {
  const counts = STATES.map(() => Array<number>(study.layers).fill(0));
  for (const i of headsOf(study)) ++counts[STATES.indexOf(stateOf(point.off[i] ?? 0))][Math.floor(i / study.heads)];
  return new Chart(downloadName(study, "states"), "Heads of each layer by how often they were off, as stacked bars; the table of heads has the numbers", (colors) => ({
    legend: { top: 0, textStyle: { color: colors.text } },
    grid: { left: 60, right: 20, top: colors.narrow ? 62 : 34, bottom: 46 },
    xAxis: { ...numberAxis("layer", colors), type: "category", data: counts[0].map((_, layer) => String(layer)), splitLine: { show: false } },
    yAxis: numberAxis("heads", colors, { nameGap: 42, min: 0, max: study.heads, minInterval: 1 }),
    tooltip: tooltip(colors, { trigger: "axis", axisPointer: { type: "shadow" } }),
    series: STATES.map((name, k) => ({
      type: "bar",
      name,
      stack: "heads",
      barCategoryGap: "20%",
      data: counts[k],
      itemStyle: { color: rampColor(k / (STATES.length - 1)), borderColor: colors.faint, borderWidth: 0.5 },
    })),
  }), { height: 300 });
}

export function layersSection(study: Study): HTMLElement | null {
  const layers = study.by_layer;
  if (!layers) return null;
  const point = bestPoint(study);
  let chosen = point ? "off" : "first_weight";
  const keys = Object.keys(layers).filter((key) => key !== "off" || point);
  const chart = new Chart(downloadName(study, "layers"), "A mean over the heads of each layer", (colors) => ({
    grid: { left: 60, right: 20, top: 20, bottom: 46 },
    xAxis: numberAxis("layer", colors, { min: 0, max: study.layers - 1, minInterval: 1 }),
    yAxis: numberAxis(nameOf(chosen), colors, { nameGap: 42, min: 0 }),
    tooltip: tooltip(colors, { trigger: "axis" }),
    series: [{ type: "line", name: nameOf(chosen), data: layers[chosen].map((value, i) => [i, value]), symbolSize: 6, ...strokes(lineStyle(study.style, colors.dark)), symbol: "circle" }],
  }), { height: 300 });
  const columns: Column<number>[] = [
    { title: "layer", value: (i) => i },
    ...keys.map((key): Column<number> => ({ title: nameOf(key), value: (i) => layers[key][i], text: (i) => significant(layers[key][i]) })),
  ];
  const rows = Array.from({ length: study.layers }, (_, i) => i);
  const table = new DataTable(columns, rows, { name: downloadName(study, "layers"), caption: "Means by layer" });
  const choose = (key: string) => {
    chosen = key;
    chart.draw();
  };
  return section(
    "layers",
    "Layers",
    `Means over the heads of a layer and all samples.${point ? ` “Off” is under ${point.rule}.` : ""}`,
    point ? h("div", {}, h("h3", {}, `Heads of each layer under ${point.rule}`), statesChart(study, point).element) : null,
    tools(select("Number", keys.map((key) => ({ value: key, label: nameOf(key) })), chosen, choose)),
    chart.element,
    details("The numbers", table.element),
  );
}

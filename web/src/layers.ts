// The profile of the layers.
import { Chart, numberAxis, strokes, tooltip } from "./chart";
import { studyStyle } from "./colors";
import { bestPoint, downloadName, Study } from "./data";
import { details, section, select, tools } from "./dom";
import { significant } from "./format";
import { Column, DataTable } from "./table";

const NAMES: Record<string, string> = {
  off: "heads off (%)",
  first_weight: "weight on the first token",
  entropy: "entropy of attention (nats)",
  first_value_norm: "norm of the first token's value vector",
  value_norm: "norm of value vectors",
  last_output_norm: "norm of the last token's head output",
  output_norm: "norm of head outputs",
  projected_norm: "norm of head outputs after the output projection",
  sink_weight: "weight on the learned sink",
  top_weight: "largest mean weight of a token",
};

const nameOf = (key: string) => NAMES[key] ?? key;

export function layersSection(study: Study): HTMLElement | null {
  const layers = study.by_layer;
  if (!layers) return null;
  const point = bestPoint(study);
  let chosen = point ? "off" : "first_weight";
  const keys = Object.keys(layers).filter((key) => key !== "off" || point);
  const chart = new Chart("A mean over the heads of each layer", (colors) => ({
    grid: { left: 60, right: 20, top: 20, bottom: 46 },
    xAxis: numberAxis("layer", colors, { min: 0, max: study.layers - 1, minInterval: 1 }),
    yAxis: numberAxis(nameOf(chosen), colors, { nameGap: 42, min: 0 }),
    tooltip: tooltip(colors, { trigger: "axis" }),
    series: [{ type: "line", name: nameOf(chosen), data: layers[chosen].map((value, i) => [i, value]), symbolSize: 6, ...strokes(studyStyle(0, colors.dark)), symbol: "circle" }],
  }), 300);
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
    tools(select("Number", keys.map((key) => ({ value: key, label: nameOf(key) })), chosen, choose)),
    chart.element,
    details("The numbers", table.element),
  );
}

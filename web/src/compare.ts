// How the first study's heads differ from another's: distances, and the heads themselves.
import { Chart, numberAxis, strokes, tooltip } from "./chart";
import { lineStyle } from "./colors";
import { ChangedHeads, ComparedScore, Comparison, infoOf, isRelative, numberedName, Refused, Report, Study } from "./data";
import { h, section, select, tools } from "./dom";
import { fixed, short, significant } from "./format";
import { Column, DataTable } from "./table";

// By distance, but scores in the model's own units last: between models these differ whatever the heads do.
function ordered(comparison: Comparison): ComparedScore[] {
  return [...comparison.scores].sort((a, b) => Number(isRelative(b.score)) - Number(isRelative(a.score)) || (b.ks ?? -1) - (a.ks ?? -1));
}

function scoresTable(comparison: Comparison, id: string): HTMLElement {
  const columns: Column<ComparedScore>[] = [
    { title: "score", value: (r) => r.score },
    { title: "KS", value: (r) => r.ks, text: (r) => fixed(r.ks, 3), help: "Kolmogorov-Smirnov distance of the distributions, 0 to 1" },
    { title: "Wasserstein", value: (r) => r.wasserstein, text: (r) => significant(r.wasserstein), help: "area between the distribution functions, in units of the score" },
  ];
  if (comparison.same_shape) columns.push({ title: "rank correlation of heads", value: (r) => r.head_correlation, text: (r) => fixed(r.head_correlation, 3), help: "Spearman's, of the heads' means" });
  const caption = "Distances of the scores; those that mean the same in models of other sizes first";
  return new DataTable(columns, ordered(comparison), { name: `${id}-scores`, caption }).element;
}

function layersChart(comparison: Comparison, id: string): HTMLElement | null {
  const layers = comparison.scores[0]?.layers.length;
  if (!layers) return null;
  let score = ordered(comparison)[0];
  const chart = new Chart(`${id}-layers`, "Kolmogorov-Smirnov distance by layer", (colors) => ({
    grid: { left: 56, right: 20, top: 20, bottom: 46 },
    xAxis: numberAxis("layer", colors, { min: 0, max: layers - 1, minInterval: 1 }),
    yAxis: numberAxis(`KS distance of ${score.score}`, colors, { min: 0, nameGap: 42 }),
    tooltip: tooltip(colors, { trigger: "axis", valueFormatter: short }),
    series: [{ type: "line", name: score.score, data: score.layers.map((layer, i) => [i, layer.ks]), ...strokes(lineStyle(infoOf(score.score).style, colors.dark)), symbolSize: 6 }],
  }), { height: 280 });
  const choices = ordered(comparison).map((s) => ({ value: s.score, label: s.score }));
  const choose = (slug: string) => {
    score = comparison.scores.find((s) => s.score === slug)!;
    chart.draw();
  };
  return h("div", {}, tools(select("Distance by layer of", choices, score.score, choose)), chart.element);
}

function changedTable(comparison: Comparison, id: string): HTMLElement | null {
  if (!comparison.changed_heads.length) return null;
  const columns: Column<ChangedHeads>[] = [
    { title: "target", value: (r) => r.rule, help: "score and target share" },
    { title: "off in both", value: (r) => r.off_in_both },
    { title: "only first", value: (r) => r.off_only_in_first.length },
    { title: "only second", value: (r) => r.off_only_in_second.length },
    { title: "on in both", value: (r) => r.on_in_both },
    { title: "heads off only in the first", value: (r) => r.off_only_in_first.join(" ") },
    { title: "heads off only in the second", value: (r) => r.off_only_in_second.join(" ") },
  ];
  return new DataTable(columns, comparison.changed_heads, { name: `${id}-heads`, caption: "Heads that are off in at least half of the passes, each study by its own threshold for the target" }).element;
}

function documentsNote(comparison: Comparison): string {
  const shapes = comparison.same_shape ? "" : " The models are of different shapes: distributions and curves are compared, single heads are not.";
  return `Over the ${comparison.documents} documents that both studies have.${shapes}`;
}

export function comparisonSection(report: Report, comparison: Comparison | Refused, index: number): HTMLElement {
  const id = `comparison-${index + 1}`;
  const title = `Study 1 and study ${index + 2}`;
  const studies: [Study, Study] = [report.studies[0], report.studies[index + 1]];
  const names = h("p", {}, studies.map((study) => numberedName(report, study)).join(" and ") + ".");
  if ("refused" in comparison) return section(id, title, "", names, h("p", { class: "warning", role: "note" }, `Not compared: ${comparison.refused}`));
  return section(
    id,
    title,
    documentsNote(comparison),
    names,
    scoresTable(comparison, id),
    layersChart(comparison, id),
    changedTable(comparison, id),
  );
}

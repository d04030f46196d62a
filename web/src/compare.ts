// How the first study's heads differ from another's.
import { Chart, numberAxis, strokes, tooltip } from "./chart";
import { studyStyle } from "./colors";
import { ChangedHeads, ComparedScore, Comparison, numberedName, Report, Study } from "./data";
import { h, section, select, tools } from "./dom";
import { fixed, metricName, metricValue, percent, short, significant } from "./format";
import { Column, DataTable } from "./table";

function scoresTable(comparison: Comparison, id: string): HTMLElement {
  const columns: Column<ComparedScore>[] = [
    { title: "score", value: (r) => r.score },
    { title: "KS", value: (r) => r.ks, text: (r) => fixed(r.ks, 3), help: "Kolmogorov-Smirnov distance of the distributions, 0 to 1" },
    { title: "Wasserstein", value: (r) => r.wasserstein, text: (r) => significant(r.wasserstein), help: "area between the distribution functions, in units of the score" },
    { title: "rank correlation of heads", value: (r) => r.head_correlation, text: (r) => fixed(r.head_correlation, 3), help: "Spearman's, of the heads' means" },
    { title: "first can be off %", value: (r) => r.largest_inactive_percent[0], text: (r) => fixed(r.largest_inactive_percent[0]) },
    { title: "second can be off %", value: (r) => r.largest_inactive_percent[1], text: (r) => fixed(r.largest_inactive_percent[1]) },
  ];
  return new DataTable(columns, comparison.scores, { name: `${id}-scores`, caption: "Distances of the scores", sort: { column: 1, descending: true } }).element;
}

function layersChart(comparison: Comparison): HTMLElement | null {
  const layers = comparison.scores[0]?.layers.length;
  if (!layers) return null;
  let score = comparison.scores[0];
  const chart = new Chart("Kolmogorov-Smirnov distance by layer", (colors) => ({
    grid: { left: 56, right: 20, top: 20, bottom: 46 },
    xAxis: numberAxis("layer", colors, { min: 0, max: layers - 1, minInterval: 1 }),
    yAxis: numberAxis(`KS distance of ${score.score}`, colors, { min: 0, nameGap: 42 }),
    tooltip: tooltip(colors, { trigger: "axis", valueFormatter: short }),
    series: [{ type: "line", name: score.score, data: score.layers.map((layer, i) => [i, layer.ks]), ...strokes(studyStyle(0, colors.dark)), symbolSize: 6 }],
  }), 280);
  const choices = comparison.scores.map((s) => ({ value: s.score, label: s.score }));
  const choose = (slug: string) => {
    score = comparison.scores.find((s) => s.score === slug)!;
    chart.draw();
  };
  return h("div", {}, tools(select("Distance by layer of", choices, score.score, choose)), chart.element);
}

function curvesChart(report: Report, studies: [Study, Study]): HTMLElement | null {
  const common = studies[0].scores.filter((s) => s.points.length && studies[1].scores.some((o) => o.slug === s.slug && o.points.length));
  if (!common.length) return null;
  let slug = common.find((s) => s.slug === studies[0].best)?.slug ?? common[0].slug;
  const { is_share, metric } = studies[0];
  const chart = new Chart("The curves of one score side by side", (colors) => ({
    legend: { top: 0, textStyle: { color: colors.text } },
    grid: { left: 56, right: 20, top: 60, bottom: 46 },
    xAxis: numberAxis("heads off (%)", colors, { min: 0 }),
    yAxis: numberAxis(metricName(metric) + (is_share ? " (%)" : ""), colors, { scale: true, nameGap: 40 }),
    tooltip: tooltip(colors, { trigger: "item", formatter: (p: { seriesName: string; value: [number, number] }) => `${p.seriesName}\n${metricValue(is_share, p.value[1])} with ${percent(p.value[0])} off` }),
    series: studies.map((study) => ({
      name: numberedName(report, study),
      type: "line",
      data: study.scores.find((s) => s.slug === slug)!.points.map((p) => [p.percent, p.value]).sort((a, b) => a[0]! - b[0]!),
      symbolSize: 9,
      ...strokes(studyStyle(report.studies.indexOf(study), colors.dark)),
    })),
  }), 320);
  const choose = (value: string) => {
    slug = value;
    chart.draw();
  };
  return h("div", {}, tools(select("Curves of", common.map((s) => ({ value: s.slug, label: s.slug })), slug, choose)), chart.element);
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

function settingsTable(studies: [Study, Study], id: string): HTMLElement {
  const [first, second] = studies.map((study) => study.settings);
  const names = [...new Set([...Object.keys(first), ...Object.keys(second)])].filter((name) => first[name] !== second[name]).sort();
  const columns: Column<string>[] = [
    { title: "setting", value: (name) => name },
    { title: "first", value: (name) => first[name] },
    { title: "second", value: (name) => second[name] },
  ];
  return new DataTable(columns, names, { name: `${id}-settings`, caption: names.length ? "Settings that differ" : "No settings differ" }).element;
}

function documentsNote(comparison: Comparison): string {
  const shapes = comparison.same_shape ? "" : " The models are of different shapes: distributions and curves are compared, single heads are not.";
  return `Over the ${comparison.documents} documents that both studies have.${shapes}`;
}

export function comparisonSection(report: Report, comparison: Comparison, index: number): HTMLElement {
  const id = `comparison-${index + 1}`;
  const title = `Study 1 and study ${index + 2}`;
  const studies: [Study, Study] = [report.studies[0], report.studies[index + 1]];
  const names = h("p", {}, studies.map((study) => numberedName(report, study)).join(" and ") + ".");
  if (comparison.refused) return section(id, title, "", names, h("p", { class: "warning", role: "note" }, `Not compared: ${comparison.refused}`));
  return section(
    id,
    title,
    documentsNote(comparison),
    names,
    settingsTable(studies, id),
    curvesChart(report, studies),
    scoresTable(comparison, id),
    layersChart(comparison),
    changedTable(comparison, id),
  );
}

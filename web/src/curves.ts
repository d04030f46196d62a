// The metric over the share of heads that are off: all scores with random as control, and the paper's models.
import { Chart, Ink, numberAxis, Option, tooltip } from "./chart";
import { scoreColor, scoreDash, scoreSymbol } from "./colors";
import { PaperModel, Report, Score, Study } from "./data";
import { h, section, select } from "./dom";
import { fixed, metricName, metricValue, range } from "./format";
import { Column, DataTable } from "./table";

interface Row {
  score: Score;
  index: number;
}

const point = (row: Row) => row.score.points[row.index];

// Of perplexities the curve is drawn in points, which are higher where the model is better.
function height(study: Study, score: Score, i: number, relative: boolean): number | null {
  const p = score.points[i];
  if (relative) return study.baseline_height === null ? null : p.height - study.baseline_height;
  return study.is_share ? p.value : p.height;
}

function studyLine(study: Study, score: Score, relative: boolean, best: boolean): Option {
  const data = score.points.map((p, i) => [p.percent, height(study, score, i, relative)]);
  if (score.points.length && score.points[0].share > 0 && study.baseline !== null)
    data.unshift([0, relative ? 0 : study.is_share ? study.baseline : study.baseline_height]);
  data.sort((a, b) => a[0]! - b[0]!);
  return {
    name: score.slug,
    type: "line",
    data,
    symbol: scoreSymbol(score.slug),
    symbolSize: best ? 9 : 6,
    lineStyle: { type: scoreDash(score.slug), width: best ? 4 : 1.8, color: scoreColor(score.slug) },
    itemStyle: { color: scoreColor(score.slug) },
    z: best ? 5 : 3,
  };
}

function paperLine(model: PaperModel, slug: string, colors: Ink): Option {
  const points = [...(model.curves[slug] ?? [])].sort((a, b) => a[0] - b[0]);
  return {
    name: model.model,
    type: "line",
    data: points.map(([x, y]) => [x, y - model.baseline]),
    symbol: "none",
    lineStyle: { width: 1, color: colors.faint, opacity: 0.8 },
    itemStyle: { color: colors.faint },
    endLabel: { show: true, formatter: "{a}", color: colors.faint, fontSize: 10 },
    z: 1,
  };
}

function option(report: Report, study: Study, paperScore: string, colors: Ink): Option {
  const relative = paperScore !== "";
  const scores = relative ? study.scores.filter((s) => s.slug === paperScore) : study.scores;
  const series: Option[] = scores.map((s) => studyLine(study, s, relative, s.slug === study.best || relative));
  if (relative) series.push(...report.paper.map((model) => paperLine(model, paperScore, colors)));
  const baseline = relative ? 0 : study.is_share ? study.baseline : study.baseline_height;
  const lines: Option[] = [];
  if (baseline !== null) {
    lines.push({ yAxis: baseline - report.tolerance, label: { formatter: `all heads on − ${report.tolerance}`, position: "insideEndTop", color: colors.text } });
    if (!relative && study.chance !== null) lines.push({ yAxis: study.chance, label: { formatter: "guessing", position: "insideEndTop", color: colors.text } });
  }
  const control = scores.find((s) => s.random) ?? scores[0];
  const marked = series[Math.max(0, scores.indexOf(control))];
  if (marked) marked.markLine = { silent: true, symbol: "none", lineStyle: { color: colors.faint, type: "dotted" }, data: lines };
  const unit = study.is_share ? " (%)" : " (−100 ln)";
  return {
    legend: relative ? { show: false } : { type: "plain", top: 0, textStyle: { color: colors.text }, itemWidth: 30 },
    grid: { left: 60, right: relative ? 150 : 20, top: relative ? 20 : 84, bottom: 50 },
    xAxis: numberAxis("heads off (%)", colors, { min: 0 }),
    yAxis: numberAxis(relative ? "difference to all heads on (points)" : metricName(study.metric) + unit, colors, { nameGap: 40, scale: true }),
    tooltip: tooltip(colors, {
      trigger: "item",
      formatter: (p: { seriesName: string; value: [number, number] }) => `${p.seriesName}: ${fixed(p.value[1])} with ${fixed(p.value[0])} % off`,
    }),
    series,
  };
}

export function curvesSection(report: Report, study: Study): HTMLElement | null {
  if (!study.scores.some((score) => score.points.length)) return null;
  let paperScore = "";
  const chart = new Chart("Metric over the share of heads off, a line a score; the table below has the numbers", (colors) => option(report, study, paperScore, colors), 440);
  const choices = [
    { value: "", label: "all scores of this study" },
    ...study.scores.filter((s) => report.paper.some((m) => m.curves[s.slug])).map((s) => ({ value: s.slug, label: `${s.slug}, with the paper's 14 models` })),
  ];
  const rows: Row[] = study.scores.flatMap((score) => score.points.map((_, index) => ({ score, index })));
  const columns: Column<Row>[] = [
    { title: "score", value: (r) => r.score.slug },
    { title: "target share %", value: (r) => point(r).share * 100, text: (r) => fixed(point(r).share * 100) },
    { title: "rule", value: (r) => point(r).rule },
    { title: "heads off %", value: (r) => point(r).percent, text: (r) => fixed(point(r).percent) },
    { title: metricName(study.metric), value: (r) => point(r).value, text: (r) => metricValue(study.is_share, point(r).value) },
    { title: "95 % interval", value: (r) => point(r).interval?.[0], text: (r) => range(point(r).interval) },
    { title: "difference", value: (r) => point(r).difference, text: (r) => fixed(point(r).difference) },
    { title: "its 95 % interval", value: (r) => point(r).difference_interval?.[0], text: (r) => range(point(r).difference_interval) },
  ];
  const table = new DataTable(columns, rows, { name: "curves", caption: "Every intervention", limit: 16 });
  return section(
    "curves",
    "Accuracy with heads off",
    "Solid lines: scores relative to their layer; dashed: plain; dotted: relative to the head itself, and random heads as the control. Below the dotted line more than the tolerance is lost.",
    h("div", { class: "tools" }, select("Lines", choices, "", (value) => { paperScore = value; chart.draw(); })),
    chart.element,
    table.element,
  );
}

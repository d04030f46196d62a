// Where not all questions are asked under every intervention: what holds, what fails, and how far the loss is known.
import { band, Chart, Ink, markLine, numberAxis, Option, strokes, tooltip } from "./chart";
import { lineStyle } from "./colors";
import { DecidedPoint, DecidedScore, Decisions, downloadName, infoOf, Range, Score, Study } from "./data";
import { section } from "./dom";
import { count, fixed, metricName, percent, range, share, short } from "./format";
import { Legend } from "./legend";
import { Column, DataTable, intervalColumn } from "./table";

const HEIGHT = 460;
const WIDEST = 10; // points: an interval is drawn no further from its estimate

interface Row {
  score: DecidedScore;
  point: DecidedPoint;
}

const interval = (point: DecidedPoint): Range => [point.low, point.high];
const points = (value: number) => `${short(value)} point${value === 1 ? "" : "s"}`;

export function decisionsSentence(study: Study, decisions: Decisions): string {
  const sure = `with ${short(100 * decisions.confidence)}\u00a0% confidence for all ${decisions.holds + decisions.fails + decisions.open} interventions together`;
  const counts = `${decisions.holds} hold, ${decisions.fails} fail, ${decisions.open} open`;
  const part = (pairs: number) => percent((100 * pairs) / decisions.pairs);
  if (!decisions.stops)
    return `Unfinished: ${part(decisions.asked)} of all results are there. What they say of all ${count(study.questions, "question")}, ${sure}, whenever one looks: within ${points(decisions.tolerance)}, ${counts}.`;
  const more = decisions.left > 0 ? `, at most ${part(decisions.left)} more` : "";
  return `Decided for all ${count(study.questions, "question")}, ${sure}: what loses no more than ${points(decisions.tolerance)}. ${counts}. ${part(decisions.asked)} of all results were asked for it${more}.`;
}

// "holds at 15 %, fails at 20 %; by interpolation of estimates 17.1 %"
export function decidedText(score: DecidedScore): string {
  const parts: string[] = [];
  if (score.holds !== null) parts.push(`holds at ${short(score.holds)}\u00a0%`);
  if (score.open.length) parts.push(`open at ${score.open.map((p) => `${short(p)}\u00a0%`).join(", ")}`);
  if (score.fails !== null) parts.push(`fails at ${short(score.fails)}\u00a0%`);
  return parts.join(", ") + (score.crosses === null ? "" : `; by interpolation of estimates ${percent(score.crosses)}`);
}

const known = (score: DecidedScore) => score.points.filter((p) => p.loss !== null).sort((a, b) => a.percent - b.percent);

function line(study: Study, score: DecidedScore, baseline: number, width: number, colors: Ink): Option {
  const data = known(score).map((p) => ({
    value: [p.percent, baseline - p.loss!],
    told: `${score.score}, target ${share(p.share)}: ${p.decision}\nloses ${fixed(p.loss)} points on ${p.questions} of ${study.questions} questions${p.exact ? "" : ` (${range(interval(p))})`}\n${percent(p.percent)} of heads off`,
  }));
  data.unshift({ value: [0, baseline], told: "all heads on" });
  return { name: score.score, type: "line", data, symbolSize: 7, ...strokes(lineStyle(infoOf(score.score).style, colors.dark), width), emphasis: { focus: "series" }, z: 4 };
}

function intervalBand(score: DecidedScore, baseline: number, colors: Ink): Option {
  const data = known(score).map((p): [number, number, number] => [p.percent, baseline - Math.min(p.high, p.loss! + WIDEST), baseline - Math.max(p.low, p.loss! - WIDEST)]);
  data.unshift([0, baseline, baseline]);
  return band(score.score, data, lineStyle(infoOf(score.score).style, colors.dark).color);
}

function option(study: Study, decisions: Decisions, legend: Legend, colors: Ink): Option {
  const baseline = study.baseline!;
  const scores = decisions.scores.filter((s) => legend.has(s.score) && known(s).length);
  const series: Option[] = scores.flatMap((s) => [intervalBand(s, baseline, colors), line(study, s, baseline, s.score === study.best ? 3.5 : 1.6, colors)]);
  const label = { formatter: `all heads on − ${short(decisions.tolerance)}`, position: "insideEndBottom" };
  series.push({ type: "line", name: "levels", data: [], markLine: markLine(colors, [{ yAxis: baseline - decisions.tolerance, label }]) });
  return {
    grid: { left: 56, right: 16, top: 12, bottom: 46 },
    xAxis: numberAxis("heads off (%)", colors, { min: 0 }),
    yAxis: numberAxis(`${metricName(study.metric)} (%)`, colors, { nameGap: 38, scale: true }),
    tooltip: tooltip(colors, { trigger: "item", formatter: (p: { data: { told: string } }) => p.data.told }),
    series,
  };
}

function scoresTable(study: Study, decisions: Decisions): HTMLElement {
  const columns: Column<DecidedScore>[] = [
    { title: "score", value: (s) => s.score },
    { title: "holds at %", value: (s) => s.holds, help: "the largest share of heads that loses no more than the tolerance" },
    { title: "open at %", value: (s) => s.open.map(short).join(", ") || null, help: "shares between, not known yet" },
    { title: "fails at %", value: (s) => s.fails, help: "the smallest larger share that loses more" },
    { title: "crosses at %", value: (s) => s.crosses, text: (s) => fixed(s.crosses), help: "where the estimates, with a line between them, cross the tolerance" },
    {
      title: "asked %",
      value: (s) => (100 * s.points.reduce((sum, p) => sum + p.questions, 0)) / (study.questions * s.points.length),
      text: (s) => fixed((100 * s.points.reduce((sum, p) => sum + p.questions, 0)) / (study.questions * s.points.length)),
      help: "the part of the score's questions that it took",
    },
  ];
  return new DataTable(columns, decisions.scores, {
    name: downloadName(study, "decided-scores"),
    caption: `What each score can switch off, within ${points(decisions.tolerance)}`,
    highlight: (score) => score.score === study.best,
    sort: { column: 1, descending: true },
  }).element;
}

function pointsTable(study: Study, decisions: Decisions): HTMLElement {
  const rows: Row[] = decisions.scores.flatMap((score) => score.points.map((point) => ({ score, point })));
  const columns: Column<Row>[] = [
    { title: "score", value: (r) => r.score.score },
    { title: "target %", value: (r) => r.point.share * 100, text: (r) => fixed(r.point.share * 100), help: "share of heads the threshold was chosen for" },
    { title: "decision", value: (r) => r.point.decision },
    { title: "questions", value: (r) => r.point.questions, help: "of the rounds that are complete" },
    { title: "heads off %", value: (r) => r.point.percent, text: (r) => fixed(r.point.percent) },
    { title: "loses", value: (r) => r.point.loss, text: (r) => fixed(r.point.loss), help: "points, on these questions" },
    intervalColumn("on all questions", (r) => interval(r.point), { help: "at least and at most, in points" }),
  ];
  return new DataTable(columns, rows, { name: downloadName(study, "decisions"), caption: "Every intervention", filter: "a score", limit: 10 }).element;
}

export function decisionsSection(study: Study): HTMLElement | null {
  const decisions = study.decisions;
  if (!decisions) return null;
  const scores: Score[] = study.scores;
  const legend = new Legend(scores, scores.filter((s) => s.slug === study.best || s.slug === "awft" || infoOf(s).random).map((s) => s.slug), () => chart.draw(), (slug) => chart.highlight(slug));
  const chart = new Chart(downloadName(study, "decisions"), "Estimated metric over the share of heads off, a line a score with its interval as an area; the table below has the numbers", (colors) => {
    legend.followScheme();
    return option(study, decisions, legend, colors);
  }, { height: HEIGHT, legend: () => legend.entries() });
  return section(
    "decisions",
    "What is known so far",
    "The questions are asked in a random order. After each hundredth of them an intervention that surely loses no more than the tolerance holds, and one that surely loses more fails; what is decided need not be asked further. Areas: what the loss on all questions can be.",
    scoresTable(study, decisions),
    legend.element,
    chart.element,
    pointsTable(study, decisions),
  );
}

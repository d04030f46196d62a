// The table of scores: how many heads each finds that can be off, and how sure that is.
import { downloadName, infoOf, Report, Score, Study, toleranceText } from "./data";
import { details, section, svg } from "./dom";
import { fixed, metricName, metricValue, probability, short } from "./format";
import { Column, DataTable, intervalColumn } from "./table";

const WIDTH = 80;

// The interval as a line, the value as a dot, on one scale for all rows.
function whisker(score: Score, most: number): Element | null {
  if (!score.inactive_interval || score.inactive === null || most <= 0) return null;
  const x = (value: number) => 3 + (Math.min(value, most) / most) * (WIDTH - 6);
  const [low, high] = score.inactive_interval;
  return svg(
    "svg",
    { class: "whisker", width: WIDTH, height: 12, viewBox: `0 0 ${WIDTH} 12`, "aria-hidden": "true" },
    svg("path", { d: `M${x(low)} 6H${x(high)}M${x(low)} 2V10M${x(high)} 2V10` }),
    svg("circle", { cx: x(score.inactive), cy: 6, r: 3 }),
  );
}

function meaningsTable(study: Study): HTMLElement {
  const columns: Column<Score>[] = [
    { title: "score", value: (s) => s.slug },
    { title: "what it measures", value: (s) => infoOf(s).meaning },
    { title: "inactive", value: (s) => `${infoOf(s).above ? "above" : "below"} the threshold` },
    { title: "name in the paper", value: (s) => infoOf(s).name },
  ];
  return new DataTable(columns, study.scores, { name: downloadName(study, "meanings"), caption: "The scores in words" }).element;
}

export function scoresSection(report: Report, study: Study): HTMLElement | null {
  if (!study.scores.length) return null;
  const point = (score: Score) => (score.proven === null ? undefined : score.points[score.proven]);
  const confidence = short(100 * report.terms.confidence);
  const most = Math.max(...study.scores.map((s) => s.inactive_interval?.[1] ?? 0));
  const columns: Column<Score>[] = [
    { title: "score", value: (s) => s.slug },
    { title: "sure %", value: (s) => s.sure, text: (s) => (s.sure > 0 ? fixed(s.sure) : "–"), help: `the largest tested share up to which other questions like these ${report.terms.within_kl === null ? "lose no more than the tolerance" : `change by a mean KL divergence of ${report.terms.within_kl} nats at most`}, with ${confidence} % confidence for all scores together` },
    {
      title: "can be off %",
      value: (s) => s.inactive,
      text: (s) => (s.first_crossing !== null && s.inactive !== null && s.first_crossing < s.inactive - 1e-9 ? `(${fixed(s.first_crossing)}) ${fixed(s.inactive)}` : fixed(s.inactive)),
      help: "on these questions: the largest share of heads, read off the curve, at which the loss is within the tolerance; in brackets where the curve first falls below it, if it dips",
    },
    intervalColumn("its 95 % interval", (s) => s.inactive_interval, { help: "bootstrap over documents", draw: (s) => whisker(s, most) }),
    { title: "tested off %", value: (s) => point(s)?.percent, text: (s) => fixed(point(s)?.percent), help: "heads off in the largest run within the tolerance; the columns after this one are of that run" },
    { title: metricName(study.metric), value: (s) => point(s)?.value, text: (s) => metricValue(study.is_share, point(s)?.value) },
    { title: "difference", value: (s) => point(s)?.difference, text: (s) => fixed(point(s)?.difference), help: "to all heads on, in points" },
    intervalColumn("difference 95 % interval", (s) => point(s)?.difference_interval),
    {
      title: "lost / won / changed",
      value: (s) => point(s)?.lost,
      text: (s) => ((point(s)?.lost ?? null) === null ? "–" : `${point(s)!.lost} / ${point(s)!.won} / ${point(s)!.changed}`),
      help: "documents right only with all heads on / only with heads off / answers that are others",
      parts: [["lost", (s) => point(s)?.lost], ["won", (s) => point(s)?.won], ["changed", (s) => point(s)?.changed]],
    },
    { title: "KL", value: (s) => point(s)?.kl?.mean, text: (s) => fixed(point(s)?.kl?.mean, 3), help: "mean KL divergence of the choices' distribution from that with all heads on, in nats" },
    { title: "loss at most", value: (s) => point(s)?.loss_bound, text: (s) => fixed(point(s)?.loss_bound), help: `points that other questions like these lose at most, with ${confidence} % confidence for all interventions together` },
    { title: "McNemar p", value: (s) => point(s)?.mcnemar, text: (s) => probability(point(s)?.mcnemar), help: "probability of such a difference by chance (exact test)" },
    { title: "area", value: (s) => s.area, text: (s) => fixed(s.area), help: "normalised area under the curve" },
  ];
  const table = new DataTable(columns, study.scores, {
    name: downloadName(study, "scores"),
    caption: `How many heads can be off by each score; tolerance ${toleranceText(study, report)}`,
    highlight: (score) => score.slug === study.best,
    sort: { column: study.scores.some((s) => s.sure > 0) ? 1 : 2, descending: true },
  });
  return section(
    "scores",
    "Scores",
    "The heads that a score takes for inactive were switched off, input by input, and the documents measured again. The more can be off without harm, the better the score knows which heads do nothing.",
    table.element,
    details("What the scores measure", meaningsTable(study)),
  );
}

// Static masks beside the heads that are off input by input.
import { downloadName, Point, Report, Score, StaticPoint, Study, toleranceText } from "./data";
import { section } from "./dom";
import { fixed, metricName, metricValue, share } from "./format";
import { Column, DataTable } from "./table";

interface Row {
  score: Score;
  mask: StaticPoint;
  input?: Point; // the same score and share, input by input
}

function rows(study: Study): Row[] {
  return study.scores.flatMap((score) => score.static.map((mask) => ({ score, mask, input: score.points.find((p) => p.share === mask.share) })));
}

// In points of the metric; above 0: worse.
function isWithin(study: Study, report: Report, value: number | null): boolean {
  if (value === null || study.baseline === null) return false;
  const loss = study.is_share ? study.baseline - value : 100 * Math.log(value / study.baseline);
  return loss <= report.terms.tolerance + 1e-9;
}

const inputs = (mask: StaticPoint) => (mask.at_least === 1 ? "all inputs" : `${share(mask.at_least)} of the inputs`);

export function staticSection(report: Report, study: Study): HTMLElement | null {
  const all = rows(study);
  if (!all.length) return null;
  const metric = metricName(study.metric);
  const columns: Column<Row>[] = [
    { title: "score", value: (r) => r.score.slug },
    { title: "target", value: (r) => r.mask.share, text: (r) => share(r.mask.share), help: "share of heads that the score's threshold was found for" },
    { title: "off in", value: (r) => r.mask.at_least, text: (r) => inputs(r.mask), help: "in how many inputs a head was off at this target to be in the mask" },
    { title: "off for good %", value: (r) => r.mask.percent, text: (r) => fixed(r.mask.percent) },
    { title: metric, value: (r) => r.mask.value, text: (r) => metricValue(study.is_share, r.mask.value), help: "without these heads, whatever the input" },
    { title: "per input %", value: (r) => r.input?.percent, text: (r) => fixed(r.input?.percent), help: "heads off on average where the score chooses them input by input, at the same target" },
    { title: `${metric} per input`, value: (r) => r.input?.value, text: (r) => metricValue(study.is_share, r.input?.value) },
    {
      title: "lost / won / changed",
      value: (r) => r.mask.lost,
      text: (r) => (r.mask.lost === null ? "–" : `${r.mask.lost} / ${r.mask.won} / ${r.mask.changed}`),
      help: "documents right only with all heads on / only with these off / answers that are others",
      parts: [["lost", (r) => r.mask.lost], ["won", (r) => r.mask.won], ["changed", (r) => r.mask.changed]],
    },
    { title: "KL", value: (r) => r.mask.kl?.mean, text: (r) => fixed(r.mask.kl?.mean, 3), help: "mean KL divergence of the choices' distribution from that with all heads on, in nats" },
  ];
  const table = new DataTable(columns, all, {
    name: downloadName(study, "static"),
    caption: `Heads that are off for every input; those within ${toleranceText(study, report)} are marked`,
    highlight: (row) => isWithin(study, report, row.mask.value),
    sort: { column: 3, descending: true },
    limit: 12,
    more: [["heads", (r) => r.mask.heads]],
  });
  return section(
    "static",
    "Off for good",
    "The heads that a score had off in half of the inputs, or in all of them, were switched off whatever the input. The masks were made on the same inputs, so that this bounds nothing for others.",
    table.element,
  );
}

// What the study found, in words, and the table of its scores.
import { bestPoint, bestScore, Report, Score, Study } from "./data";
import { h, section } from "./dom";
import { fixed, metricName, metricValue, percent, probability, range } from "./format";
import { Column, DataTable } from "./table";

function headCount(study: Study, share: number): number {
  return Math.floor((share / 100) * study.layers * study.heads + 1e-6);
}

function baselineSentence(study: Study): string {
  const name = metricName(study.metric);
  let text = `${study.model} has ${study.layers} layers with ${study.heads} query heads each, ${study.layers * study.heads} in all. `;
  if (study.baseline === null) return text + "No document of the study can be measured, so that it has statistics alone.";
  text += `On ${study.questions} documents of ${study.task} its ${name} with all heads on is ${metricValue(study.is_share, study.baseline)}`;
  if (study.baseline_interval) text += ` (95 % interval ${range(study.baseline_interval)} %)`;
  if (study.chance !== null) text += `; guessing gives ${percent(study.chance)}`;
  return text + ".";
}

function bestSentence(study: Study, tolerance: number): string {
  const best = bestScore(study);
  if (!best || best.inactive === null) return "No score found heads that can be off without harm.";
  const within = study.is_share ? `within ${tolerance} point` : `within ${tolerance} % of perplexity`;
  let text = `By ${best.slug} (${best.name}), ${percent(best.inactive)} of the heads, ${headCount(study, best.inactive)}, can be off at a time while ${metricName(study.metric)} stays ${within}`;
  if (best.inactive_interval) text += ` (${range(best.inactive_interval)} % in 95 of 100 draws of other documents from the same source)`;
  if (best.confident !== undefined && best.confident !== null)
    text += `. The largest share at which so little is lost with 95 % confidence is ${percent(best.confident)}`;
  text += ".";
  const others = study.scores.filter((s) => (s.slug === "awft" || s.random) && s !== best);
  for (const other of others)
    text += other.random
      ? ` Of heads drawn at random it is ${percent(other.inactive)}.`
      : ` By attention to the first token alone (awft) it is ${percent(other.inactive)}.`;
  return text;
}

function headsSentence(study: Study): string {
  const point = bestPoint(study);
  if (!point) return "";
  const always = point.off.filter((off) => off === 100).length;
  const never = point.off.filter((off) => off === 0).length;
  return `At its largest tested share that did no harm (${point.rule}), ${always} heads were off for every input, ${never} never, and ${point.off.length - always - never} for some inputs only.`;
}

function kvSentence(study: Study): string {
  const kv = study.kv;
  if (!kv) return "";
  const groups = study.layers * kv.kv_heads;
  let text = `Of ${groups} key and value heads, ${fixed(kv.mean_groups)} had all their query heads off at a time (${kv.always.length} of them for every input)`;
  if (kv.head_dim) {
    const bytes = (count: number) => Math.round(count * 4 * kv.head_dim!).toLocaleString("en");
    text += `: with 2 bytes a number these take ${bytes(kv.mean_groups)} of ${bytes(groups)} bytes of the KV cache for each token`;
    text += kv.always.length ? `, those that are always off ${bytes(kv.always.length)} bytes` : "";
  }
  return text + ".";
}

function warnings(study: Study): string[] {
  const out: string[] = [];
  if (study.missing.length) {
    const names = study.missing.slice(0, 5).map((part) => `${part.name} (${part.done} of ${part.documents} documents)`);
    const more = study.missing.length > 5 ? ` and ${study.missing.length - 5} more` : "";
    out.push(`The study is not finished; what follows is preliminary. Missing: ${names.join(", ")}${more}.`);
  }
  if (study.documents === 0 || study.baseline === null) out.push("There are no measured results in this study.");
  if (study.chance !== null && study.baseline !== null && study.baseline_error !== null && study.baseline < study.chance + 2 * study.baseline_error)
    out.push("With all heads on the model is no better than guessing (less than two standard errors above), so there is little to lose, and what follows proves nothing about these heads.");
  return out;
}

export function summarySection(report: Report, study: Study): HTMLElement {
  const sentences = [baselineSentence(study)];
  if (study.scores.length) sentences.push(bestSentence(study, report.tolerance), headsSentence(study), kvSentence(study));
  return section(
    "summary",
    "Summary",
    "",
    ...warnings(study).map((text) => h("p", { class: "warning", role: "note" }, text)),
    ...sentences.filter(Boolean).map((sentence) => h("p", {}, sentence)),
  );
}

export function scoresSection(report: Report, study: Study): HTMLElement | null {
  if (!study.scores.length) return null;
  const point = (score: Score) => (score.proven === null ? undefined : score.points[score.proven]);
  const columns: Column<Score>[] = [
    { title: "score", value: (s) => s.slug },
    { title: "name in the paper", value: (s) => s.name },
    { title: "can be off %", value: (s) => s.inactive, text: (s) => fixed(s.inactive), help: "largest share of heads within the tolerance of the baseline" },
    { title: "95 % interval", value: (s) => s.inactive_interval?.[0], text: (s) => range(s.inactive_interval), help: "bootstrap over documents" },
    { title: "sure to 95 %", value: (s) => s.confident, text: (s) => fixed(s.confident), help: "the largest share at which no more than the tolerance is lost with 95 % confidence" },
    { title: "tested %", value: (s) => point(s)?.percent, text: (s) => fixed(point(s)?.percent), help: "the run with most heads off that stayed within the tolerance" },
    { title: metricName(study.metric), value: (s) => point(s)?.value, text: (s) => (point(s) ? metricValue(study.is_share, point(s)!.value) : "–") },
    { title: "difference", value: (s) => point(s)?.difference, text: (s) => fixed(point(s)?.difference), help: "to all heads on, in points" },
    { title: "its 95 % interval", value: (s) => point(s)?.difference_interval?.[0], text: (s) => range(point(s)?.difference_interval) },
    { title: "lost / won", value: (s) => point(s)?.lost, text: (s) => (point(s)?.lost === undefined ? "–" : `${point(s)!.lost} / ${point(s)!.won}`), help: "documents right only with all heads on / only with heads off" },
    { title: "McNemar p", value: (s) => point(s)?.mcnemar, text: (s) => probability(point(s)?.mcnemar) },
    { title: "area", value: (s) => s.area, text: (s) => fixed(s.area), help: "normalised area under the curve" },
  ];
  const table = new DataTable(columns, study.scores, {
    name: "scores",
    caption: `How many heads each score finds that can be off (${report.tolerance} point)`,
    highlight: (score) => score.slug === study.best,
    sort: { column: 2, descending: true },
  });
  return section(
    "scores",
    "Scores",
    "Each score takes some heads for inactive; these were switched off for each input, and the documents measured again. The more heads can be off without harm, the better a score knows which do nothing.",
    table.element,
  );
}

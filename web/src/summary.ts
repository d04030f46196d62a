// What the study found, in words.
import { bestPoint, bestScore, Decisions, headsOf, infoOf, Report, Score, stateOf, Study, toleranceText } from "./data";
import { decidedText, decisionsSentence } from "./decisions";
import { h, section } from "./dom";
import { count, fixed, metricName, metricValue, percent, percentRange, share, short } from "./format";

function modelSentence(study: Study): string {
  const cut = study.absent.length ? `, of which ${study.absent.length} were cut from this model` : " each";
  let text = `${study.model}: ${study.layers} layers with ${study.heads} query heads${cut}. `;
  if (study.baseline === null) return text + `${count(study.documents, "document")} of ${study.task}, none of which can be measured; there are statistics alone.`;
  text += `${count(study.questions, "document")} of ${study.task}; ${metricName(study.metric)} with all heads on ${metricValue(study.is_share, study.baseline)}`;
  if (study.baseline_interval) text += ` (95\u00a0% interval ${percentRange(study.baseline_interval)})`;
  if (study.chance !== null) text += `, by guessing ${percent(study.chance)}`;
  return text + ".";
}

// The curve stays within the tolerance to its end, so that more may be possible.
function isLast(score: Score): boolean {
  return score.inactive! >= Math.max(...score.points.map((p) => p.percent)) - 1e-6;
}

function leadSentence(study: Study, best: Score, report: Report): string {
  const all = headsOf(study).length;
  const sure = best.sure > 0;
  const most = sure ? best.sure : best.inactive!;
  const off = Math.floor((most / 100) * all + 1e-6);
  const noun = metricName(study.metric);
  const [stays, it] = noun.endsWith("s") ? ["stay", "they are"] : ["stays", "it is"];
  const last = !sure && isLast(best) ? " No larger share was tested." : "";
  const where = sure ? "" : ` on these ${count(study.questions, "document")}`;
  const kept =
    sure && report.terms.within_kl !== null
      ? `the answers change by a mean KL divergence of ${report.terms.within_kl} nats at most`
      : `${noun} ${stays} within ${toleranceText(study, report)} of what ${it} with all heads on`;
  return `${off} of ${all} heads (${percent(most)}) can be off at a time${where}, chosen for each input by ${best.slug} (${infoOf(best).name}), while ${kept}.${last}`;
}

function certaintySentence(study: Study, best: Score, report: Report): string {
  if (best.sure > 0) return `That is sure for other documents like these, with ${short(100 * report.terms.confidence)}\u00a0% confidence for all scores together; on these it is ${percent(best.inactive)}${report.terms.within_kl === null ? "" : `, by ${metricName(study.metric)} within ${toleranceText(study, report)}`}.`;
  const fewest = study.is_share && report.terms.within_kl === null && study.questions < study.fewest_questions ? `: it takes ${study.fewest_questions} where no answer changes` : "";
  return `Nothing is sure for other documents like these${fewest}.`;
}

function othersSentence(study: Study, best: Score): string {
  const awft = study.scores.find((s) => s.slug === "awft" && s !== best);
  const random = study.scores.find((s) => infoOf(s).random);
  const parts: string[] = [];
  const onThese = (score: Score) => (score.inactive !== null ? percent(score.inactive) : study.missing.length ? "not known yet" : "none");
  const found = (score: Score) => (best.sure > 0 ? `${score.sure > 0 ? percent(score.sure) : "none"} (on these ${onThese(score)})` : onThese(score));
  if (awft) parts.push(`By attention to the first token alone (awft), the usual test, it is ${found(awft)}.`);
  if (random) parts.push(`Of heads drawn at random it is ${found(random)}.`);
  if (random && random.inactive !== null && random.inactive >= best.inactive!) parts.push("So no score does better here than chance.");
  return parts.join(" ");
}

function headsSentence(study: Study): string {
  const point = bestPoint(study);
  if (!point || point.share === 0) return "";
  const states = headsOf(study).map((i) => stateOf(point.off[i] ?? 0));
  const [always, never] = (["always off", "never off"] as const).map((state) => states.filter((s) => s === state).length);
  const which = study.decisions ? "holds" : bestScore(study)!.sure > 0 ? "is sure" : "stayed within";
  return `At the largest tested share that ${which} (target ${share(point.share)}, ${point.rule}) ${count(always, "head")} ${always === 1 ? "was" : "were"} off for every input, ${never} for none, and ${states.length - always - never} for some.`;
}

function kvSentence(study: Study): string {
  const kv = study.kv;
  if (!kv) return "";
  return `${fixed(kv.mean_groups)} of ${kv.off.filter((off) => off !== null).length} key and value heads had all their query heads off at a time, ${kv.always.length} of them for every input.`;
}

function missingWarning(study: Study): string {
  const names = study.missing.slice(0, 5).map((part) => `${part.name} (${part.done} of ${part.documents} documents)`);
  const more = study.missing.length > 5 ? ` and ${study.missing.length - 5} more` : "";
  return `The study is not finished; what follows is preliminary. Missing: ${names.join(", ")}${more}.`;
}

function warnings(study: Study): string[] {
  const out: string[] = [];
  if (study.missing.length && !study.decisions) out.push(missingWarning(study));
  if (study.documents === 0 || study.baseline === null) out.push("There are no measured results in this study.");
  if (study.only_guesses)
    out.push(`With all heads on the model is ${study.chance === null ? "not surely better than nothing right" : "no better than guessing"} (less than two standard errors above): there is little to lose, and what follows proves nothing about its heads.`);
  return out;
}

// The best score first, then the usual test and the control.
function decidedFindings(study: Study, decisions: Decisions): string[] {
  const of = (slug: string | undefined) => decisions.scores.find((s) => s.score === slug);
  const best = bestScore(study);
  const others = study.scores.filter((s) => s !== best && (s.slug === "awft" || infoOf(s).random)).map((s) => `${s.slug}: ${decidedText(of(s.slug)!)}.`);
  const lead = best ? `${best.slug} (${infoOf(best).name}), which chooses heads for each input, ${decidedText(of(best.slug)!)}.` : "No score is known to have heads that can be off.";
  return [lead, others.join(" "), decisionsSentence(study, decisions), `${headsSentence(study)} ${kvSentence(study)}`];
}

function findings(study: Study, report: Report): HTMLElement[] {
  const best = bestScore(study);
  if (study.decisions) {
    const [lead, ...rest] = decidedFindings(study, study.decisions);
    return [h("p", { class: "lead" }, lead), ...rest.map((text) => text.trim()).filter(Boolean).map((text) => h("p", {}, text))];
  }
  if (!study.scores.length) return [h("p", { class: "lead" }, "No head was switched off in this study: it has the scores of all heads and the answers with all heads on.")];
  if (!best || (best.inactive === null && !(best.sure > 0)))
    return [h("p", { class: "lead" }, study.missing.length ? "Not tested yet: how many heads can be off." : `No score found heads that can be off within ${toleranceText(study, report)}.`)];
  const rest = [`${certaintySentence(study, best, report)} ${othersSentence(study, best)}`, `${headsSentence(study)} ${kvSentence(study)}`];
  return [h("p", { class: "lead" }, leadSentence(study, best, report)), ...rest.map((text) => text.trim()).filter(Boolean).map((text) => h("p", {}, text))];
}

export function summarySection(report: Report, study: Study): HTMLElement {
  return section(
    "summary",
    "Summary",
    "",
    ...warnings(study).map((text) => h("p", { class: "warning", role: "note" }, text)),
    ...findings(study, report),
    h("p", {}, modelSentence(study)),
  );
}

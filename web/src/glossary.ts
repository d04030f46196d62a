// What the page's words mean.
import { headName, headsOf, Report, Study, toleranceText } from "./data";
import { h, section } from "./dom";
import { metricName, short } from "./format";

function entries(report: Report, study: Study): [string, string][] {
  const last = headsOf(study).at(-1)!;
  const tolerance = toleranceText(study, report);
  const confidence = `${short(100 * report.terms.confidence)}\u00a0%`;
  const sure =
    report.terms.within_kl === null
      ? `the loss on other documents like these is at most ${tolerance}`
      : `the mean KL divergence of the answers on other documents like these is at most ${report.terms.within_kl} nats`;
  return [
    ["head", `One of the parts of a layer's attention: it weights the tokens before it, and adds what it reads there to the residual stream. ${headName(study, last)} is head ${last % study.heads} of layer ${Math.floor(last / study.heads)}; both count from 0.`],
    ["off", "A head that is off gives zeros (or, in a study of means, its mean output) in place of its own output, at all positions."],
    ["score", "A number for each head and input that is meant to tell heads that do nothing. Those with _ln are divided by the mean of the layer's heads, those with _hn by the head's own mean."],
    ["threshold", "A head counts as inactive on an input where its score is below it, or for some scores above it."],
    ["rule", "A score with a threshold, as ahon_ln<0.52."],
    ["target share", "The share of all (sample, head) pairs that a threshold was chosen to flag, with all heads on. With heads off the later ones score otherwise, so that the share that was off differs."],
    ["sample", "A sequence of tokens that the model reads: a question with one of its answers, or a text. A document is a question with all its samples."],
    ["can be off", `The largest share of heads, read off a score's curve, at which the ${metricName(study.metric)} on these documents has fallen by ${tolerance} at most.`],
    ["sure", `The largest tested share up to which ${sure}, with ${confidence} confidence for all scores and shares together.`],
    ["95 % interval", "Where the number would lie for other documents like these, as far as these can tell; of single numbers, without a correction for looking at many."],
    ["area", "The area under a score's curve, divided by its width: the mean of the metric over the tested shares."],
    ["lost, won, changed", "Documents that were right only with all heads on; only with heads off; and that have another answer."],
    ["KL", "How far the probabilities of the answers have moved, in nats: the Kullback-Leibler divergence from those with all heads on. 0: nothing has moved."],
    ["KV group", "The query heads that share one key and value head. It can be left out of the cache only where all of them are off."],
    ["sink", "A token, mostly the first, that takes the weight a head has no other use for. Some models have a learned sink in place of one."],
    ["random", "The control: as many heads, drawn at random for each input."],
  ];
}

export function glossarySection(report: Report, study: Study): HTMLElement {
  const list = h("dl", { class: "glossary" });
  for (const [word, meaning] of entries(report, study)) list.append(h("div", {}, h("dt", {}, word), h("dd", {}, meaning)));
  return section("glossary", "Words", "", list);
}

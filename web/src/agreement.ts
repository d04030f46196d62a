// Whether the scores mean the same heads: overlaps of what they switch off, and how alike they rank all heads.
import { downloadName, Matrix, Study } from "./data";
import { details, h, section } from "./dom";
import { fixed, share } from "./format";
import { matrixFigure } from "./matrix";
import { Column, DataTable } from "./table";

function numbers(study: Study, scores: string[], values: Matrix, name: string, caption: string): HTMLElement {
  const columns: Column<number>[] = [
    { title: "score", value: (i) => scores[i] },
    ...scores.map((slug, j): Column<number> => ({
      title: slug.replace("_", "\u200b_"), // where it may break
      value: (i) => values[i][j],
      text: (i) => fixed(values[i][j], 2),
      parts: [[slug, (i) => values[i][j]]],
    })),
  ];
  const table = new DataTable(columns, scores.map((_, i) => i), { name: downloadName(study, name), caption });
  table.element.classList.add("matrix");
  return details("The numbers", table.element);
}

function overlaps(study: Study): HTMLElement | null {
  if (!study.agreement) return null;
  const { share: target, scores, iou } = study.agreement;
  const caption = `Heads in common at a target share of ${share(target)}`;
  return h(
    "div",
    {},
    h("h3", {}, caption),
    h("p", { class: "note" }, "Of the (forward pass, head) pairs that two scores switched off: those that both did, over those that at least one did (IoU). 1: the same heads; 0: none in common."),
    matrixFigure(scores, scores, iou, { name: downloadName(study, "overlap"), label: `${caption}; the table below has the numbers`, low: 0 }),
    numbers(study, scores, iou, "agreement", caption),
  );
}

function ranks(study: Study): HTMLElement | null {
  if (!study.ranks || study.ranks.length < 2) return null;
  const scores = study.profiles.map((profile) => profile.slug);
  const caption = "Rank correlation of the heads";
  return h(
    "div",
    {},
    h("h3", {}, caption),
    h("p", { class: "note" }, "Spearman's, of the heads' means, inactive heads first. 1: the same order of all heads; 0: orders that have nothing to do with each other; −1: the opposite order."),
    matrixFigure(scores, scores, study.ranks, { name: downloadName(study, "ranks"), label: `${caption}; the table below has the numbers`, low: -1 }),
    numbers(study, scores, study.ranks, "ranks", caption),
  );
}

export function agreementSection(study: Study): HTMLElement | null {
  const parts = [overlaps(study), ranks(study)].filter((part) => part !== null);
  if (!parts.length) return null;
  return section("agreement", "Agreement of scores", "Do the scores mean the same heads?", ...parts);
}

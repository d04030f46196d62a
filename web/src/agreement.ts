// Whether the scores mean the same heads: a matrix, darker where they agree.
import { downloadName, Study } from "./data";
import { section } from "./dom";
import { fixed, share } from "./format";
import { Column, DataTable } from "./table";

export function agreementSection(study: Study): HTMLElement | null {
  const agreement = study.agreement;
  if (!agreement) return null;
  const { scores, iou } = agreement;
  const columns: Column<number>[] = [
    { title: "score", value: (i) => scores[i] },
    ...scores.map((slug, j): Column<number> => ({
      title: slug.replace("_", "\u200b_"), // where it may break
      value: (i) => iou[i][j],
      text: (i) => fixed(iou[i][j], 2),
      shade: (i) => iou[i][j],
      parts: [[slug, (i) => iou[i][j]]],
    })),
  ];
  const table = new DataTable(columns, scores.map((_, i) => i), { name: downloadName(study, "agreement"), caption: `Heads in common at a target share of ${share(agreement.share)}` });
  table.element.classList.add("matrix");
  return section(
    "agreement",
    "Agreement of scores",
    "Do the scores mean the same heads? Of the (forward pass, head) pairs that two scores switched off: those that both did, over those that at least one did. 1: the same heads; 0: none in common.",
    table.element,
  );
}

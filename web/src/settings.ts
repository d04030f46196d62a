// What is needed to make the study again, and the paper's table.
import { downloadName, infoOf, Report, Study } from "./data";
import { h, section } from "./dom";
import { count, fixed, percent } from "./format";
import { Column, DataTable } from "./table";

interface PaperRow {
  model: string;
  awft: number | null;
  best_other: number | null;
  best: string;
}

function ownRow(study: Study): PaperRow {
  const awft = study.scores.find((s) => s.slug === "awft")?.inactive ?? null;
  const others = study.scores.filter((s) => !infoOf(s).random && s.slug !== "awft" && s.inactive !== null).sort((a, b) => b.inactive! - a.inactive!);
  return { model: `${study.model} (this study, ${study.task})`, awft, best_other: others[0]?.inactive ?? null, best: study.best ?? "" };
}

export function paperSection(report: Report, study: Study): HTMLElement | null {
  const own = study.scores.length && !study.unlike_paper ? [ownRow(study)] : [];
  const columns: Column<PaperRow>[] = [
    { title: "model", value: (r) => r.model },
    { title: "by awft %", value: (r) => r.awft, text: (r) => fixed(r.awft, 2), help: "average weight of the first token" },
    { title: "by the best other score %", value: (r) => r.best_other, text: (r) => fixed(r.best_other, 2) },
    { title: "best score", value: (r) => r.best },
  ];
  const table = new DataTable<PaperRow>(columns, [...own, ...report.paper], {
    name: downloadName(study, "paper"),
    caption: "Largest share of heads that can be off within 1 point",
    highlight: (row) => own.includes(row),
  });
  const apart = study.scores.length && study.unlike_paper ? [h("p", {}, `This study is not in the table, as it is not the paper's experiment: ${study.unlike_paper}.`)] : [];
  return section("paper", "The paper's models", `Table 2 of arXiv 2504.03889: ${report.paper.length} models on MMLU with 5 shots. Their curves are above, under “Lines”.`, ...apart, table.element);
}

// Prompts share what they have in common, so that less is computed than is measured.
function workSentence(study: Study): string {
  const [rows, all] = [Math.round(study.rows), Math.round(study.rows_unshared)];
  if (!all) return "";
  return `${count(study.samples, "sample")}; with all interventions ${all.toLocaleString("en")} token rows, of which ${rows.toLocaleString("en")} (${percent((100 * rows) / all)}) had to be computed.`;
}

export function settingsSection(study: Study): HTMLElement {
  const columns: Column<[string, string]>[] = [
    { title: "setting", value: (r) => r[0] },
    { title: "value", value: (r) => r[1] },
  ];
  const table = new DataTable(columns, Object.entries(study.settings), { name: downloadName(study, "settings"), caption: `Everything that decides the results of ${study.file}` });
  return section("settings", "Settings", "Settings and fingerprints: the same ones give the same results.", h("p", {}, workSentence(study)), table.element);
}

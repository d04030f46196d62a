// What is needed to make the study again, and the paper's table.
import { Report, Study } from "./data";
import { section } from "./dom";
import { fixed } from "./format";
import { Column, DataTable } from "./table";

export function paperSection(report: Report, study: Study): HTMLElement | null {
  const first = study.scores.find((s) => s.slug === "awft")?.inactive ?? null;
  const others = study.scores.filter((s) => !s.random && s.slug !== "awft" && s.inactive !== null).sort((a, b) => b.inactive! - a.inactive!);
  const own = { model: `${study.model} (this study, ${study.task})`, awft: first, best_other: others[0]?.inactive ?? null, best: study.best ?? "" };
  const rows = study.scores.length ? [own, ...report.paper] : report.paper;
  type Row = Pick<(typeof rows)[number], "model" | "awft" | "best_other" | "best">;
  const columns: Column<Row>[] = [
    { title: "model", value: (r) => r.model },
    { title: "awft %", value: (r) => r.awft, text: (r) => fixed(r.awft, 2) },
    { title: "best other %", value: (r) => r.best_other, text: (r) => fixed(r.best_other, 2) },
    { title: "best score", value: (r) => r.best },
  ];
  const table = new DataTable<Row>(columns, rows, { name: "paper", caption: "Largest share of heads that can be off", highlight: (row) => row === own });
  return section("paper", "Beside the paper's models", "Table 2 of arXiv 2504.03889: MMLU, 5 shots, within 1 point.", table.element);
}

export function settingsSection(study: Study): HTMLElement {
  const rows = Object.entries(study.settings);
  const columns: Column<[string, string]>[] = [
    { title: "setting", value: (r) => r[0] },
    { title: "value", value: (r) => r[1] },
  ];
  const table = new DataTable(columns, rows, { name: "settings", caption: `Everything that decides the results of ${study.file}` });
  return section("settings", "Settings and fingerprints", "The same settings give the same results.", table.element);
}

// All studies of the page in one table.
import { bestScore, Report, Study } from "./data";
import { section } from "./dom";
import { fixed, metricValue } from "./format";
import { Column, DataTable } from "./table";

export function studiesSection(report: Report): HTMLElement | null {
  if (report.studies.length < 2) return null;
  const inactive = (study: Study, slug: string) => study.scores.find((s) => s.slug === slug)?.inactive;
  const sure = (study: Study) => bestScore(study)?.sure ?? 0;
  const columns: Column<Study>[] = [
    { title: "study", value: (s) => report.studies.indexOf(s) + 1 },
    { title: "model", value: (s) => s.model },
    { title: "file", value: (s) => s.file },
    { title: "task", value: (s) => s.task },
    { title: "documents", value: (s) => s.questions },
    { title: "heads", value: (s) => s.layers * s.heads, text: (s) => `${s.layers} × ${s.heads}` },
    { title: "all heads on", value: (s) => s.baseline, text: (s) => metricValue(s.is_share, s.baseline), help: "the metric" },
    { title: "best score", value: (s) => s.best },
    { title: "sure %", value: sure, text: (s) => (sure(s) > 0 ? fixed(sure(s)) : "–"), help: "by the best score, for other questions like these" },
    { title: "can be off %", value: (s) => bestScore(s)?.inactive, text: (s) => fixed(bestScore(s)?.inactive), help: "by the best score, on these questions" },
    { title: "awft %", value: (s) => inactive(s, "awft"), text: (s) => fixed(inactive(s, "awft")), help: "by attention to the first token" },
    { title: "random %", value: (s) => inactive(s, "random"), text: (s) => fixed(inactive(s, "random")), help: "of heads drawn at random" },
  ];
  const table = new DataTable(columns, report.studies, { name: "studies", caption: "All studies of this page; the sections up to “Settings” show one of them, chosen at the top" });
  return section("studies", "Studies", "", table.element);
}

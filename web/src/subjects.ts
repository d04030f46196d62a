// The metric by subject, with all heads on and under the best score's rule.
import { downloadName, Study, SubjectRow } from "./data";
import { section } from "./dom";
import { fixed, metricName, metricValue } from "./format";
import { Column, DataTable } from "./table";

export function subjectsSection(study: Study): HTMLElement | null {
  const { rows, rule } = study.subjects;
  if (!rows.length || study.baseline === null) return null;
  const columns: Column<SubjectRow>[] = [
    { title: "subject", value: (r) => r.name, text: (r) => " ".repeat(4 * r.depth) + r.name },
    { title: "documents", value: (r) => r.n },
    { title: metricName(study.metric), value: (r) => r.value, text: (r) => metricValue(study.is_share, r.value) },
    { title: "± standard error", value: (r) => r.error, text: (r) => fixed(r.error) },
  ];
  if (rule) {
    const difference = (r: SubjectRow) => (r.value === null || r.under_rule == null ? null : r.under_rule - r.value);
    columns.push(
      { title: `under ${rule}`, value: (r) => r.under_rule, text: (r) => metricValue(study.is_share, r.under_rule) },
      { title: "difference", value: difference, text: (r) => fixed(difference(r)) },
    );
  }
  const table = new DataTable(columns, rows, { name: downloadName(study, "subjects"), caption: "By subject", filter: rows.length > 10 ? "a subject" : undefined, limit: 30 });
  return section("subjects", "Subjects", "", table.element);
}

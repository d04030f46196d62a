// What a page of studies that are not finished says at its top: how far they are, and when that was.
import { Report } from "./data";
import { h } from "./dom";
import { percent } from "./format";

export function runningNote(report: Report): HTMLElement | null {
  const open = report.studies.filter((study) => !study.progress.is_whole);
  if (!open.length && report.refresh === null) return null;
  const far = open.map((study) => {
    const { done, all } = study.progress;
    const part = all > 0 ? ` (${percent((100 * done) / all)})` : "";
    return `${study.file}: ${done.toLocaleString("en")} of ${all.toLocaleString("en")} results${study.scores.length ? "" : " with all heads on"}${part}`;
  });
  const state = open.length ? `Not finished, ${far.join("; ")}. What follows is what is known so far.` : "Nothing is missing at present, but the study is still being written.";
  const when = report.written ? ` Written ${report.written}.` : "";
  const again = report.refresh === null ? "" : ` The page loads itself again every ${report.refresh === 1 ? "second" : `${report.refresh} seconds`}.`;
  return h("p", { class: "warning running", role: "status" }, state + when + again);
}

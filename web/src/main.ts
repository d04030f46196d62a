// The page: a study's sections one under the other, then the comparisons.
import { redrawCharts } from "./chart";
import { comparisonSection } from "./compare";
import { curvesSection } from "./curves";
import { readReport, Report, Study, studyName } from "./data";
import { distributionsSection } from "./distributions";
import { h, select } from "./dom";
import { agreementSection, headsSection, layersSection, subjectsSection } from "./heads";
import { heatMapSection } from "./heatmap";
import { paperSection, settingsSection } from "./settings";
import { scoresSection, summarySection } from "./summary";
import "./style.css";

function studySections(report: Report, study: Study): HTMLElement[] {
  const sections = [
    summarySection(report, study),
    scoresSection(report, study),
    curvesSection(report, study),
    heatMapSection(study),
    distributionsSection(report, study),
    headsSection(study),
    layersSection(study),
    agreementSection(study),
    subjectsSection(study),
    paperSection(report, study),
    settingsSection(study),
  ];
  return sections.filter((part): part is HTMLElement => part !== null);
}

function navigation(sections: HTMLElement[]): HTMLElement {
  const links = sections.map((part) => h("li", {}, h("a", { href: `#${part.id}` }, part.querySelector("h2")!.textContent)));
  return h("nav", { "aria-label": "Sections" }, h("ul", {}, ...links));
}

function setScheme(scheme: "light" | "dark" | null): void {
  if (scheme) document.documentElement.dataset.scheme = scheme;
  else delete document.documentElement.dataset.scheme;
  redrawCharts();
}

function schemeButton(): HTMLButtonElement {
  const dark = () => document.documentElement.dataset.scheme === "dark" || (!document.documentElement.dataset.scheme && matchMedia("(prefers-color-scheme: dark)").matches);
  return h("button", { type: "button", class: "scheme", click: () => setScheme(dark() ? "light" : "dark") }, "Light or dark");
}

function followScheme(): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawCharts);
  let before: "light" | "dark" | null = null;
  addEventListener("beforeprint", () => {
    before = (document.documentElement.dataset.scheme as "light" | "dark" | undefined) ?? null;
    setScheme("light");
  });
  addEventListener("afterprint", () => setScheme(before));
}

function main(): void {
  const report = readReport();
  const app = document.getElementById("app")!;
  const content = h("main", { id: "content" });
  const menu = h("div");
  const comparisons = report.comparisons.map((comparison, i) => comparisonSection(report, comparison, i));
  const show = (study: Study) => {
    const sections = [...studySections(report, study), ...comparisons];
    content.replaceChildren(...sections);
    menu.replaceChildren(navigation(sections));
    document.title = `Inactive heads of ${studyName(study)}`;
    redrawCharts();
  };
  const header = h("header", {}, h("h1", {}, "Inactive attention heads"), schemeButton());
  if (report.studies.length > 1) {
    const choices = report.studies.map((study, i) => ({ value: String(i), label: `${i + 1} ${studyName(study)}` }));
    header.append(select("Study", choices, "0", (value) => show(report.studies[Number(value)])));
  } else {
    header.append(h("p", { class: "subtitle" }, studyName(report.studies[0])));
  }
  app.append(h("a", { class: "skip", href: "#content" }, "Skip to the content"), header, menu, content);
  followScheme();
  show(report.studies[0]);
}

main();

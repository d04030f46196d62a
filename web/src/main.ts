// The page: a study's sections one under the other, then the comparisons.
import { agreementSection } from "./agreement";
import { attentionSection } from "./attention";
import { redrawCharts } from "./chart";
import { comparisonSection } from "./compare";
import { curvesSection } from "./curves";
import { numberedName, readReport, Report, Study, studyName } from "./data";
import { decisionsSection } from "./decisions";
import { distributionsSection } from "./distributions";
import { h, select } from "./dom";
import { glossarySection } from "./glossary";
import { headsSection } from "./heads";
import { heatMapSection } from "./heatmap";
import { keepChoices } from "./keep";
import { kvSection } from "./kv";
import { layersSection } from "./layers";
import { citationSection, nextSection } from "./next";
import { runningNote } from "./running";
import { followScheme, schemeButton } from "./scheme";
import { scoresSection } from "./scores";
import { paperSection, settingsSection } from "./settings";
import { studiesSection } from "./studies";
import { staticSection } from "./static";
import { subjectsSection } from "./subjects";
import { summarySection } from "./summary";
import "./style.css";

function studySections(report: Report, study: Study): (HTMLElement | null)[] {
  return [
    summarySection(report, study),
    ...(study.decisions ? [decisionsSection(study)] : [scoresSection(report, study), curvesSection(report, study), staticSection(report, study)]),
    heatMapSection(report, study),
    headsSection(study),
    attentionSection(study),
    layersSection(study),
    kvSection(study),
    distributionsSection(report, study),
    agreementSection(study),
    subjectsSection(study),
    paperSection(report, study),
    settingsSection(study),
    nextSection(study),
    glossarySection(report, study),
    citationSection(report, study),
  ];
}

function navigation(sections: HTMLElement[]): HTMLElement {
  const links = sections.map((part) => h("li", {}, h("a", { href: `#${part.id}` }, part.querySelector("h2")!.textContent)));
  return h("nav", { "aria-label": "Sections" }, h("ul", {}, ...links));
}

// On paper nothing can be unfolded, and closed parts would be missing.
function unfoldInPrint(): void {
  let opened: HTMLDetailsElement[] = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll<HTMLDetailsElement>("details:not([open])")];
    for (const part of opened) part.open = true;
    redrawCharts();
  });
  addEventListener("afterprint", () => {
    for (const part of opened) part.open = false;
  });
}

function main(): void {
  const report = readReport();
  const content = h("main", { id: "content", tabindex: -1 });
  const menu = h("div", { class: "menu" });
  const overview = studiesSection(report);
  const comparisons = report.comparisons.map((comparison, i) => comparisonSection(report, comparison, i));
  const show = (study: Study) => {
    const sections = [overview, ...comparisons, ...studySections(report, study)].filter((part) => part !== null);
    content.replaceChildren(...sections);
    menu.replaceChildren(navigation(sections));
    document.title = `Inactive heads of ${studyName(study)}`;
    redrawCharts();
  };
  const header = h("header", {}, h("h1", {}, "Inactive attention heads"), schemeButton());
  if (report.studies.length > 1) {
    const choices = report.studies.map((study, i) => ({ value: String(i), label: numberedName(report, study) }));
    header.append(select("Study", choices, "0", (value) => show(report.studies[Number(value)])));
  } else {
    header.append(h("p", { class: "subtitle" }, studyName(report.studies[0])));
  }
  const body = h("div", { class: "columns" }, menu, content);
  document.getElementById("app")!.append(h("a", { class: "skip", href: "#content" }, "Skip to the content"), header, runningNote(report) ?? "", body);
  followScheme(redrawCharts);
  unfoldInPrint();
  show(report.studies[0]);
  keepChoices(report);
}

main();

// What can be done with a study, and how it is cited.
import { bestPoint, Report, Study } from "./data";
import { h, section } from "./dom";
import { share } from "./format";

// For a shell, where a name has more than letters, digits and what paths have.
const quoted = (name: string) => (/^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`);

function commands(study: Study): [string, string][] {
  const [file, model] = [quoted(study.file), quoted(study.model)];
  const point = bestPoint(study);
  const rule = point && study.best && point.share > 0 ? `${study.best}@${share(point.share).replace("\u00a0", "")}` : null;
  const some: [string, string][] = [];
  if (!study.progress.is_whole) some.push([`idleheads report ${file} --watch`, "writes this page again as the study grows; the study's own command goes on where it stopped"]);
  if (study.scores.length) some.push([`idleheads show ${file} --curves`, "the tables in the terminal"]);
  // Of a study that is not whole the rule may lack results.
  if (rule && study.progress.is_whole) {
    some.push(
      [`idleheads mask ${file} --rule ${rule} -o heads.json`, "the heads that the rule has off whatever the input, and what a model without them would save"],
      [`idleheads prune ${model} --mask heads.json -o ${quoted(`pruned-${study.model}`)}`, "the model without these heads"],
      [`idleheads export ${file} --mask transformers --rule ${rule} -o heads.py`, "the heads off in half of the inputs as a Python module for Hugging Face transformers"],
    );
  }
  some.push([`idleheads export ${file} --csv -o tables`, "all numbers for other programs"]);
  return some;
}

function bibtex(report: Report): string {
  return `@misc{sandovalsegura2025inactive,
  title         = {Identifying and Evaluating Inactive Heads in Pretrained LLMs},
  author        = {Sandoval-Segura, Pedro and Wang, Xijun and Panda, Ashwinee and Goldblum, Micah and Basri, Ronen and Goldstein, Tom and Jacobs, David},
  year          = {2025},
  eprint        = {2504.03889},
  archivePrefix = {arXiv}
}

@software{idleheads,
  title   = {idleheads},
  version = {${report.version}},
  note    = {commit ${report.commit}}
}`;
}

export function nextSection(study: Study): HTMLElement {
  const list = h("dl", { class: "commands" });
  for (const [command, meaning] of commands(study)) list.append(h("div", {}, h("dt", {}, h("code", {}, command)), h("dd", {}, meaning)));
  return section("next", "What now", "The model and the data are named as this study has them; put their places in front.", list, h("p", {}, "How the scores are defined, what “sure” means, and how heads are taken out of a model: docs/scores.md, docs/pruning.md and docs/other_tools.md of idleheads."));
}

export function citationSection(report: Report, study: Study): HTMLElement {
  const date = study.settings["info.date"];
  const command = study.settings["info.command"];
  const made = `This page is of idleheads ${report.version} (commit ${report.commit})${report.written ? `, written ${report.written}` : ""}.${date ? ` The study was begun on ${date}` : ""}${date && command ? " by:" : date ? "." : ""}`;
  return section("citation", "How this was made, and citation", "", h("p", {}, made), command ? h("pre", {}, command) : null, h("pre", { class: "bibtex" }, bibtex(report)));
}

// The page of `idleheads probe --attention`: the pattern of one head on one prompt at a time, the prompt as text, and what is
// known of the head.
import { button, details, h, section, select } from "./dom";
import { count, fixed, percent, significant } from "./format";
import { HeadData, heaviest, PageData, Pattern, PromptData, RunData, Weight } from "./pattern";
import { PatternMap, Place } from "./patternmap";
import { followScheme, schemeButton } from "./scheme";
import { DataTable } from "./table";
import { quoted, TokenText } from "./tokentext";
import { RAMP_GRADIENT } from "./colors";
import "./style.css";
import "./attention_page.css";

const LISTED = 8; // tokens where one looks, and that look at it

const fileName = (text: string) => text.replace(/[^A-Za-z0-9._@-]+/g, "_");

class Page {
  private prompt!: PromptData;
  private run = 0;
  private head = 0;
  private pattern!: Pattern;
  private readonly patterns = new Map<HeadData, Pattern>();
  private place: Place = { t: 0, k: 0 };
  private readonly choices = h("div", { class: "tools" });
  private readonly heads = h("div", { class: "tools heads", role: "group", "aria-label": "Head" });
  private readonly facts = h("div");
  private readonly received = h("div");
  private readonly readout = h("div", { class: "readout", "aria-live": "polite" });
  private readonly map = new PatternMap((place) => this.preview(place), (place) => this.choose(place));
  private readonly text = new TokenText((token) => this.preview(token === null ? null : this.bestOf(token)), (token) => this.choose(this.bestOf(token)));
  readonly element: HTMLElement;

  constructor(private readonly data: PageData) {
    const legend = h("div", { class: "legend" }, h("span", {}, "0"), h("span", { class: "ramp", style: `background: ${RAMP_GRADIENT}` }), h("span", {}, "1, by its root"));
    this.element = h(
      "main",
      { id: "content", tabindex: -1 },
      this.choices,
      this.heads,
      section("head", "The head", "", this.facts),
      section("pattern", "Where it looks", "A row is a token that looks, a column a token that it looks at. Point at a weight, or choose it by a click or with the arrow keys.",
        h("div", { class: "split" }, h("div", { class: "map" }, this.map.element, legend), h("div", { class: "beside" }, this.readout))),
      section("text", "The prompt", "Point at a token, or choose it. Blue: where it looks. Orange, underlined: tokens behind it that look at it.", this.text.element),
      section("received", "Tokens by the attention that they get", "The mean over all tokens of the prompt of the weight on this one.", this.received),
    );
    this.setPrompt(0);
  }

  redraw(): void {
    this.map.draw();
  }

  private get runData(): RunData {
    return this.prompt.runs[this.run];
  }

  private get headData(): HeadData {
    return this.runData.heads[this.head];
  }

  private setPrompt(number: number): void {
    this.prompt = this.data.prompts[number];
    const last = this.prompt.tokens.length - 1;
    this.text.setTokens(this.prompt.tokens);
    this.choices.replaceChildren();
    if (this.data.prompts.length > 1) {
      const labels = this.data.prompts.map((prompt, i) => ({ value: String(i), label: `${i + 1}: ${prompt.tokens.slice(0, 12).join("").trim().slice(0, 40)}` }));
      this.choices.append(select("Prompt", labels, String(number), (value) => this.setPrompt(Number(value))));
    }
    if (this.prompt.runs.length > 1) {
      const labels = this.prompt.runs.map((run, i) => ({ value: String(i), label: run.rule }));
      this.choices.append(select("Switched off", labels, String(this.run), (value) => this.setRun(Number(value))));
    }
    this.choices.hidden = !this.choices.children.length;
    this.place = { t: last, k: 0 };
    this.draw();
    this.choose(this.bestOf(last));
  }

  private setRun(number: number): void {
    this.run = number;
    this.draw();
  }

  private setHead(number: number): void {
    this.head = number;
    this.draw();
  }

  private draw(): void {
    const head = this.headData;
    this.pattern = this.patterns.get(head) ?? new Pattern(head, this.prompt.tokens.length, this.data.kept);
    this.patterns.set(head, this.pattern);
    this.drawHeads();
    this.drawFacts();
    this.drawReceived();
    this.map.show(this.pattern, head.name, this.place);
    this.preview(null);
  }

  private drawHeads(): void {
    const buttons = this.runData.heads.map((head, i) => {
      const choice = button(head.off ? `${head.name} × off` : head.name, () => {
        this.setHead(i);
        this.heads.querySelectorAll("button")[i].focus();
      });
      choice.setAttribute("aria-pressed", String(i === this.head));
      return choice;
    });
    this.heads.replaceChildren(...buttons);
  }

  private drawFacts(): void {
    const head = this.headData;
    const first = this.prompt.tokens[0];
    const sink = head.statistics.sink_weight;
    const parts = [
      `${significant(head.statistics.first_weight)} of its weight is on the first token ${quoted(first)}`,
      `it looks ${fixed(head.distance)} tokens back on average`,
      `the entropy of its rows is ${significant(head.statistics.entropy)} nats`,
    ];
    if (sink) parts.push(`${significant(sink)} of its weight is on its learned sink, so that rows sum to less than 1`);
    const rows = [
      ...Object.entries(head.statistics).map(([name, value]) => ({ kind: "statistic", name, about: this.data.statistics[name], value })),
      ...Object.entries(head.scores).map(([name, value]) => ({ kind: "score", name, about: "", value })),
    ];
    const table = new DataTable(
      [
        { title: "name", value: (row) => row.name },
        { title: "value", value: (row) => row.value, text: (row) => (row.name === "top_position" ? String(row.value) : significant(row.value)) },
        { title: "", value: (row) => (row.kind === "score" ? "score" : row.about) },
      ],
      rows,
      { name: fileName(`${this.data.model}_${head.name}`), caption: `Statistics and scores of ${head.name} on this prompt` },
    );
    this.facts.replaceChildren(
      h("p", { class: "lead" }, `${head.name}: ${this.verdict()}`),
      h("p", {}, `On these ${count(this.pattern.tokens, "token")}, ${this.run ? `under ${this.runData.rule}` : "with all heads on"}: ${parts.join("; ")}.`),
      this.pattern.tokens > this.data.whole_up_to ? h("p", { class: "warning" }, `The prompt has more than ${this.data.whole_up_to.toLocaleString("en")} tokens: of each row the ${this.data.kept} largest weights are drawn. Statistics and means are of all.`) : "",
      details("All statistics and scores", table.element),
    );
  }

  // What the rules say of the head.
  private verdict(): string {
    const of = (run: RunData) => {
      const off = run.heads[this.head].off;
      const what = run.by_score ? (off ? "flagged by" : "not flagged by") : off ? "off in" : "on in";
      return `${what} ${run.rule} (${run.off} of ${this.data.all_heads} heads, ${percent((100 * run.off) / this.data.all_heads)})`;
    };
    const rules = this.prompt.runs.slice(1);
    return rules.length ? rules.map(of).join("; ") + "." : "all heads are on.";
  }

  private drawReceived(): void {
    const rows = Array.from(this.pattern.received, (weight, token) => ({ token, weight }));
    const table = new DataTable<Weight>(
      [
        { title: "position", value: (row) => row.token },
        { title: "token", value: (row) => this.prompt.tokens[row.token], text: (row) => quoted(this.prompt.tokens[row.token]) },
        { title: "mean weight", value: (row) => row.weight, text: (row) => fixed(row.weight, 4) },
      ],
      rows,
      { name: fileName(`${this.data.model}_${this.headData.name}_received`), caption: `Attention that tokens get from ${this.headData.name}`, filter: "token", limit: 15, sort: { column: 2, descending: true } },
    );
    this.received.replaceChildren(table.element);
  }

  // Where a token looks most.
  private bestOf(token: number): Place {
    return { t: token, k: heaviest(this.pattern.row(token), 1)[0]?.token ?? token };
  }

  private choose(place: Place): void {
    this.place = place;
    this.map.move(place);
    this.preview(null);
  }

  // A place under the pointer, or the chosen one.
  private preview(place: Place | null): void {
    const shown = place ?? this.place;
    this.text.show(this.pattern, shown.t, place === null);
    this.drawReadout(shown);
  }

  private drawReadout({ t, k }: Place): void {
    const name = (token: number) => `${token} ${quoted(this.prompt.tokens[token])}`;
    const weight = this.pattern.weight(t, k);
    const list = (title: string, none: string, weights: Weight[]) => {
      const items = heaviest(weights, LISTED).map((w) => h("li", {}, h("span", { class: "weight" }, fixed(w.weight, 3)), ` ${name(w.token)}`));
      return h("div", {}, h("h3", {}, title), items.length ? h("ol", {}, ...items) : h("p", { class: "note" }, none));
    };
    this.readout.replaceChildren(
      h("p", {}, `Token ${name(t)} looks at ${name(k)} with `, h("strong", {}, weight === null ? "less than the weights kept" : fixed(weight, 3)), "."),
      list(`${name(t)} looks at`, "No token.", this.pattern.row(t)),
      list(`${name(t)} is looked at by`, "No token behind it looks at it noticeably.", this.pattern.column(t)),
    );
  }
}

function main(): void {
  const data: PageData = JSON.parse(document.getElementById("data")!.textContent!);
  document.title = `Attention patterns of ${data.model}`;
  const page = new Page(data);
  document.getElementById("app")!.append(
    h("a", { class: "skip", href: "#content" }, "Skip to the content"),
    h("header", {}, h("h1", {}, "Attention patterns"), schemeButton(), h("p", { class: "subtitle" }, data.model)),
    page.element,
  );
  followScheme(() => page.redraw());
}

main();

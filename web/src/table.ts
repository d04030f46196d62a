// Tables that sort by a click on a column, filter by text, and download as CSV.
import { button, download, h } from "./dom";
import { NONE, range } from "./format";

export type Cell = string | number | null | undefined;

export interface Column<Row> {
  title: string;
  value: (row: Row) => Cell; // what is sorted and downloaded
  text?: (row: Row) => string; // what is shown; the value without it
  draw?: (row: Row) => Element | null; // shown after the text
  help?: string;
  parts?: [string, (row: Row) => Cell][]; // downloaded in place of the value, by title
}

export interface TableOptions<Row> {
  name: string; // of the downloaded file
  caption: string;
  filter?: string; // offers a text filter, with this example
  limit?: number; // rows shown before "show all"
  highlight?: (row: Row) => boolean;
  sort?: { column: number; descending: boolean };
  more?: [string, (row: Row) => Cell][]; // downloaded besides what is shown
}

// A column of intervals; a file has their ends as two numbers.
export function intervalColumn<Row>(title: string, of: (row: Row) => [number, number] | null | undefined, more: Partial<Column<Row>> = {}): Column<Row> {
  return {
    title,
    value: (row) => of(row)?.[0],
    text: (row) => range(of(row)),
    parts: [[`${title} low`, (row) => of(row)?.[0]], [`${title} high`, (row) => of(row)?.[1]]],
    ...more,
  };
}

function csvCell(value: Cell): string {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv<Row>(columns: [string, (row: Row) => Cell][], rows: Row[]): string {
  const lines = [columns.map(([title]) => csvCell(title)), ...rows.map((row) => columns.map(([, value]) => csvCell(value(row))))];
  return lines.map((line) => line.join(",")).join("\n") + "\n";
}

// Missing values come last whichever way it is sorted.
function compare(a: Cell, b: Cell, descending: boolean): number {
  const missing = (cell: Cell) => cell === null || cell === undefined;
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  const order =
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  return descending ? -order : order;
}

// Marks the sides on which there is more to scroll to.
export function cueScrolling(scroll: HTMLElement): void {
  const mark = () => {
    scroll.classList.toggle("more-right", scroll.scrollLeft + scroll.clientWidth < scroll.scrollWidth - 2);
    scroll.classList.toggle("scrolls", scroll.scrollWidth > scroll.clientWidth + 2);
  };
  scroll.addEventListener("scroll", mark, { passive: true });
  const sizes = new ResizeObserver(mark);
  sizes.observe(scroll);
  for (const child of scroll.children) sizes.observe(child);
}

export class DataTable<Row> {
  readonly element: HTMLElement;
  private sort?: { column: number; descending: boolean };
  private words = "";
  private all = false;
  private readonly body = h("tbody");
  private readonly heads: HTMLTableCellElement[] = [];
  private readonly status = h("span", { class: "status", "aria-live": "polite" });
  private readonly more: HTMLButtonElement;
  private readonly printed = h("p", { class: "printed" }); // of rows that are left out on paper

  constructor(
    private readonly columns: Column<Row>[],
    private rows: Row[],
    private readonly options: TableOptions<Row>,
  ) {
    this.sort = options.sort;
    this.more = button("Show all rows", () => this.showAll());
    const head = h("tr");
    columns.forEach((column, i) => head.append(this.headCell(column, i)));
    const bar = h("div", { class: "tools" });
    if (options.filter) bar.append(this.filterField(options.filter));
    bar.append(button("Download CSV", () => this.save()), this.status);
    const table = h("table", {}, h("caption", {}, h("span", {}, options.caption)), h("thead", {}, head), this.body);
    const scroll = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": options.caption }, table);
    cueScrolling(scroll);
    this.element = h("div", { class: "table" }, bar, scroll, this.more, this.printed);
    this.draw();
  }

  setRows(rows: Row[]): void {
    this.rows = rows;
    this.draw();
  }

  private filterField(example: string): HTMLElement {
    const input: HTMLInputElement = h("input", { type: "search", placeholder: example, input: () => this.filter(input.value) });
    return h("label", { class: "field" }, h("span", {}, "Filter"), input);
  }

  private save(): void {
    const columns = this.columns.flatMap((c): [string, (row: Row) => Cell][] => c.parts ?? [[c.title, c.value]]);
    download(`${this.options.name}.csv`, new Blob([csv([...columns, ...(this.options.more ?? [])], this.shown())], { type: "text/csv" }));
  }

  private headCell(column: Column<Row>, i: number): HTMLTableCellElement {
    const numeric = this.rows.some((row) => typeof column.value(row) === "number");
    const sorter = h("button", { type: "button", title: column.help, click: () => this.sortBy(i) }, column.title);
    const cell = h("th", { scope: "col", class: numeric ? "number" : undefined }, sorter);
    this.heads.push(cell);
    return cell;
  }

  private sortBy(column: number): void {
    const descending = this.sort?.column === column ? !this.sort.descending : false;
    this.sort = { column, descending };
    this.draw();
  }

  private filter(words: string): void {
    this.words = words.toLowerCase().trim();
    this.draw();
  }

  private showAll(): void {
    this.all = true;
    this.draw();
  }

  private text(row: Row, column: Column<Row>): string {
    if (column.text) return column.text(row);
    const value = column.value(row);
    return value === null || value === undefined ? NONE : String(value);
  }

  private shown(): Row[] {
    let rows = this.rows;
    if (this.words) {
      const wanted = this.words.split(/\s+/);
      rows = rows.filter((row) => {
        const text = this.columns.map((column) => this.text(row, column)).join(" ").toLowerCase();
        return wanted.every((word) => text.includes(word));
      });
    }
    const sort = this.sort;
    if (!sort) return rows;
    const value = this.columns[sort.column].value;
    return [...rows].sort((a, b) => compare(value(a), value(b), sort.descending));
  }

  private draw(): void {
    const rows = this.shown();
    const limit = this.all ? rows.length : (this.options.limit ?? rows.length);
    this.heads.forEach((head, i) => {
      const direction = this.sort?.descending ? "descending" : "ascending";
      head.setAttribute("aria-sort", this.sort?.column === i ? direction : "none");
    });
    this.body.replaceChildren(...rows.slice(0, limit).map((row) => this.line(row)));
    this.more.hidden = rows.length <= limit;
    this.more.textContent = `Show all ${rows.length} rows (${limit} shown)`;
    this.printed.textContent = this.more.hidden ? "" : `${limit} of ${rows.length} rows; the page itself shows the others, and saves all of them.`;
    const filtered = rows.length < this.rows.length;
    this.status.textContent = filtered ? `${rows.length} of ${this.rows.length} rows` : "";
  }

  private line(row: Row): HTMLTableRowElement {
    const line = h("tr", { class: this.options.highlight?.(row) ? "best" : undefined });
    this.columns.forEach((column, i) => line.append(this.cell(row, column, i === 0)));
    return line;
  }

  private cell(row: Row, column: Column<Row>, first: boolean): HTMLTableCellElement {
    const text = this.text(row, column);
    const numeric = typeof column.value(row) === "number" || text === NONE;
    const attributes = { class: numeric ? "number" : text.length > 40 ? "long" : undefined };
    const drawing = column.draw?.(row);
    return first ? h("th", { scope: "row", ...attributes }, text) : h("td", attributes, text, drawing);
  }
}

// Tables that sort by a click on a column, filter by text, and download as CSV.
import { download, h } from "./dom";

export type Cell = string | number | null | undefined;

export interface Column<Row> {
  title: string;
  value: (row: Row) => Cell; // what is sorted and downloaded
  text?: (row: Row) => string; // what is shown; the value without it
  help?: string;
}

export interface TableOptions<Row> {
  name: string; // of the downloaded file
  caption: string;
  filter?: boolean; // offer a text filter
  limit?: number; // rows shown before "show all"
  highlight?: (row: Row) => boolean;
  sort?: { column: number; descending: boolean };
}

function csvCell(value: Cell): string {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csv<Row>(columns: Column<Row>[], rows: Row[]): string {
  const lines = [columns.map((c) => csvCell(c.title)), ...rows.map((row) => columns.map((c) => csvCell(c.value(row))))];
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

export class DataTable<Row> {
  readonly element: HTMLElement;
  private sort?: { column: number; descending: boolean };
  private words = "";
  private all = false;
  private readonly body = h("tbody");
  private readonly heads: HTMLTableCellElement[] = [];
  private readonly status = h("span", { class: "status", "aria-live": "polite" });
  private readonly more: HTMLButtonElement;

  constructor(
    private readonly columns: Column<Row>[],
    private rows: Row[],
    private readonly options: TableOptions<Row>,
  ) {
    this.sort = options.sort;
    this.more = h("button", { type: "button", click: () => this.showAll() }, "Show all rows");
    const head = h("tr");
    columns.forEach((column, i) => head.append(this.headCell(column, i)));
    const tools = h("div", { class: "tools" });
    if (options.filter) {
      const input: HTMLInputElement = h("input", {
        type: "search",
        placeholder: "for example L5 or always",
        input: () => this.filter(input.value),
      });
      tools.append(h("label", { class: "field" }, h("span", {}, "Filter"), input));
    }
    tools.append(
      this.status,
      h(
        "button",
        { type: "button", click: () => download(`${options.name}.csv`, "text/csv", csv(this.columns, this.shown())) },
        "Download CSV",
      ),
    );
    const table = h("table", {}, h("caption", {}, options.caption), h("thead", {}, head), this.body);
    this.element = h(
      "div",
      { class: "table" },
      tools,
      h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": options.caption }, table),
      this.more,
    );
    this.draw();
  }

  setRows(rows: Row[]): void {
    this.rows = rows;
    this.draw();
  }

  private headCell(column: Column<Row>, i: number): HTMLTableCellElement {
    const numeric = this.rows.some((row) => typeof column.value(row) === "number");
    const cell = h("th", { scope: "col", class: numeric ? "number" : undefined }, h("button", { type: "button", title: column.help, click: () => this.sortBy(i) }, column.title));
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
    return value === null || value === undefined ? "–" : String(value);
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
    this.more.textContent = `Show all ${rows.length} rows`;
    const filtered = rows.length < this.rows.length;
    this.status.textContent = filtered ? `${rows.length} of ${this.rows.length} rows` : "";
  }

  private line(row: Row): HTMLTableRowElement {
    const line = h("tr", { class: this.options.highlight?.(row) ? "best" : undefined });
    for (const column of this.columns) {
      const text = this.text(row, column);
      const kind = typeof column.value(row) === "number" ? "number" : text.length > 40 ? "long" : undefined;
      line.append(h("td", { class: kind }, text));
    }
    return line;
  }
}

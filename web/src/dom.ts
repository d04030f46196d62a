// Elements from values. Text goes in as text, never as HTML, so that no name can break the page.

type Child = Node | string | null | undefined;
type Attributes = Record<string, string | number | boolean | ((event: Event) => void) | undefined>;

function fill<T extends Element>(element: T, attributes: Attributes, children: Child[]): T {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child !== null && child !== undefined) element.append(child);
  return element;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

export function section(id: string, title: string, note: string, ...children: Child[]): HTMLElement {
  return h(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    h("h2", { id: `${id}-title` }, title),
    note ? h("p", { class: "note" }, note) : null,
    ...children,
  );
}

export function tools(...children: Child[]): HTMLElement {
  return h("div", { class: "tools" }, ...children);
}

// What only some readers want, closed at first.
export function details(title: string, ...children: Child[]): HTMLElement {
  return h("details", {}, h("summary", {}, title), ...children);
}

export function button(text: string, click: () => void): HTMLButtonElement {
  return h("button", { type: "button", click }, text);
}

export interface Choice {
  value: string;
  label: string;
}

// A labelled list to choose from; `changed` is called with the value.
export function select(label: string, choices: Choice[], value: string, changed: (value: string) => void): HTMLElement {
  const list = h("select", { change: () => changed(list.value) });
  for (const choice of choices)
    list.append(h("option", { value: choice.value, selected: choice.value === value }, choice.label));
  return h("label", { class: "field" }, h("span", {}, label), list);
}

export function download(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = h("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // a busy machine may begin to save much later
}

// While a study runs its page loads itself again: what the reader had chosen, and where, is kept for the next one.
import { Report } from "./data";

interface Kept {
  scroll: number;
  choices: Record<string, string>; // of lists and sliders, by place
  open: string[]; // what is unfolded
  hidden: string[]; // lines that the legend hides
}

const KEY = "idleheads-page";

type Field = HTMLSelectElement | HTMLInputElement;
const hiddenLines = () => [...document.querySelectorAll<HTMLElement>('#app [data-score][aria-pressed="false"]')].map((entry) => entry.dataset.score!);
const isField = (element: Element): element is Field => element.matches("select, input");

// The section, the kind, and the number within it: the same as long as the page has the same parts.
function places(selector: string): Map<string, Element> {
  const seen = new Map<string, Element>();
  const counts = new Map<string, number>();
  for (const element of document.querySelectorAll(selector)) {
    const key = `${element.closest("section")?.id ?? "page"} ${element.tagName} ${element.closest("label")?.firstElementChild?.textContent ?? ""}`;
    const number = counts.get(key) ?? 0;
    counts.set(key, number + 1);
    seen.set(`${key} ${number}`, element);
  }
  return seen;
}

function now(): Kept {
  const choices: Record<string, string> = {};
  for (const [place, field] of places("#app select, #app input")) if (isField(field)) choices[place] = field.value;
  const open = [...places("#app details")].filter(([, part]) => (part as HTMLDetailsElement).open).map(([place]) => place);
  return { scroll: scrollY, choices, open, hidden: hiddenLines() };
}

// Lists first: what they change may bring others.
function restore(kept: Kept): void {
  for (const kind of ["select", "input"]) {
    for (const [place, value] of Object.entries(kept.choices)) {
      const field = places(`#app ${kind}`).get(place);
      if (!field || !isField(field) || field.value === value) continue;
      field.value = value;
      field.dispatchEvent(new Event(kind === "select" ? "change" : "input"));
    }
  }
  for (const slug of kept.hidden) document.querySelector<HTMLElement>(`#app [data-score="${slug}"][aria-pressed="true"]`)?.click();
  for (const place of kept.open) places("#app details").get(place)?.setAttribute("open", "");
  requestAnimationFrame(() => scrollTo(0, kept.scroll));
}

export function keepChoices(report: Report): void {
  if (report.written === null) return;
  history.scrollRestoration = "manual"; // browsers differ in when they do it by themselves
  try {
    const text = sessionStorage.getItem(KEY);
    if (text) restore(JSON.parse(text) as Kept);
  } catch {
    // No storage, or of another page: begin anew.
  }
  if (report.refresh === null) return;
  addEventListener("pagehide", () => {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(now()));
    } catch {
      // The page is read without it.
    }
  });
}

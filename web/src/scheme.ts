// Light or dark: as the system has it until the reader chooses; print is always light.
import { button } from "./dom";

type Scheme = "light" | "dark";

const system = matchMedia("(prefers-color-scheme: dark)");
let chosen: Scheme | null = null;
let toggle: HTMLButtonElement | undefined;
let redraw = (): void => {};

function current(): Scheme {
  return chosen ?? (system.matches ? "dark" : "light");
}

function apply(scheme: Scheme): void {
  document.documentElement.dataset.scheme = scheme;
  if (toggle) toggle.textContent = scheme === "dark" ? "Light colours" : "Dark colours";
  redraw();
}

export function schemeButton(): HTMLButtonElement {
  toggle = button("", () => {
    chosen = current() === "dark" ? "light" : "dark";
    apply(chosen);
  });
  toggle.classList.add("scheme");
  apply(current());
  return toggle;
}

// `drawn`: what draws in the page's colours again.
export function followScheme(drawn: () => void): void {
  redraw = drawn;
  system.addEventListener("change", () => apply(current()));
  addEventListener("beforeprint", () => apply("light"));
  addEventListener("afterprint", () => apply(current()));
}

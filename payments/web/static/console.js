// Keys, copying, local times, and what is said when a live part cannot be fetched.
// Nothing here writes: what changes something is a form with a button.
"use strict";

(() => {
  const announce = (text) => {
    document.getElementById("announcement").textContent = text;
  };

  // --- copying -------------------------------------------------------------------------------

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Browsers keep the clipboard from pages without TLS; selecting is the next best.
      const field = document.createElement("textarea");
      field.value = text;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    announce(`Copied ${text}`);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button.dataset.copy);
    const all = event.target.closest("[data-tick-all]");
    if (all) for (const box of document.querySelectorAll("tbody input[type=checkbox]")) box.checked = all.checked;
    if (event.target.closest("[data-open-keys]")) document.getElementById("keys").showModal();
  });

  // --- local times ---------------------------------------------------------------------------

  const localise = (event) => {
    const time = event.target.closest?.("time[data-local]");
    if (time && !time.title) {
      time.title = `${new Date(time.dateTime).toLocaleString(undefined, { timeZoneName: "short" })} here`;
    }
  };
  document.addEventListener("mouseover", localise);
  document.addEventListener("focusin", localise);

  // --- keys ----------------------------------------------------------------------------------

  const SWITCH = "payments-api keys";
  const keysAreOn = () => localStorage.getItem(SWITCH) !== "off";
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const current = () => document.activeElement?.closest("[data-row]");
  const typing = (element) => element.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  const follow = (element) => element?.click();

  const step = (by) => {
    const all = rows();
    const here = all.indexOf(current());
    const next = all[here < 0 ? (by > 0 ? 0 : all.length - 1) : here + by];
    (next?.querySelector("a[data-open]") ?? next)?.focus();
  };

  const actions = {
    "/": () => document.querySelector("form.filters :is(input, select)")?.focus(),
    j: () => step(1),
    k: () => step(-1),
    x: () => follow(current()?.querySelector("input[type=checkbox]")),
    y: () => follow((current() ?? document).querySelector("[data-copy]")),
    r: () => follow((current()?.querySelector("[data-preview]")) ?? document.querySelector("[data-preview]")),
    "?": () => document.getElementById("keys").showModal(),
  };

  let afterG = false;
  document.addEventListener("keydown", (event) => {
    if (!keysAreOn() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    const wasAfterG = afterG;
    afterG = event.key === "g" && !wasAfterG;
    const action = wasAfterG
      ? () => follow(document.querySelector(`nav [data-key="${CSS.escape(event.key)}"]`))
      : actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  const choice = document.getElementById("keys-on");
  if (choice) {
    choice.checked = keysAreOn();
    choice.addEventListener("change", () => localStorage.setItem(SWITCH, choice.checked ? "on" : "off"));
  }

  // --- arrow keys in a coverage strip --------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.(".strip a");
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!cell || !by) return;
    const cells = [...cell.closest(".strip").querySelectorAll("a")];
    cells[cells.indexOf(cell) + by]?.focus();
    event.preventDefault();
  });

  // --- live parts ----------------------------------------------------------------------------

  const problem = document.getElementById("problem");
  const stale = (part, yes) => part?.classList.toggle("stale", yes);

  // Nothing moves under the pointer, and nothing takes the focus away.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.matches("[data-quiet]:is(:hover, :focus-within)")) event.preventDefault();
  });

  document.addEventListener("htmx:sendError", (event) => {
    problem.textContent = "The service does not answer. What is shown is from before; it is asked again.";
    stale(event.detail.target, true);
  });
  document.addEventListener("htmx:responseError", (event) => stale(event.detail.elt, true));
  document.addEventListener("htmx:afterOnLoad", (event) => {
    if (event.detail.failed ?? !event.detail.successful) return;
    problem.textContent = "";
    stale(event.detail.elt, false);
  });
})();

/* The survey map: pointing at or focusing a chapter shows the question it answers. Without this script the map still
   links, and a screen reader still hears each question, which stands in the leaf itself. */
document.addEventListener("DOMContentLoaded", () => {
  for (const map of document.querySelectorAll(".al-map")) {
    const ask = map.querySelector(".al-map-ask");
    const show = (event) => {
      const chapter = event.target.closest("[data-question]");
      ask.textContent = chapter ? chapter.dataset.question : ask.dataset.rest;
      ask.classList.toggle("al-asks", Boolean(chapter));
    };
    map.addEventListener("pointerover", show);
    map.addEventListener("focusin", show);
    map.addEventListener("pointerleave", () => show({ target: document.activeElement ?? map }));
  }
});

/* Folded code: one switch under the header card's buttons opens or closes every fold, on every page until it is switched
   back. Without this script each fold still opens by itself. */
document.addEventListener("DOMContentLoaded", () => {
  const folds = document.querySelectorAll("details.al-code");
  const place = document.querySelector(".al-header-buttons");
  if (!place || folds.length === 0) return;
  const KEY = "al-code";
  const kept = () => { try { return localStorage.getItem(KEY) === "open"; } catch { return false; } };
  const keep = (open) => { try { localStorage.setItem(KEY, open ? "open" : "folded"); } catch { /* for this page only */ } };
  const button = document.createElement("button");
  button.type = "button";
  button.className = "al-button al-code-switch";
  button.textContent = "Show all code";
  const set = (open) => {
    button.setAttribute("aria-pressed", String(open));
    for (const fold of folds) fold.open = open;
  };
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-pressed") !== "true";
    set(open);
    keep(open);
  });
  place.append(button);
  set(kept());
});

/* Code that is wider than its place can be scrolled by keyboard. */
document.addEventListener("DOMContentLoaded", () => {
  const reach = new ResizeObserver((changed) => {
    for (const { target } of changed) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const code of document.querySelectorAll("main div.highlight > pre")) reach.observe(code);
});

/* The survey's works: what is typed keeps the rows that hold every word of it. Without this script all rows are there. */
document.addEventListener("DOMContentLoaded", () => {
  for (const part of document.querySelectorAll(".al-works")) {
    const field = part.querySelector("input");
    const told = part.querySelector("output");
    const all = told.textContent;
    const rows = [...part.querySelectorAll("tbody tr")].map((row) => [row, row.textContent.toLowerCase()]);
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      for (const [row, text] of rows) {
        row.hidden = !words.every((word) => text.includes(word));
        left += row.hidden ? 0 : 1;
      }
      told.textContent = words.length ? `${left} of ${rows.length} works` : all;
    });
  }
});

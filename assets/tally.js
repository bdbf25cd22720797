/* The reader's own score: hits, a calibration curve and the Brier score over the book, at the end of each chapter and on
   the page Your guesses. Answers are kept in this browser (localStorage) by the forms themselves; `asked.js` says what was
   right. The same is computed by alignlab.book.page.confidence, against which the tests hold it. */
(function () {
  const AT = "alignlab:predict:", NAME = "alignlab:name", FORMAT = "alignlab-guesses", VERSION = 1;
  const WORDS = ["only guessing", "leaning to it", "fairly sure", "sure"], NUMBERS = [null, 60, 80, 95];

  /* ---- what answers are worth ---- */
  const percent = (step, options) => (step === 0 ? Math.floor(100 / options + 0.5) : NUMBERS[step]);
  const whole = (value, top) => Number.isInteger(value) && value >= 0 && value < top;

  /* A kept answer, null where it is none: {chosen, sure, mark, on}; one from before steps were asked is a bare number. */
  function parse(text) {
    let found;
    try { found = JSON.parse(text); } catch { return null; }
    if (typeof found === "number") return { chosen: found, sure: -1, mark: null };
    return found && typeof found === "object" && Number.isInteger(found.chosen) ? found : null;
  }
  /* Answers to what is asked today, judged; store: answers by key. */
  function judge(asked, store) {
    return asked.flatMap(([key, page, kind, options, answer, mark]) => {
      const given = store[key];
      if (!given || !whole(given.chosen, options) || (given.mark !== null && given.mark !== mark)) return [];
      const step = whole(given.sure, 4) ? given.sure : -1;
      return [{ key, page, kind, options, step, chosen: given.chosen, right: given.chosen === answer, percent: step < 0 ? null : percent(step, options) }];
    });
  }
  function score(judged) {
    const sure = judged.filter((g) => g.step >= 0), mean = (f) => (sure.length ? sure.reduce((sum, g) => sum + f(g), 0) / sure.length : null);
    const chance = (g) => percent(0, g.options) / 100;
    return {
      n: judged.length, hits: judged.filter((g) => g.right).length, scored: sure.length, right: mean((g) => 100 * g.right), said: mean((g) => g.percent),
      brier: mean((g) => (g.percent / 100 - g.right) ** 2), blind: mean((g) => chance(g) * (1 - chance(g))),
    };
  }
  /* Wilson's interval of a share, 95 %. */
  function wilson(hits, n) {
    const z = 1.959963984540054, p = hits / n, middle = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
    const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
    return [Math.max(0, middle - half), Math.min(1, middle + half)];
  }
  function calibration(judged) {
    return WORDS.flatMap((word, step) => {
      const mine = judged.filter((g) => g.step === step);
      if (!mine.length) return [];
      const hits = mine.filter((g) => g.right).length, said = mine.reduce((sum, g) => sum + g.percent, 0) / mine.length;
      return [{ step, word, n: mine.length, hits, said, range: wilson(hits, mine.length) }];
    });
  }
  function exported(store, name, today) {
    const answers = Object.keys(store).sort().map((key) => ({ key, chosen: store[key].chosen, sure: store[key].sure, mark: store[key].mark, on: store[key].on || null }));
    return JSON.stringify({ format: FORMAT, version: VERSION, name: name || null, exported: today, answers }, null, 1);
  }
  /* What a file adds to a store: {add, said} or {fault}. What is answered here stays as it is. */
  function imported(text, store, asked) {
    let file;
    try { file = JSON.parse(text); } catch { return { fault: "This file is not whole: it is no JSON. Export it again." }; }
    if (!file || file.format !== FORMAT || !Array.isArray(file.answers)) return { fault: "This file was not exported from here. Choose one that is called alignlab-guesses." };
    if (file.version !== VERSION) return { fault: "This file was written by another version of the book. Export it again with this one." };
    const known = new Map(asked.map((row) => [row[0], row])), add = {}, count = { same: 0, other: 0 };
    for (const a of file.answers) {
      const row = a && typeof a.key === "string" ? known.get(a.key) : undefined;
      if (!a || typeof a.key !== "string" || !Number.isInteger(a.chosen) || !Number.isInteger(a.sure)) return { fault: "This file is damaged: one of its answers is not whole. Export it again." };
      if (!row || !whole(a.chosen, row[3]) || (a.mark !== null && a.mark !== row[5])) count.other++;
      else if (store[a.key]) count.same++;
      else add[a.key] = { chosen: a.chosen, sure: a.sure, mark: a.mark, on: a.on };
    }
    const n = Object.keys(add).length, said = [`${n} ${n === 1 ? "answer" : "answers"} added.`];
    if (count.same) said.push(`${count.same} already answered here, kept as ${count.same === 1 ? "it is" : "they are"}.`);
    if (count.other) said.push(`${count.other} to questions that this edition does not ask, or asks otherwise, left out.`);
    return { add, said: said.join(" ") };
  }
  function verdict(sum) {
    if (sum.brier === null) return "";
    const gap = Math.round(sum.said - sum.right), size = Math.abs(gap);
    const lean = size < 5 ? "about as sure as right" : gap > 0 ? `surer than right, by ${size} points` : `more often right than sure, by ${size} points`;
    const few = sum.scored < 20 ? " With so few answers this is mostly chance." : "";
    return `On average you said ${Math.round(sum.said)} %, and ${Math.round(sum.right)} % came true: ${lean}.${few}`;
  }
  if (typeof module !== "undefined" && module.exports) {
    module.exports = { percent, parse, judge, score, wilson, calibration, exported, imported, verdict };
    return;
  }

  /* ---- the page ---- */
  const asked = window.alignlabAsked || [];
  function storage() {
    try { const s = window.localStorage; s.getItem(AT); return s; } catch { return null; }
  }
  function kept() {
    const found = {}, s = storage();
    for (let i = 0; s && i < s.length; i++) {
      const key = s.key(i), given = key.startsWith(AT) ? parse(s.getItem(key)) : null;
      if (given) found[key.slice(AT.length)] = given;
    }
    return found;
  }
  function make(tag, parts = {}, ...inside) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(parts)) {
      if (name in element && name !== "list") element[name] = value; else element.setAttribute(name, value);
    }
    element.append(...inside);
    return element;
  }
  const few = (n, one, many) => `${n} ${n === 1 ? one : many}`;

  function curve(judged) {
    const bins = calibration(judged);
    if (!bins.length) return null;
    const x = (p) => (48 + 2.4 * p).toFixed(1), y = (share) => (14 + 160 * (1 - share)).toFixed(1);
    const told = bins.map((b) => `of ${few(b.n, "answer", "answers")} “${b.word}” (${Math.round(b.said)} %), ${b.hits} right`).join("; ");
    const axis = [0, 0.5, 1].map((v) => `<line class="al-tally-grid" x1="48" x2="288" y1="${y(v)}" y2="${y(v)}"/><text x="42" y="${Number(y(v)) + 4}" text-anchor="end">${100 * v} %</text>`).join("") +
      [25, 50, 75, 100].map((v) => `<text x="${x(v)}" y="194" text-anchor="middle">${v} %</text>`).join("");
    const dots = bins.map((b) => `<line class="al-tally-range" x1="${x(b.said)}" x2="${x(b.said)}" y1="${y(b.range[0])}" y2="${y(b.range[1])}"/><circle cx="${x(b.said)}" cy="${y(b.hits / b.n)}" r="5"/>`).join("");
    const line = bins.map((b) => `${x(b.said)},${y(b.hits / b.n)}`).join(" ");
    const figure = make("figure", { className: "al-tally-curve" });
    figure.innerHTML = `<svg viewBox="0 0 312 216" role="img"><line class="al-tally-even" x1="48" y1="174" x2="288" y2="14"/>${axis}<polyline points="${line}"/>${dots}` +
      '<text x="168" y="211" text-anchor="middle">how sure you were</text><text x="48" y="8">how often you were right</text></svg>' +
      "<figcaption>On the dashed line sureness and success agree; below it you are surer than right. Bars: 95 % intervals.</figcaption>";
    figure.querySelector("svg").setAttribute("aria-label", `Calibration curve: ${told}.`);
    return figure;
  }
  function brierText(sum) {
    return sum.brier === null ? "" : `Brier score ${sum.brier.toFixed(2)}; 0 is perfect, and who guesses blindly and says so gets about ${sum.blind.toFixed(2)}.`;
  }
  function small(place, page) {
    const all = judge(asked, kept()), mine = all.filter((g) => g.page === page), sum = score(all);
    const here = asked.filter((row) => row[1] === page).length, right = mine.filter((g) => g.right).length;
    const lines = [mine.length ? `On this page ${right} of ${mine.length} right, ${here - mine.length} left to answer.` : `Nothing answered on this page yet, of ${few(here, "question", "questions")}.`];
    if (all.length) lines.push(`In the whole book ${sum.hits} of ${all.length} right. ${brierText(sum)}`);
    place.replaceChildren(...lines.map((text) => make("p", {}, text)));
    const drawn = curve(all);
    if (drawn) place.append(drawn, make("p", {}, verdict(sum)));
  }
  function table(head, rows, caption, kind) {
    const th = make("tr", {}, ...head.map((h) => make("th", { scope: "col" }, h)));
    const body = rows.map((row) => make("tr", {}, ...row.map((cell, i) => make(i ? "td" : "th", i ? {} : { scope: "row" }, cell))));
    const made = make("table", { className: "al-grid" }, make("caption", {}, caption), make("thead", {}, th), make("tbody", {}, ...body));
    return make("div", { className: `al-listing ${kind}`, role: "region", tabIndex: 0, "aria-label": caption }, made);
  }
  function whole_(place, root) {
    const store = kept(), all = judge(asked, store), sum = score(all), parts = [];
    const of = (kind) => `${all.filter((g) => g.kind === kind && g.right).length} of ${all.filter((g) => g.kind === kind).length}`;
    if (!all.length) {
      parts.push(make("p", {}, `Nothing is answered yet. The book asks ${asked.filter((row) => row[2] === "guess").length} times for a guess and puts ${few(asked.filter((row) => row[2] === "question").length, "question", "questions")}.`));
    } else {
      parts.push(make("p", { className: "al-tally-first" }, make("strong", {}, `${sum.hits} of ${all.length}`), ` right, ${asked.length - all.length} left to answer: ${of("guess")} guesses before a run, ${of("question")} questions after a page. ${brierText(sum)}`));
      const drawn = curve(all);
      if (drawn) {
        parts.push(drawn, make("p", {}, verdict(sum)));
        const rows = calibration(all).map((b) => [b.word, `${Math.round(b.said)} %`, `${Math.round((100 * b.hits) / b.n)} %`, `${b.hits} of ${b.n}`, `${Math.round(100 * b.range[0])} to ${Math.round(100 * b.range[1])} %`]);
        parts.push(table(["you were", "you said", "came true", "right", "95 % interval"], rows, "Your calibration, the numbers of the curve", "al-numbers"));
      }
      const pages = [...root.querySelectorAll(".al-tally-pages > li")].flatMap((item) => {
        const mine = all.filter((g) => g.page === item.dataset.page), own = score(mine);
        const asks = asked.filter((row) => row[1] === item.dataset.page).length;
        return mine.length ? [[item.textContent, `${own.hits} of ${mine.length}`, String(asks - mine.length), own.brier === null ? "" : own.brier.toFixed(2)]] : [];
      });
      parts.push(table(["chapter", "right", "left", "Brier score"], pages, "Chapter by chapter", "al-numbers"));
      const missed = all.filter((g) => !g.right).sort((a, b) => (b.percent || 0) - (a.percent || 0)).slice(0, 10);
      const list = missed.flatMap((g) => {
        const item = root.querySelector(`.al-tally-asked > li[data-key="${CSS.escape(g.key)}"]`);
        if (!item) return [];
        const [question, where, options] = [...item.children].map((e) => e.cloneNode(true));
        const said = g.percent === null ? "" : ` (${g.percent} %)`;
        return [make("li", {}, question, " You said: ", make("em", {}, ...options.children[g.chosen].childNodes), `${said}. `, where)];
      });
      if (list.length) parts.push(make("h2", {}, "What fooled you"), make("p", {}, "Your misses, those you were surest of first."), make("ol", { className: "al-tally-missed" }, ...list));
    }
    const orphans = Object.keys(store).length - all.length;
    if (orphans) parts.push(make("p", { className: "al-quiet" }, `${few(orphans, "kept answer belongs", "kept answers belong")} to questions that this edition does not ask, or asks otherwise; not counted.`));
    place.replaceChildren(...parts);
  }
  function controls(root, redraw) {
    const s = storage(), status = make("p", { className: "al-tally-status", role: "status" });
    if (!s) { root.append(make("p", {}, "This browser keeps nothing for this site, so answers last as long as a page is open.")); return; }
    const name = make("input", { type: "text", id: "al-tally-name", maxLength: 40, autocomplete: "off", value: s.getItem(NAME) || "" });
    name.addEventListener("input", () => s.setItem(NAME, name.value));
    const save = make("button", { type: "button", className: "al-button" }, "Export as a file");
    save.addEventListener("click", () => {
      const label = name.value.trim().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
      const link = make("a", { href: URL.createObjectURL(new Blob([exported(kept(), name.value.trim(), new Date().toISOString().slice(0, 10))], { type: "application/json" })), download: `alignlab-guesses${label ? `-${label}` : ""}.json` });
      link.click();
      URL.revokeObjectURL(link.href);
      status.textContent = `${few(Object.keys(kept()).length, "answer", "answers")} exported.`;
    });
    const file = make("input", { type: "file", accept: ".json,application/json", id: "al-tally-file" });
    file.addEventListener("change", async () => {
      if (!file.files.length) return;
      const found = imported(await file.files[0].text(), kept(), asked);
      for (const [key, given] of Object.entries(found.add || {})) s.setItem(AT + key, JSON.stringify(given));
      status.textContent = found.fault || found.said;
      file.value = "";
      redraw();
    });
    const forget = make("button", { type: "button", className: "al-button" }, "Forget all answers");
    forget.addEventListener("click", () => {
      const n = Object.keys(kept()).length;
      if (!forget.dataset.sure && n) { forget.dataset.sure = "yes"; forget.textContent = `Yes, forget ${few(n, "answer", "answers")}`; return; }
      for (const key of Object.keys(kept())) s.removeItem(AT + key);
      delete forget.dataset.sure;
      forget.textContent = "Forget all answers";
      status.textContent = `${few(n, "answer", "answers")} forgotten.`;
      redraw();
    });
    root.append(make("div", { className: "al-tally-controls" },
      make("div", { className: "al-tally-field" }, make("label", { htmlFor: "al-tally-name" }, "Name in the file, if it goes to a class"), name),
      make("div", { className: "al-tally-field" }, make("label", { htmlFor: "al-tally-file" }, "Import a file"), file),
      make("div", { className: "al-tally-buttons" }, save, forget), status));
  }
  for (const root of document.querySelectorAll(".al-tally")) {
    const place = root.querySelector(".al-tally-say");
    const redraw = () => (root.dataset.page ? small(place, root.dataset.page) : whole_(place, root));
    redraw();
    document.addEventListener("alignlab:guess", redraw);
    if (!root.dataset.page) controls(root, redraw);
  }
})();

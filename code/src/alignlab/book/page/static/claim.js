(function () {
  var numbers = (text) => text.split(" ").map((part) => (part === "-" ? null : Number(part)));
  var real = (values) => values.filter((v) => v !== null);
  var mean = (v) => v.reduce((a, b) => a + b, 0) / v.length;
  var variance = (v) => (v.length > 1 ? v.reduce((a, x) => a + (x - mean(v)) ** 2, 0) / (v.length - 1) : 0);
  /* Nearest values of method and control, and how far apart in standard deviations (alignlab.book.page.evidence). */
  function apart(own, other, band) {
    if (!own.length || !other.length || own.concat(other).includes(null)) { return null; }
    var least = Math.min(...own), most = Math.max(...own), both = band[0] !== null && band[1] !== null;
    var best = other.map((to) => {
      var below = both ? to <= mean(own) : band[0] !== null, from = below ? least : most;
      return { gap: below ? from - to : to - from, from, to };
    }).reduce((a, b) => (b.gap < a.gap ? b : a));
    var pooled = Math.sqrt((variance(own) + variance(other)) / 2);
    best.sd = best.gap === 0 ? 0 : pooled > Math.abs(best.gap) / 99 ? best.gap / pooled : 99 * Math.sign(best.gap);
    return best;
  }
  function show(v, all) {
    var top = Math.max(0, ...real(all).map(Math.abs));
    return v.toFixed(top >= 100 ? 0 : top >= 10 ? 1 : top >= 0.1 || top === 0 ? 2 : 4).replace("-", "\u2212");
  }
  var sds = (gap) => (gap.sd >= 99 ? "99 or more" : gap.sd.toFixed(Math.abs(gap.sd) < 10 ? 2 : 1).replace("-", "\u2212"));
  function say(run, band, gap, method) {
    var values = real(run), missed = values.map((v) => Math.max(0, band[0] === null ? 0 : band[0] - v, band[1] === null ? 0 : v - band[1]));
    var inside = missed.filter((m) => m === 0).length, text = `${inside} of ${run.length} in the band`;
    if (values.length && !inside) { text += `, the nearest ${show(Math.min(...missed), values.concat(band))} outside`; }
    return gap ? `${text}; ${method ? "the nearest control is" : "from the method it is"} ${sds(gap)} standard deviations away` : text;
  }
  if (typeof module !== "undefined" && module.exports) { module.exports = { apart, say, numbers }; return; }

  function draw(svg, tag, set) {
    var made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (var name in set) { made.setAttribute(name, set[name]); }
    return svg.appendChild(made);
  }
  document.querySelectorAll(".al-claim:not([data-ready])").forEach((card) => {
    card.dataset.ready = "";
    card.querySelectorAll(".al-measure[data-band]").forEach((box, place) => {
      var svg = box.querySelector(".al-strip"), axis = numbers(svg.dataset.axis), band = numbers(box.dataset.band), own = numbers(box.dataset.values);
      var runs = [{ kind: "method", name: "Method", values: own }], count = {};
      card.querySelectorAll(`[data-of="${place}"]`).forEach((other) => {
        var kind = other.querySelector(".al-rival") ? "rival" : "control", values = numbers(other.dataset.values);
        count[kind] = (count[kind] || 0) + 1;
        var name = other.querySelector("p").textContent.replace(/^rival /, "");
        runs.push({ kind, values, n: count[kind], name: `${kind === "rival" ? "Rival" : "Control"}, ${name}`, gap: apart(own, values, band) });
      });
      if (runs.length < 2) { return; }
      runs[0].gap = runs.map((run) => run.gap).filter(Boolean).sort((a, b) => a.sd - b.sd)[0];
      var at = (v) => (100 * (v - axis[0]) / (axis[1] - axis[0])).toFixed(2) + "%";
      var field = document.createElement("fieldset"), line = document.createElement("p");
      field.className = "al-runs"; field.innerHTML = "<legend>Show</legend>";
      line.className = "al-soft"; line.setAttribute("aria-live", "polite");
      svg.setAttribute("height", 44); svg.classList.add("al-alive");
      var bracket = draw(svg, "line", { "class": "al-gap", y1: 31, y2: 31 }), label = draw(svg, "text", { y: 43, "text-anchor": "middle" });
      var dots = own.map(() => draw(svg, "circle", { cy: 13, r: 5 }));
      function pick(run) {
        dots.forEach((dot, i) => {
          var v = run.values[i], there = v !== null && v !== undefined;
          dot.setAttribute("class", "al-run al-run-" + run.kind);
          dot.style.display = there ? "" : "none";
          if (there) { dot.setAttribute("cx", at(v)); dot.style.cx = at(v); }
        });
        bracket.style.display = label.style.display = run.gap ? "" : "none";
        if (run.gap) {
          var a = at(run.gap.from), b = at(run.gap.to), middle = (parseFloat(a) + parseFloat(b)) / 2;
          bracket.setAttribute("x1", a); bracket.setAttribute("x2", b);
          label.setAttribute("x", Math.min(80, Math.max(20, middle)) + "%");
          label.textContent = sds(run.gap) + " sd apart";
        }
        line.textContent = `${run.name}: ${say(run.values, band, run.gap, run.kind === "method")}.${svg.querySelector(".al-was") ? " Dashed: an edge of the band before it moved." : ""}`;
      }
      runs.forEach((run, i) => {
        var choice = document.createElement("label");
        choice.innerHTML = `<input type="radio" name="${card.id}-${place}"${i ? "" : " checked"}><span>${run.kind}${count[run.kind] > 1 ? " " + run.n : ""}</span>`;
        choice.firstChild.addEventListener("change", () => pick(run));
        field.append(choice);
      });
      svg.before(field); svg.after(line);
      pick(runs[0]);
    });
  });
})();

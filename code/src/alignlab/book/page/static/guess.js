(function () {
  var AT = "alignlab:predict:";
  function read(key) { try { return JSON.parse(window.localStorage.getItem(AT + key)); } catch (error) { return null; } }
  function keep(key, given) {
    try { window.localStorage.setItem(AT + key, JSON.stringify(given)); } catch (error) { /* for this page only */ }
    document.dispatchEvent(new CustomEvent("alignlab:guess"));
  }
  document.querySelectorAll("form.al-predict:not([data-ready])").forEach(function (form) {
    form.dataset.ready = "";
    var key = form.dataset.key, answer = Number(form.dataset.answer), asks = form.dataset.kind === "question";
    var sets = Array.from(form.querySelectorAll("fieldset")).map(function (set) { return Array.from(set.querySelectorAll("input")); });
    var button = form.querySelector("button"), result = form.querySelector(".al-result");
    var told = Array.from(form.querySelectorAll(".al-answer p"));
    function at(set) { return set.findIndex(function (input) { return input.checked; }); }
    function reveal(given) {
      sets[0].forEach(function (input, i) {
        input.disabled = true; input.checked = i === given.chosen;
        if (i === answer) { input.parentNode.classList.add("al-right"); }
        else if (i === given.chosen) { input.parentNode.classList.add("al-missed"); }
        if (asks) {
          var why = document.createElement("p");
          why.className = "al-why"; why.innerHTML = told[i].lastElementChild.innerHTML;
          input.parentNode.after(why);
        }
      });
      sets[1].forEach(function (input, i) { input.disabled = true; input.checked = i === given.sure; });
      button.hidden = true; button.style.display = "none";
      var line = document.createElement("p"), hit = given.chosen === answer;
      var sure = sets[1][given.sure] ? " You were " + sets[1][given.sure].parentNode.textContent.trim().replace(/ (\d+\s%)$/, " ($1)") + "." : "";
      if (asks) { line.textContent = (hit ? "That is right." : "That is not right; see the explanations above.") + sure; }
      else { line.innerHTML = (hit ? "Your guess was right." + sure + " " : "Not what happens." + sure + " The answer: ") + told[0].innerHTML; }
      result.replaceChildren(line);
    }
    form.addEventListener("change", function () { button.disabled = at(sets[0]) < 0 || at(sets[1]) < 0; });
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      var given = { chosen: at(sets[0]), sure: at(sets[1]), mark: form.dataset.mark, on: new Date().toISOString().slice(0, 10) };
      if (given.chosen < 0 || given.sure < 0) { return; }
      reveal(given); keep(key, given);
    });
    var kept = read(key);
    if (typeof kept === "number") { kept = { chosen: kept, sure: -1, mark: form.dataset.mark }; }
    if (kept && kept.mark === form.dataset.mark && sets[0][kept.chosen]) { reveal(kept); }
  });
})();

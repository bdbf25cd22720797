(function () {
  function store(key, value) {
    try { if (value === undefined) { return window.localStorage.getItem(key); } window.localStorage.setItem(key, value); }
    catch (error) { return null; }
  }
  document.querySelectorAll("form.al-predict:not([data-ready])").forEach(function (form) {
    form.dataset.ready = "";
    var key = "alignlab:predict:" + form.dataset.key, answer = Number(form.dataset.answer);
    var inputs = Array.from(form.querySelectorAll("input")), button = form.querySelector("button");
    var result = form.querySelector(".al-result"), reason = form.querySelector(".al-answer p");
    function reveal(guess) {
      inputs.forEach(function (input, i) {
        input.disabled = true; input.checked = i === guess;
        if (i === answer) { input.parentNode.classList.add("al-right"); }
        else if (i === guess) { input.parentNode.classList.add("al-missed"); }
      });
      button.hidden = true; button.style.display = "none";
      var line = document.createElement("p");
      line.innerHTML = (guess === answer ? "Your guess was right. " : "Not what happens. The answer: ") + reason.innerHTML;
      result.replaceChildren(line);
    }
    inputs.forEach(function (input) { input.addEventListener("change", function () { button.disabled = false; }); });
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      var guess = inputs.findIndex(function (input) { return input.checked; });
      if (guess < 0) { return; }
      store(key, String(guess)); reveal(guess);
    });
    var kept = store(key);
    if (kept !== null && kept !== undefined && inputs[Number(kept)]) { reveal(Number(kept)); }
  });
})();

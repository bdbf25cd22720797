(function () {
  document.querySelectorAll(".al-explorer:not(.al-model):not([data-ready])").forEach(function (root) {
    root.dataset.ready = "";
    var frames = Array.from(root.querySelectorAll(".al-frame")), say = root.querySelector(".al-say");
    var controls = Array.from(root.querySelectorAll(".al-control")).map(function (box) {
      var range = box.querySelector("input[type=range]"), select = box.querySelector("select");
      var radios = Array.from(box.querySelectorAll("input[type=radio]"));
      if (range) {
        var texts = range.dataset.texts.split("|"), output = box.querySelector("output");
        return { count: texts.length, read: function () {
          output.textContent = texts[range.value]; range.setAttribute("aria-valuetext", texts[range.value]);
          return Number(range.value); } };
      }
      if (select) { return { count: select.options.length, read: function () { return select.selectedIndex; } }; }
      return { count: radios.length, read: function () { return radios.findIndex(function (r) { return r.checked; }); } };
    });
    function show() {
      var index = controls.reduce(function (sum, control) { return sum * control.count + control.read(); }, 0);
      frames.forEach(function (frame, i) { frame.hidden = i !== index; });
      if (say.textContent !== frames[index].dataset.say) { say.textContent = frames[index].dataset.say; }
    }
    root.addEventListener("input", show); root.addEventListener("change", show);
    show();
  });
})();

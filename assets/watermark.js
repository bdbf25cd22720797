/* Counts green words in whatever a reader pastes. The same numbers as `alignlab.risks.misuse_and_society.marks`, which a
   test holds them against. Nothing is sent anywhere, and no model is needed: the key, the word before and the first
   letter decide. */
(function () {
  const WORD = /[A-Za-z]+(?:['\u2019][A-Za-z]+)?/g;

  function code(previous, letter) {
    let found = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(`${previous} ${letter}`)) {
      found = Math.imul(found ^ byte, 0x01000193) >>> 0;
    }
    return found;
  }

  function mixed(number) {
    let x = number >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b) >>> 0;
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35) >>> 0;
    return (x ^ (x >>> 16)) >>> 0;
  }

  function isGreen(previous, letter, key) {
    return (mixed(code(previous, letter) ^ mixed(key)) & 1) === 1;
  }

  /* Each word of a text with its place, and whether it is "green", "red", "again" (a pair already counted) or "first". */
  function read(text, key) {
    const seen = new Set(), found = [];
    let previous = null;
    for (const match of text.matchAll(WORD)) {
      const word = match[0].toLowerCase().replace("\u2019", "'");
      let state = "first";
      if (previous !== null) {
        const pair = `${previous} ${word[0]}`;
        state = seen.has(pair) ? "again" : isGreen(previous, word[0], key) ? "green" : "red";
        seen.add(pair);
      }
      found.push({ start: match.index, end: match.index + match[0].length, state });
      previous = word;
    }
    const greens = found.filter((one) => one.state === "green").length;
    const scored = greens + found.filter((one) => one.state === "red").length;
    const z = (greens - scored / 2) / (Math.sqrt(Math.max(scored, 1)) / 2);
    return { found, greens, scored, z };
  }

  function sentence({ greens, scored, z }) {
    if (scored < 2) { return "Paste a few words more."; }
    const shown = (Object.is(Math.round(z * 10), -0) ? 0 : z).toFixed(1).replace("-", "\u2212");
    const verdict = z >= 4 ? "The mark of this key is there."
      : scored < 40 ? "Too few pairs to say much." : "No sign of this key's mark.";
    return `${greens} of ${scored} different pairs are green, z = ${shown}. ${verdict}`;
  }

  if (typeof module !== "undefined" && module.exports) { module.exports = { read, isGreen, sentence }; return; }

  function ready() {
    for (const root of document.querySelectorAll(".al-watermark:not([data-ready])")) {
      root.dataset.ready = "";
      const area = root.querySelector("textarea"), key = root.querySelector("input");
      const say = root.querySelector(".al-play-say"), shown = root.querySelector(".al-watermark-words");
      const show = () => {
        const text = area.value, result = read(text, Number(key.value) || 0);
        const pieces = [];
        let at = 0;
        for (const { start, end, state } of result.found) {
          pieces.push(text.slice(at, start));
          const word = document.createElement(state === "green" ? "mark" : "span");
          word.className = `al-watermark-${state}`;
          word.textContent = text.slice(start, end);
          pieces.push(word);
          at = end;
        }
        shown.replaceChildren(...pieces, text.slice(at));
        say.textContent = sentence(result);
      };
      area.addEventListener("input", show);
      key.addEventListener("input", show);
      for (const button of root.querySelectorAll("button[data-text]")) {
        button.addEventListener("click", () => { area.value = button.dataset.text; show(); });
      }
      show();
    }
  }
  if (document.readyState === "loading") { document.addEventListener("DOMContentLoaded", ready); } else { ready(); }
})();

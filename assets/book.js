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

"use strict";
(() => {
  const form = document.querySelector(".controls");
  if (!form) return;
  form.hidden = false;
  const cards = [...document.querySelectorAll(".card")];
  const texts = cards.map((card) => card.textContent.toLowerCase());
  const words = document.getElementById("words");
  const choices = ["task", "filter", "outcome"]
    .map((key) => [key, document.getElementById(key)])
    .filter(([, select]) => select);

  const update = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    cards.forEach((card, i) => {
      const fits =
        wanted.every((word) => texts[i].includes(word)) &&
        choices.every(([key, s]) => !s.value || card.dataset[key] === s.value);
      card.hidden = !fits;
      shown += fits;
    });
    document.getElementById("shown").textContent = shown;
    document.getElementById("nothing").hidden = shown > 0;
  };

  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  update();
})();

// The menu of MathJax makes every formula a stop of the Tab key, and is a third of the weight. Who wants it asks.
"use strict";
(() => {
  const KEY = "formula-menu";
  const wanted = () => {
    try { return localStorage.getItem(KEY) === "yes"; } catch { return false; }
  };
  if (wanted() && window.MathJax?.loader) MathJax.loader.load.push("ui/menu");
  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("button.formula-menu")) {
      button.hidden = !window.MathJax?.loader;
      if (wanted()) button.textContent = "Formulas: remove menu and keyboard access";
      button.addEventListener("click", () => {
        try { localStorage.setItem(KEY, wanted() ? "no" : "yes"); } catch { return; }
        location.reload();
      });
    }
  });
})();

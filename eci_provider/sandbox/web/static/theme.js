// The colours that the visitor has chosen, before anything is painted.
"use strict";
(() => {
  const KEY = "eci-sandbox-theme";
  const read = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const apply = (theme) => {
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  apply(read());
  document.addEventListener("DOMContentLoaded", () => {
    const box = document.getElementById("theme");
    const chosen = box.querySelector(`input[value="${document.documentElement.dataset.theme || "auto"}"]`);
    chosen.checked = true;
    box.hidden = false;
    box.addEventListener("change", (event) => {
      apply(event.target.value);
      try { localStorage.setItem(KEY, event.target.value); } catch { /* the choice holds for this page */ }
    });
  });
})();

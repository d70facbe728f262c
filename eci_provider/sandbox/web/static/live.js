// Keeps the page up to date. Only what has changed is replaced, so that the visitor keeps his place: scroll positions,
// open details, the focus, selected text, and what he is typing.
"use strict";
(() => {
  const PAUSE = 2000;
  const TYPING = 200;
  const form = document.getElementById("filter");
  const state = document.getElementById("live-state");
  let shown = "";   // the last answer
  let asked = 0;    // counts the requests: only the newest answer is shown
  let timer = 0;

  // Make an element like another one, and keep every node that stays the same.
  function sync(old, wanted) {
    if (old.isEqualNode(wanted)) return;
    if (old.nodeType !== wanted.nodeType || old.nodeName !== wanted.nodeName || old.id !== wanted.id) {
      old.replaceWith(wanted);
    } else if (old.nodeType === Node.TEXT_NODE) {
      old.nodeValue = wanted.nodeValue;
    } else {
      syncAttributes(old, wanted);
      syncChildren(old, wanted);
    }
  }

  function syncAttributes(old, wanted) {
    const own = (name) => name === "open" && old.nodeName === "DETAILS";  // the visitor opens and closes them
    for (const { name } of [...old.attributes]) {
      if (!wanted.hasAttribute(name) && !own(name)) old.removeAttribute(name);
    }
    for (const { name, value } of wanted.attributes) {
      if (old.getAttribute(name) !== value && !own(name)) old.setAttribute(name, value);
    }
  }

  function syncChildren(old, wanted) {
    const kept = new Set([...wanted.children].map((child) => child.id).filter(Boolean));
    let place = old.firstChild;
    for (const child of [...wanted.childNodes]) {
      // What has an id moves with it; what has none is compared by its place.
      while (place && place.id && place.id !== child.id && !kept.has(place.id)) place = removed(place);
      const same = child.id ? old.querySelector(`:scope > [id="${CSS.escape(child.id)}"]`) : null;
      if (same) {
        if (same !== place) old.insertBefore(same, place);
        else place = place.nextSibling;
        sync(same, child);
      } else if (!place || place.id || child.id) {
        old.insertBefore(child, place);
        if (child.id) child.classList.add("new");
      } else {
        const next = place.nextSibling;
        sync(place, child);
        place = next;
      }
    }
    while (place) place = removed(place);
  }

  function removed(node) {
    const next = node.nextSibling;
    node.remove();
    return next;
  }

  function show(html) {
    if (html === shown) return;
    shown = html;
    const page = new DOMParser().parseFromString(html, "text/html");
    const keepPlace = place();
    document.title = page.title;
    for (const region of document.querySelectorAll("[data-live]")) {
      const wanted = page.getElementById(region.id);
      if (wanted) sync(region, wanted);
    }
    keepPlace();
    measure();
  }

  // Return a function that scrolls so that what is at the top of the window now is there again. Not all browsers do it.
  function place() {
    const bar = document.querySelector(".bar").getBoundingClientRect().bottom;
    const seen = scrollY > 0 && [...document.querySelectorAll("[data-live] *")].find((element) => {
      const { top, height } = element.getBoundingClientRect();
      return height > 0 && top >= bar;
    });
    if (!seen) return () => {};
    const before = seen.getBoundingClientRect().top;
    return () => { if (seen.isConnected) scrollBy(0, seen.getBoundingClientRect().top - before); };
  }

  function tell(name, text) {
    if (state.dataset.state === name) return;
    state.dataset.state = name;
    state.querySelector("[role=status]").textContent = text;
  }

  async function refresh() {
    clearTimeout(timer);
    const number = ++asked;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const html = await answer.text();
      if (number !== asked) return;
      if (answer.ok) {
        show(html);
        tell("on", "Live");
      } else {
        tell("off", answer.status === 404 ? "No longer there" : "Trying again");
      }
    } catch {
      if (number !== asked) return;
      tell("off", "No answer from the sandbox");
    }
    plan();
  }

  function plan() {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(refresh, PAUSE);
  }

  // The filter: the address always says what is shown, so that it can be reloaded, sent and gone back to.
  function filtered() {
    const url = new URL(location);
    url.searchParams.delete("rows");
    for (const field of form.elements) {
      if (!field.name || field.type === "hidden") continue;
      if (field.value.trim()) url.searchParams.set(field.name, field.value.trim());
      else url.searchParams.delete(field.name);
    }
    if (url.href === location.href) return;
    history.replaceState(null, "", url);
    refresh();
  }

  function readForm() {
    if (!form) return;
    const given = new URL(location).searchParams;
    for (const field of form.elements) {
      if (field.name && field.type !== "hidden") field.value = given.get(field.name) || "";
    }
  }

  if (form) {
    let typing = 0;
    form.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(filtered, TYPING); });
    form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(typing); filtered(); });
    form.dataset.live = "yes";
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-stay]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    readForm();
    if ("clear" in link.dataset && form) form.elements.q.focus();
    refresh();
  });
  addEventListener("popstate", () => { readForm(); refresh(); });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer);
    else if (state.dataset.state) refresh();
  });

  // The cue of boxes that scroll sideways.
  function measure() {
    for (const box of document.querySelectorAll(".scroller")) {
      const more = box.scrollWidth - box.clientWidth;
      box.parentElement.classList.toggle("overflows", more > 1);
      box.parentElement.classList.toggle("at-start", box.scrollLeft <= 1);
      box.parentElement.classList.toggle("at-end", box.scrollLeft >= more - 1);
    }
  }
  document.addEventListener("scroll", (event) => { if (event.target !== document) measure(); }, true);
  document.addEventListener("toggle", measure, true);
  addEventListener("resize", measure);

  measure();
  if (document.getElementById("live")) {  // a page that says "not found" has nothing to update
    tell("on", "Live");
    plan();
  }
})();

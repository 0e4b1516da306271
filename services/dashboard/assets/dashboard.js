// Keeps a page up to date and copies commands. Every page can be read without it.
"use strict";

const main = document.getElementById("main");

// Copy buttons are there for whoever has script.
function offerCopies(root) {
  for (const button of root.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.closest("figure").querySelector("code");
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        // Without the clipboard the text is at least chosen.
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }
}

// The exact time is shown on hover: in UTC from the server, and here in the reader's own zone.
function showLocal(root) {
  for (const time of root.querySelectorAll("time[datetime][title]")) {
    const at = new Date(time.dateTime);
    if (!isNaN(at)) time.title = time.title.split("\n")[0] + "\n" + at.toLocaleString() + " here";
  }
  for (const text of root.querySelectorAll("[data-here]")) {
    const at = new Date(text.dataset.here);
    if (!isNaN(at)) text.textContent = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }) + " here";
  }
}

// A search shows what it finds while one types. Without script its button does.
function searchAsTyped() {
  const form = document.querySelector("form[role=search]");
  if (!form) return;
  let waiting = null;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const url = new URL(form.action);
      for (const [name, value] of new FormData(form)) if (value) url.searchParams.set(name, value);
      const answer = await fetch(url, { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById("found");
      if (!found) return;
      history.replaceState(null, "", url);
      document.getElementById("found").replaceChildren(...found.childNodes);
      showLocal(main);
    }, 200);
  });
}

// What a reader has unfolded stays so.
function keepOpen(before, after) {
  const name = (details) => details.closest("[id]").id + "/" + details.querySelector("summary").textContent;
  const open = new Map();
  for (const details of before.querySelectorAll("details")) open.set(name(details), details.open);
  for (const details of after.querySelectorAll("details")) {
    const was = open.get(name(details));
    if (was !== undefined) details.open = was;
  }
}

// Whether a field holds something else than the page came with.
function isChanged(field) {
  if (field.matches("select")) {
    const usual = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(usual, 0);
  }
  return field.value !== field.defaultValue || field.checked !== field.defaultChecked;
}

// A reader who types, has begun to fill in a form, has chosen text or has scrolled a table sideways is left in peace.
function isBusy() {
  const active = document.activeElement;
  const inField = active && main.contains(active) && active.matches("input, select, textarea");
  const types = inField || [...main.querySelectorAll("form[method=post] :is(input, select, textarea)")].some(isChanged);
  const chosen = String(getSelection()).length > 0;
  const scrolled = [...main.querySelectorAll(".scroll, pre")].some((one) => one.scrollLeft > 0 || (one.matches("pre") && one.scrollTop > 0));
  return types || chosen || scrolled;
}

// A page that shows a secret stays, and says when what it waits for has come.
function awaitArrival() {
  const waiting = main.querySelector("[data-await]");
  if (!waiting) return;
  const look = async () => {
    const answer = document.hidden ? null : await fetch(waiting.dataset.await, { credentials: "same-origin", headers: { "X-Live": "1" } });
    if (!answer || !answer.redirected) { setTimeout(() => look().catch(again), 1000); return; }
    const link = document.createElement("a");
    link.className = "button";
    link.href = answer.url;
    link.textContent = waiting.dataset.arrived;
    waiting.replaceChildren(link);
  };
  // The server is away for a moment: the next try may find it.
  const again = () => setTimeout(() => look().catch(again), 1000);
  look().catch(again);
}

let shown = null;

async function renew() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { credentials: "same-origin", headers: { "X-Live": "1" } });
  // The page has become another: the first run, or the form to sign in.
  if (answer.redirected) { location.assign(answer.url); return; }
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const next = page.getElementById("main");
  if (!next || next.innerHTML === shown || isBusy()) return;
  shown = next.innerHTML;
  const focused = document.activeElement && main.contains(document.activeElement) ? document.activeElement.id || document.activeElement.getAttribute("href") : null;
  keepOpen(main, next);
  main.replaceChildren(...next.childNodes);
  document.title = page.title;
  offerCopies(main);
  showLocal(main);
  searchAsTyped();
  if (focused) {
    const again = document.getElementById(focused) || [...main.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === focused);
    if (again) again.focus({ preventScroll: true });
  }
}

function live() {
  const seconds = Number(main.dataset.live);
  if (!seconds) return;
  setTimeout(async () => {
    try { await renew(); } catch { /* The server is away for a moment: the next try may find it. */ }
    live();
  }, seconds * 1000);
}

if (main) {
  offerCopies(main);
  showLocal(main);
  searchAsTyped();
  awaitArrival();
  live();
}

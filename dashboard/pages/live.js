// The one script: it tells times in the zone of who looks, and has a page fetched again when something happened. Without
// it every page says the same, in UTC, and is as new as its last reload.
"use strict";
(function () {
  const day = { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
  function times(root) {
    for (const t of root.querySelectorAll("time[datetime]:not(.ago)")) {
      const at = new Date(t.dateTime);
      if (!isNaN(at)) t.textContent = new Intl.DateTimeFormat(undefined, day).format(at);
    }
  }
  times(document);

  const main = document.querySelector("main[data-live]");
  const status = document.getElementById("pulse");
  if (!main || !status || !window.EventSource) return;
  let busy = false, again = false;
  function say(text) { status.textContent = text; }
  // Only what is marked as fresh is put in place of what is shown, and only where it differs: what somebody is typing stays.
  async function fetchAgain() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { "Accept": "text/html" }, cache: "no-store" });
      if (answer.redirected && new URL(answer.url).pathname === "/login") { location.reload(); return; }
      if (!answer.ok) { say("This page could not be brought up to date; reload it."); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of document.querySelectorAll("[data-fresh]")) {
        const now = page.querySelector('[data-fresh="' + old.dataset.fresh + '"]');
        if (!now) continue;
        times(now);
        if (old.innerHTML === now.innerHTML) continue;
        const at = document.activeElement, kept = old.contains(at) && at.getAttribute("href");
        old.replaceChildren(...now.childNodes);
        if (kept) { const a = old.querySelector('a[href="' + CSS.escape(kept) + '"]'); if (a) a.focus(); }
      }
      say("Brought up to date at " + new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date()) + ".");
    } catch (e) {
      say("The server cannot be reached; trying again.");
    } finally {
      setTimeout(function () { busy = false; if (again) { again = false; fetchAgain(); } }, 1000);
    }
  }
  let source, lost = false;
  function listen() {
    source = new EventSource("/live");
    source.addEventListener("change", fetchAgain);
    source.addEventListener("open", function () { if (lost) { lost = false; fetchAgain(); } else say("Brought up to date as things happen."); });
    source.addEventListener("error", function () { lost = true; });
  }
  // A page that nobody looks at listens to nothing.
  document.addEventListener("visibilitychange", function () {
    if (document.hidden) { if (source) { source.close(); source = null; lost = true; } }
    else if (!source) listen();
  });
  if (!document.hidden) listen();
})();

// Training and Models: a click on [data-KEY] in one of their HTML pieces becomes one event; the
// server does everything else. Loaded once in <head>.
window.sightlineTraining = (() => {
  function choose(element, key, send) {
    element.addEventListener("click", (event) => {
      const button = event.target.closest(`[data-${key}]`);
      if (!button) return;
      element.querySelectorAll(`[data-${key}][aria-current]`).forEach((b) => b.removeAttribute("aria-current"));
      button.setAttribute("aria-current", key === "step" ? "step" : "true");
      send(button.dataset[key]);
    });
  }

  // The log follows its end, unless someone reads further up.
  const seen = new WeakSet();
  new MutationObserver(() => document.querySelectorAll(".tr-log").forEach((log) => {
    if (!seen.has(log)) { seen.add(log); log.scrollTop = log.scrollHeight; }
  })).observe(document.documentElement, { childList: true, subtree: true });

  return { choose };
})();

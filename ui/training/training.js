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

  // Settings whose label or meaning holds each of the words; a group without any goes as well.
  function filter(text) {
    const words = text.toLowerCase().split(/\s+/);
    document.querySelectorAll("#tr-advanced .tr-fields").forEach((group) => {
      const fields = [...group.querySelectorAll(".tr-field")];
      fields.forEach((field) => field.toggleAttribute("data-out",
        !words.every((word) => field.textContent.toLowerCase().includes(word))));
      group.toggleAttribute("data-out", fields.every((field) => field.hasAttribute("data-out")));
    });
  }

  document.addEventListener("input", (event) => {
    if (event.target.closest("#tr-search")) filter(event.target.value);
  });

  // The log follows its end, unless someone reads further up.
  const seen = new WeakSet();
  new MutationObserver(() => document.querySelectorAll(".tr-log").forEach((log) => {
    if (!seen.has(log)) { seen.add(log); log.scrollTop = log.scrollHeight; }
  })).observe(document.documentElement, { childList: true, subtree: true });

  return { choose };
})();

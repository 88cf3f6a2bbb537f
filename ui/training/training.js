// The settings whose label or meaning holds each of the searched words; a group without any goes too.
document.addEventListener("input", (event) => {
  if (!event.target.closest("#tr-search")) return;
  const words = event.target.value.toLowerCase().split(/\s+/);
  document.querySelectorAll("#tr-advanced .tr-fields").forEach((group) => {
    const fields = [...group.querySelectorAll(".tr-field")];
    fields.forEach((field) => field.toggleAttribute("data-out",
      !words.every((word) => field.textContent.toLowerCase().includes(word))));
    group.toggleAttribute("data-out", fields.every((field) => field.hasAttribute("data-out")));
  });
});

// Plots are reached by Tab and zoom as panels do: + and -, 0 for the whole.
document.addEventListener("keydown", (event) => {
  const plot = event.target.closest?.(".js-plotly-plot");
  const title = { "+": "Zoom in", "=": "Zoom in", "-": "Zoom out", 0: "Reset axes" }[event.key];
  const button = plot && title && plot.querySelector(`.modebar-btn[data-title="${title}"]`);
  if (button) { event.preventDefault(); button.click(); }
});
new MutationObserver(() => document.querySelectorAll(".js-plotly-plot:not([tabindex])").forEach((plot) => {
  const title = plot.closest(".tr-chart")?.querySelector("h3, h4, b")?.textContent || "Plot";
  plot.tabIndex = 0;
  plot.setAttribute("role", "group");
  plot.setAttribute("aria-label", `${title}. Plus and minus zoom, 0 shows all.`);
})).observe(document.documentElement, { childList: true, subtree: true });

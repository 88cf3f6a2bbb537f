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

// A press on [data-KEY] in an HTML piece becomes one event; the pressed one is marked at once.
window.sightline.chooser = (element, key, send) => {
  element.addEventListener("click", (event) => {
    const button = event.target.closest(`[data-${key}]`);
    if (!button) return;
    element.querySelectorAll(`[data-${key}][aria-current]`).forEach((b) => b.removeAttribute("aria-current"));
    button.setAttribute("aria-current", "true");
    send(button.dataset[key]);
  });
};

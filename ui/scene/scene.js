// What the Scene page does in the browser beyond its components: the examples strip, the PNG, the
// keyboard after a run, lists that close when one tabs on.
window.sightline.scene = (() => {
  function examples(element, send) {
    const buttons = () => [...element.querySelectorAll("[data-example]")];
    element.addEventListener("click", (event) => {
      const button = event.target.closest("[data-example]");
      if (!button) return;
      buttons().forEach((b) => b.setAttribute("aria-pressed", b === button));
      send(button.dataset.example);
    });
    window.sightline.rove(element, "[data-example]");
  }

  // After a run the keyboard is on the images: Compare, which had it, was hidden meanwhile.
  let asked = false;
  document.addEventListener("click", (event) => {
    asked ||= Boolean(event.target.closest("#sl-compare, .sl-example"));
  });
  document.addEventListener("keydown", (event) => {
    asked ||= event.key === "Enter" && Boolean(event.target.closest("#sl-prompt"));
  });
  function attach(element, watch) {
    const focus = () => setTimeout(() => {
      const image = element.querySelector(".sl-svg");
      const lost = !document.activeElement || document.activeElement === document.body;
      if (asked && image && lost) image.focus({ preventScroll: true });
      if (image) asked = false;
    }, 50);
    watch("value", focus);
    focus();
  }

  // Gradio's upload field hears no keys.
  document.addEventListener("keydown", (event) => {
    if (!["Enter", " "].includes(event.key) || !event.target.matches("#sl-image button.upload-container")) return;
    event.preventDefault();
    document.querySelector("#sl-image input[type=file]").click();
  });

  // Gradio leaves a list open when one tabs on, over the labels of the next field.
  document.addEventListener("focusout", (event) => {
    const list = event.target;
    if (list.getAttribute?.("role") !== "combobox") return;
    const close = new KeyboardEvent("keydown", { key: "Escape", bubbles: true });
    setTimeout(() => { if (list.getAttribute("aria-expanded") === "true") list.dispatchEvent(close); }, 60);
  });

  // The sheet comes as SVG; the browser draws it and saves it as PNG.
  async function png(props) {
    if (!props.value) return;
    const { name, svg } = JSON.parse(props.value);
    props.value = ""; // so that the same sheet can come again
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext("2d").drawImage(image, 0, 0);
    URL.revokeObjectURL(image.src);
    const link = document.createElement("a");
    [link.download, link.href] = [name, canvas.toDataURL("image/png")];
    link.click();
  }

  return { examples, attach, png };
})();

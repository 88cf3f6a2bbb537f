// The panels of ui/components/panels.py: one zoom for all, the modes, values under the pointer.
// Positions are pixels of the original image, in which each SVG's viewBox is written.
window.sightline.panels = (() => {
  const REMEMBERED = "sightline-mode";
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const CLOSEST = 12; // how far one can zoom in

  function at(svg, event) {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [place.x, place.y];
  }

  function attach(element, watch) {
    let view = null; // x, y, width, height that all panels show
    let shownCase = "";
    let drag = null;
    const stage = () => element.querySelector(".sl-stage");
    const svgs = () => [...element.querySelectorAll(".sl-svg")];
    const size = () => stage().dataset.wh.split(",").map(Number);
    const marking = () => stage().classList.contains("sl-marking");

    function draw() {
      if (!stage()) return;
      const [width, height] = size();
      if (stage().dataset.case !== shownCase) view = null;
      shownCase = stage().dataset.case;
      const [x, y, w, h] = view || [0, 0, width, height];
      svgs().forEach((svg) => {
        svg.setAttribute("viewBox", `${x} ${y} ${w} ${h}`);
        const box = svg.getBoundingClientRect();
        if (box.width) svg.style.setProperty("--sl-px", Math.max(w / box.width, h / box.height));
      });
      stage().classList.toggle("sl-zoomed", Boolean(view));
    }

    function zoom(by, [px, py] = []) {
      const [width, height] = size();
      const [x, y, w, h] = view || [0, 0, width, height];
      const to = by ? Math.min(Math.max(w / by, width / CLOSEST), width) : width;
      const [cx, cy] = px === undefined ? [x + w / 2, y + h / 2] : [px, py];
      const share = to / w;
      move([cx - (cx - x) * share, cy - (cy - y) * share, to, (to * height) / width]);
    }

    function move([x, y, w, h]) {
      const [width, height] = size();
      const within = (value, most) => Math.min(Math.max(value, 0), most);
      view = w >= width ? null : [within(x, width - w), within(y, height - h), w, h];
      draw();
    }

    function mode(name) {
      if (!stage()) return;
      if (name) localStorage[REMEMBERED] = name;
      const single = stage().dataset.count === "1";
      stage().dataset.mode = single ? "one" : localStorage[REMEMBERED] || "three";
      stage().dataset.shown = "base";
      element.querySelectorAll("[data-mode]:is(button)").forEach((button) =>
        button.setAttribute("aria-pressed", String(button.dataset.mode === stage().dataset.mode)));
      draw();
    }

    function tell(event) {
      const svg = event.target.closest(".sl-svg");
      const value = element.querySelector(".sl-value");
      if (!value) return;
      value.hidden = !svg || event.pointerType === "touch";
      if (value.hidden) return;
      const [x, y] = at(svg, event);
      const [width, height] = size();
      value.hidden = x < 0 || y < 0 || x >= width || y >= height;
      const said = [`(${Math.floor(x)}, ${Math.floor(y)}) px`];
      const map = svg.dataset.map && JSON.parse(svg.dataset.map);
      if (map) {
        const [x1, y1, x2, y2] = map.area;
        const row = map.values[Math.floor(((y - y1) / (y2 - y1)) * map.values.length)];
        const cell = row && row[Math.floor(((x - x1) / (x2 - x1)) * row.length)];
        if (cell !== undefined) said.push(`${cell} ${map.unit}`);
      }
      value.textContent = said.join(" · ");
      const left = event.clientX + 14 + value.offsetWidth > window.innerWidth;
      value.style.left = `${event.clientX + (left ? -14 - value.offsetWidth : 14)}px`;
      value.style.top = `${event.clientY + 16}px`;
    }

    const flip = (to) => { if (stage()?.dataset.mode === "flicker") stage().dataset.shown = to; };

    element.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button?.dataset.mode) mode(button.dataset.mode);
      if (button?.dataset.zoom) zoom(Number(button.dataset.zoom));
    });
    element.addEventListener("input", (event) => {
      if (event.target.matches(".sl-split")) stage().style.setProperty("--sl-split", `${event.target.value}%`);
    });
    element.addEventListener("wheel", (event) => {
      const svg = event.target.closest(".sl-svg");
      if (!svg || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, at(svg, event));
    }, { passive: false });
    element.addEventListener("dblclick", (event) => {
      if (event.target.closest(".sl-svg") && !marking()) zoom(0);
    });
    element.addEventListener("pointerdown", (event) => {
      const svg = event.target.closest(".sl-svg");
      if (!svg || event.button || marking()) return;
      flip("finetuned");
      if (view) drag = { from: at(svg, event), svg };
    });
    element.addEventListener("pointermove", (event) => {
      tell(event);
      if (!drag || !view) return;
      const [x, y] = at(drag.svg, event);
      move([view[0] + drag.from[0] - x, view[1] + drag.from[1] - y, view[2], view[3]]);
    });
    element.addEventListener("pointerleave", (event) => tell({ target: document.body, ...event }));
    window.addEventListener("pointerup", () => { drag = null; flip("base"); });
    element.addEventListener("keydown", (event) => {
      if (!event.target.closest(".sl-svg") || event.ctrlKey || event.metaKey) return;
      const by = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, 0: 0 }[event.key];
      const way = ARROWS[event.key];
      if (by !== undefined) zoom(by);
      else if (way && view && !marking()) {
        move([view[0] + (way[0] * view[2]) / 10, view[1] + (way[1] * view[3]) / 10, view[2], view[3]]);
      } else return;
      event.preventDefault();
    });
    // Space, held anywhere but in a field or on a button, shows the other side.
    document.addEventListener("keydown", (event) => {
      if (event.code !== "Space" || stage()?.dataset.mode !== "flicker" || !element.checkVisibility()) return;
      if (event.target.closest("input, textarea, select, button, a")) return;
      event.preventDefault();
      flip("finetuned");
    });
    document.addEventListener("keyup", (event) => { if (event.code === "Space") flip("base"); });
    new ResizeObserver(draw).observe(element);
    // What is drawn anew keeps the keyboard where it was.
    let focused = null;
    element.addEventListener("focusin", (event) => {
      focused = event.target.closest(".sl-figure")?.dataset.side || null;
    });
    watch("value", () => {
      mode();
      const held = focused && document.activeElement === document.body;
      if (held) element.querySelector(`[data-side="${focused}"] .sl-svg`)?.focus({ preventScroll: true });
    });
    mode();
  }

  // The browser alone dims the maps while the slider moves.
  function opacity(share) {
    document.querySelectorAll(".sl-stage").forEach((s) => s.style.setProperty("--sl-opacity", share));
  }

  return { attach, at, opacity };
})();

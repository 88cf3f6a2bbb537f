// Marking a point on the panels themselves: click or tap for a point, drag for a box whose centre is
// the point, arrows nudge, Esc takes back a step. Positions are pixels of the original image.
// The server gets the mark as the value of a hidden gr.HTML, so it is there before a click on Save.
window.sightline.marker = (() => {
  const KEPT = "sightline-draft "; // this browser tab's memory: a reload loses no mark
  const drafts = {}; // case -> steps, newest last; a save begins another case
  const waited = new Set(); // cases whose five seconds are over
  const NUDGES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  let box = false; // what a drag means; stays from case to case
  let marked = ""; // the case that is being marked
  let report = null; // tells the server the newest mark
  let root = null; // element of the panels
  let tools = null; // element of the buttons

  const stage = () => root && root.querySelector(".sl-stage[data-draft]");
  const named = () => stage()?.dataset.draft;
  const size = () => stage().dataset.wh.split(",").map(Number);
  const steps = () => (drafts[named()] ||= kept().steps);
  const newest = () => steps().at(-1) || { point: null, box: null };
  const within = (value, most) => Math.min(Math.max(value, 0), most);
  const ready = () => !stage().dataset.wait || waited.has(named());
  const marking = () => Boolean(stage()) && marked === named();

  function kept() {
    const nothing = { steps: [], texts: {} };
    try { return { ...nothing, ...JSON.parse(sessionStorage[KEPT + named()] || "{}") }; }
    catch { return nothing; }
  }

  function keep(change) {
    try { sessionStorage[KEPT + named()] = JSON.stringify({ ...kept(), ...change }); }
    catch { /* a browser without storage: a reload then begins afresh */ }
  }

  function push(mark) {
    steps().push(mark);
    if (steps().length > 500) steps().shift();
    draw();
  }

  function undo() {
    const had = steps().pop();
    if (had) draw();
    return Boolean(had);
  }

  // ---- drawing ------------------------------------------------------------------------------
  function draw() {
    if (!stage()) return;
    const mark = marking() ? newest() : { point: null, box: null };
    const half = mark.box ? 0 : 0.5; // a clicked pixel is marked at its middle
    root.querySelectorAll(".sl-draft").forEach((draft) => {
      draft.style.display = mark.point ? "" : "none";
      if (!mark.point) return;
      const [x, y] = mark.point.map((v) => v + half);
      draft.querySelector("g").style.transform = `translate(${x}px, ${y}px) scale(var(--sl-px, 1))`;
      const [x1, y1, x2, y2] = mark.box || [0, 0, 0, 0];
      const area = { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
      Object.entries(area).forEach(([key, value]) => draft.querySelector("rect").setAttribute(key, value));
    });
    stage().classList.toggle("sl-marking", marking());
    stage().classList.toggle("sl-mark-off", marking() && !ready());
    stage().classList.toggle("sl-mark-boxes", box);
    if (tools) {
      tools.querySelector(".sl-mark-where").textContent = words(mark);
      tools.querySelector('[data-role="undo"]').disabled = !steps().length;
      tools.querySelectorAll("[data-means]").forEach((button) =>
        button.setAttribute("aria-pressed", String((button.dataset.means === "box") === box)));
    }
    const found = { case: named(), ...newest() };
    if (report) report(found.point ? JSON.stringify(found) : "");
    keep({ steps: steps().slice(-50) });
  }

  function words(mark) {
    if (!ready()) return "";
    if (!mark.point) return "Nothing is marked yet";
    const [x, y] = mark.point.map(Math.round);
    const [x1, y1, x2, y2] = mark.box || [];
    return mark.box ? `Box ${x2 - x1} × ${y2 - y1} px, centre (${x}, ${y}) px` : `Point (${x}, ${y}) px`;
  }

  // ---- pointer and keys ---------------------------------------------------------------------
  const image = (event) => event.target.closest(".sl-svg");
  const place = (event) => window.sightline.panels.at(image(event) || from.svg, event);

  function point([x, y]) {
    const [width, height] = size();
    push({ point: [within(Math.floor(x), width - 1), within(Math.floor(y), height - 1)], box: null });
  }

  function spanned([ax, ay], [bx, by]) {
    const [width, height] = size();
    const [x1, x2] = [ax, bx].map((x) => within(Math.round(x), width)).sort((a, b) => a - b);
    const [y1, y2] = [ay, by].map((y) => within(Math.round(y), height)).sort((a, b) => a - b);
    if (x2 - x1 < 2 || y2 - y1 < 2) return null;
    return { point: [(x1 + x2) / 2, (y1 + y2) / 2], box: [x1, y1, x2, y2] };
  }

  let from = null; // where a drag began

  function down(event) {
    if (!image(event) || event.button || !marking() || !ready() || !box) return;
    event.preventDefault();
    image(event).focus({ preventScroll: true });
    image(event).setPointerCapture(event.pointerId);
    from = { at: place(event), svg: image(event) };
    steps().push(newest());
  }

  function move(event) {
    const mark = from && spanned(from.at, window.sightline.panels.at(from.svg, event));
    if (!mark) return;
    steps().splice(-1, 1, mark);
    draw();
  }

  function up(event) {
    if (!from) return;
    const to = window.sightline.panels.at(from.svg, event);
    const mark = spanned(from.at, to);
    from = null;
    steps().pop();
    if (mark) push(mark); else point(to); // a click without a drag
  }

  function cancelDrag() {
    if (!from) return;
    from = null;
    steps().pop();
    draw();
  }

  function click(event) {
    if (box || !image(event) || !marking() || !ready()) return;
    image(event).focus({ preventScroll: true });
    point(place(event));
  }

  function key(event) {
    if (!image(event)) return;
    if (!marking()) {
      if (event.key === "m") document.querySelector("#sl-wrong")?.click();
      return;
    }
    if (event.key === "Escape" && from) return cancelDrag();
    if (event.key === "Escape" && undo()) return event.preventDefault();
    if (event.key === "Enter" && newest().point) return document.querySelector("#sl-save")?.click();
    if (!NUDGES[event.key] || !ready()) return;
    event.preventDefault();
    nudge(NUDGES[event.key], event.shiftKey ? 10 : 1);
  }

  function nudge(way, times) {
    const [width, height] = size();
    // One pixel of the original image; of an image larger than any panel, one that can be seen.
    const far = times * Math.max(1, Math.round(width / 1280));
    const { point: at, box: area } = newest();
    if (!at) return point([width / 2, height / 2]);
    if (!area) return point([at[0] + far * way[0], at[1] + far * way[1]]);
    const dx = Math.min(Math.max(far * way[0], -area[0]), width - area[2]);
    const dy = Math.min(Math.max(far * way[1], -area[1]), height - area[3]);
    push({ point: [at[0] + dx, at[1] + dy],
      box: [area[0] + dx, area[1] + dy, area[2] + dx, area[3] + dy] });
  }

  // ---- five seconds -------------------------------------------------------------------------
  let counting = "";

  function wait() {
    if (!stage() || !stage().dataset.wait) return;
    marked = named();
    if (ready() || counting === named()) return;
    counting = named();
    focus(); // the seconds count only what is in view
    const until = performance.now() + 1000 * Number(stage().dataset.wait);
    const tick = () => {
      if (!stage() || named() !== counting) { counting = ""; return; }
      const left = Math.ceil((until - performance.now()) / 1000);
      const told = root.querySelector("figcaption h3");
      if (left > 0) {
        told.textContent = `Study the image. Mark it in ${left} s.`;
        setTimeout(tick, 100);
        return;
      }
      waited.add(counting);
      counting = "";
      told.textContent = "Where should a driver look? Mark it now.";
      draw();
    };
    tick();
  }

  // ---- to and from gradio -------------------------------------------------------------------
  function attach(element, watch) {
    root = element;
    const events = { pointerdown: down, pointermove: move, pointerup: up, pointercancel: cancelDrag, click, keydown: key };
    Object.entries(events).forEach(([name, act]) => element.addEventListener(name, act));
    const shown = () => { wait(); draw(); setTimeout(reword, 50); };
    watch("value", shown);
    shown();
  }

  function toolbar(element) {
    tools = element;
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button || !stage() || !ready()) return;
      if (button.dataset.means) { box = button.dataset.means === "box"; draw(); }
      if (button.dataset.role === "undo") undo();
      if (button.dataset.nudge) nudge(NUDGES[button.dataset.nudge], 4);
    });
    draw();
  }

  // Texts of a case that were begun before a reload come back into their empty fields.
  function reword() {
    document.querySelectorAll(".sl-draft-text textarea, .sl-draft-text input").forEach((field) => {
      const key = field.closest("[id]").id;
      if (!field.dataset.kept)
        field.addEventListener("input", () => stage() && keep({ texts: { ...kept().texts, [key]: field.value } }));
      field.dataset.kept = "1";
      if (!stage() || field.value || !kept().texts[key]) return;
      field.value = kept().texts[key];
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }

  function value(props) {
    report = (text) => { if (props.value !== text) props.value = text; };
    // What is set while gradio still mounts the component does not reach it.
    setTimeout(draw, 0);
  }

  function focus() {
    const first = [...root.querySelectorAll(".sl-svg")].find((svg) => svg.checkVisibility());
    if (!first) return;
    first.focus({ preventScroll: true });
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    first.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  }

  // Wrong opens the mark and gives the image the keys; Close puts it away.
  function open() { marked = named(); draw(); focus(); setTimeout(reword, 100); }
  function close() { marked = ""; draw(); }

  function mine(element, send) {
    element.addEventListener("click", (event) => {
      const button = event.target.closest("[data-withdraw]");
      if (button) send(button.dataset.withdraw);
    });
  }

  return { attach, tools: toolbar, value, mine, open, close };
})();

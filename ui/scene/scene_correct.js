// Marking the hazard on a picture: click or tap for a point, drag for a box whose centre is the
// point, arrows nudge, Esc takes back a step. Positions are pixels of the original picture.
// The server gets the mark as the value of a hidden gr.HTML, so it is there before any click on Save.
window.sightline.marker = (() => {
  const KEPT = "sightline-draft "; // this browser tab's memory: a reload loses no mark
  const drafts = {}; // case -> steps, newest last; a save begins another case
  const waited = new Set(); // cases whose five seconds are over
  const NUDGES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  let box = false; // what a drag means; stays from case to case
  let report = null; // tells the server the newest mark
  let root = null;

  const part = (selector) => root && root.querySelector(selector);
  const frame = () => part(".sl-mark");
  const size = () => [Number(frame().dataset.width), Number(frame().dataset.height)];
  const steps = () => (drafts[frame().dataset.case] ||= kept().steps);
  const newest = () => steps().at(-1) || { point: null, box: null };
  const within = (value, most) => Math.min(Math.max(value, 0), most);
  const ready = () => !frame().dataset.wait || waited.has(frame().dataset.case);

  function kept() {
    const nothing = { steps: [], rationale: "" };
    try { return { ...nothing, ...JSON.parse(sessionStorage[KEPT + frame().dataset.case] || "{}") }; }
    catch { return nothing; }
  }

  function keep(change) {
    try { sessionStorage[KEPT + frame().dataset.case] = JSON.stringify({ ...kept(), ...change }); }
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
    if (!frame()) return;
    const [width, height] = size();
    const mark = newest();
    const cross = part(".sl-mark-cross");
    const area = part(".sl-mark-box");
    cross.hidden = !mark.point;
    area.hidden = !mark.box;
    if (mark.point) {
      const half = mark.box ? 0 : 0.5; // a clicked pixel is marked at its middle
      cross.style.left = `${(100 * (mark.point[0] + half)) / width}%`;
      cross.style.top = `${(100 * (mark.point[1] + half)) / height}%`;
    }
    if (mark.box) {
      const [x1, y1, x2, y2] = mark.box;
      area.style.left = `${(100 * x1) / width}%`;
      area.style.top = `${(100 * y1) / height}%`;
      area.style.width = `${(100 * (x2 - x1)) / width}%`;
      area.style.height = `${(100 * (y2 - y1)) / height}%`;
    }
    part(".sl-mark-where").textContent = words(mark);
    part('[data-role="undo"]').disabled = !steps().length;
    root.querySelectorAll("[data-mode]").forEach((button) =>
      button.setAttribute("aria-pressed", String((button.dataset.mode === "box") === box)));
    part(".sl-mark-picture").classList.toggle("sl-mark-dragging", box);
    root.querySelectorAll("[data-mode], .sl-mark-picture").forEach((element) =>
      element.classList.toggle("sl-mark-off", !ready()));
    const found = { case: frame().dataset.case, ...mark };
    if (report) report(mark.point ? JSON.stringify(found) : "");
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
  function place(event) {
    const [width, height] = size();
    const seen = part(".sl-mark-picture img").getBoundingClientRect();
    return [((event.clientX - seen.left) / seen.width) * width,
      ((event.clientY - seen.top) / seen.height) * height];
  }

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
    if (!event.target.closest(".sl-mark-picture") || event.button || !ready()) return;
    if (!box) return;
    event.preventDefault();
    part(".sl-mark-picture").focus();
    part(".sl-mark-picture").setPointerCapture(event.pointerId);
    from = place(event);
    steps().push(newest());
  }

  function move(event) {
    const mark = from && spanned(from, place(event));
    if (!mark) return;
    steps().splice(-1, 1, mark);
    draw();
  }

  function up(event) {
    if (!from) return;
    const mark = spanned(from, place(event));
    from = null;
    steps().pop();
    if (mark) push(mark); else point(place(event)); // a click without a drag
  }

  function cancelDrag() {
    if (!from) return;
    from = null;
    steps().pop();
    draw();
  }

  function click(event) {
    const button = event.target.closest("button");
    if (button && button.dataset.mode) { box = button.dataset.mode === "box"; return draw(); }
    if (button && button.dataset.role === "undo") return undo();
    if (box || !ready() || !event.target.closest(".sl-mark-picture")) return;
    part(".sl-mark-picture").focus();
    point(place(event));
  }

  function key(event) {
    if (event.key === "Escape" && from) return cancelDrag();
    if (event.key === "Escape" && undo()) return event.preventDefault();
    const way = NUDGES[event.key];
    if (!way || !ready() || !event.target.closest(".sl-mark-picture")) return;
    event.preventDefault();
    const [width, height] = size();
    // One pixel of the original picture; of a picture larger than any panel, one that can be seen.
    const far = (event.shiftKey ? 10 : 1) * Math.max(1, Math.round(width / 1280));
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
    const own = frame();
    if (!own || !own.dataset.wait || ready() || counting === own.dataset.case) return;
    counting = own.dataset.case;
    show(); // the seconds count only what is in view
    const until = performance.now() + 1000 * Number(own.dataset.wait);
    const tick = () => {
      if (!frame() || frame().dataset.case !== counting) { counting = ""; return; }
      const left = Math.ceil((until - performance.now()) / 1000);
      const place = part(".sl-mark-wait");
      if (left > 0) {
        if (place) place.textContent = `Look at the picture. You will be asked in ${left} s.`;
        setTimeout(tick, 100);
        return;
      }
      waited.add(counting);
      counting = "";
      if (place) place.textContent = "Where should a driver look? Mark it now.";
      draw();
    };
    tick();
  }

  // ---- to and from gradio -------------------------------------------------------------------
  function editor(element, watch) {
    root = element;
    element.addEventListener("pointerdown", down);
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", up);
    element.addEventListener("pointercancel", cancelDrag);
    element.addEventListener("click", click);
    element.addEventListener("keydown", key);
    const shown = () => { draw(); wait(); setTimeout(reword, 50); };
    watch("value", shown);
    shown();
  }

  // The rationale of a case that was begun before a reload comes back into its empty field.
  function reword() {
    const field = document.querySelector("#sl-rationale textarea");
    if (!field || !frame()) return;
    if (!field.dataset.kept) field.addEventListener("input", () => keep({ rationale: field.value }));
    field.dataset.kept = "1";
    if (field.value || !kept().rationale) return;
    field.value = kept().rationale;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function value(props) {
    report = (text) => { if (props.value !== text) props.value = text; };
    // What is set while gradio still mounts the component does not reach it.
    setTimeout(draw, 0);
  }

  // The editor was opened: the picture comes into view and gets the keys.
  function show(left = 40) {
    const picture = part(".sl-mark-picture");
    if (!picture || !picture.isConnected || !picture.offsetParent)
      return left ? setTimeout(() => show(left - 1), 50) : undefined;
    picture.focus({ preventScroll: true });
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    picture.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
    return undefined;
  }

  function mine(element, send) {
    element.addEventListener("click", (event) => {
      const button = event.target.closest("[data-withdraw]");
      if (button) send(button.dataset.withdraw);
    });
  }

  return { editor, value, mine, show };
})();

// The Corrections page without the server: the keyboard, the place in the queue, which correction a
// decision is about, and marks for bulk work.
window.sightlineCorrections = (() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const root = () => one("#sl-cor");
  const shownNow = () => Boolean(root() && root().checkVisibility());
  let marked = new Set(); // cases marked for bulk work, kept while the page lives
  let chosen = ""; // the correction that the next decision is about
  let chosenStatus = "";

  // ---- queue ----------------------------------------------------------------------------------
  const rows = () => all("#sl-cor-queue [data-case]");
  const current = () => rows().findIndex((row) => row.getAttribute("aria-current") === "true");
  const shownCase = () => one("#sl-cor-case [data-shown]")?.dataset.shown || "";

  function open(row) {
    if (!row) return;
    rows().forEach((other) => other.setAttribute("aria-current", String(other === row)));
    row.scrollIntoView({ block: "nearest" });
    row.dispatchEvent(new CustomEvent("sl-open", { bubbles: true }));
  }

  function queue(element, send, watch) {
    element.addEventListener("sl-open", (event) => send(event.target.dataset.case));
    element.addEventListener("click", (event) => {
      const row = event.target.closest("[data-case]");
      if (row) open(row);
    });
    element.addEventListener("change", (event) => {
      const box = event.target.closest("[data-mark]");
      if (!box) return;
      marked[box.checked ? "add" : "delete"](box.dataset.mark);
      showMarks();
    });
    watch("value", () => { showMarks(); one("#sl-cor-queue [aria-current=true]")?.scrollIntoView({ block: "nearest" }); });
    showMarks();
  }

  function showMarks() {
    all("#sl-cor-queue [data-mark]").forEach((box) => { box.checked = marked.has(box.dataset.mark); });
    const place = one("#sl-cor-marked");
    if (place) place.textContent = marked.size ? `${marked.size} marked` : "";
  }

  function clearMarks() { marked = new Set(); showMarks(); }

  // ---- the corrections of a case --------------------------------------------------------------
  const cards = () => all("#sl-cor-cards [data-correction]");

  function choose(id) {
    chosen = id;
    cards().forEach((card) => {
      const on = card.dataset.correction === id;
      if (on) chosenStatus = card.dataset.status;
      card.classList.toggle("sl-chosen", on);
      one("[data-role=choose]", card)?.setAttribute("aria-pressed", String(on));
    });
  }

  // After a decision the next open one; where nothing was decided, the choice stays.
  function chooseFirst() {
    const list = cards();
    const same = list.find((card) => card.dataset.correction === chosen);
    const open = list.find((card) => card.dataset.status === "open");
    const card = same && same.dataset.status === chosenStatus ? same : open || list[0];
    choose(card ? card.dataset.correction : "");
  }

  function cardList(element, send, watch) {
    element.addEventListener("click", (event) => {
      const card = event.target.closest("[data-correction]");
      if (!card) return;
      choose(card.dataset.correction);
      if (event.target.closest("[data-role=withdraw]")) send(card.dataset.correction);
    });
    watch("value", chooseFirst);
    chooseFirst();
  }

  // What a decision is about: exactly what the page shows at this moment. Until the answer is there
  // nothing else can be decided: the second key of a fast hand would hit the same case again.
  let busySince = 0;
  const busy = () => busySince && performance.now() - busySince < 20000;
  function setBusy(on) {
    busySince = on ? performance.now() : 0;
    const place = one("#sl-cor-right");
    if (place) place.classList.toggle("sl-busy", on);
  }
  function target() {
    setBusy(true);
    const here = current(), list = rows();
    const next = list[here + 1] || list[here - 1];
    return JSON.stringify({ correction: chosen, case: shownCase(), next: next ? next.dataset.case : "" });
  }
  const marks = () => JSON.stringify([...marked]);

  // ---- keyboard -------------------------------------------------------------------------------
  const press = (id) => {
    const button = one(`#${id}`);
    if (button && !button.disabled && button.checkVisibility()) button.click();
  };
  function step(by) {
    const list = rows(), to = current() + by;
    if (list[to]) return open(list[to]);
    press(by > 0 ? "sl-cor-later" : "sl-cor-sooner");
  }
  // A key never decides about a case that is still on its way, nor while another decision is.
  function decide(id) {
    const row = rows()[current()];
    if (busy() || (row && row.dataset.case !== shownCase())) return;
    press(id);
  }
  function number(n) {
    const card = cards()[n - 1];
    if (card) choose(card.dataset.correction);
  }
  function mark() {
    const row = rows()[current()];
    const box = row && one("[data-mark]", row.closest("li"));
    if (box) box.click();
  }
  const KEYS = {
    a: () => decide("sl-cor-accept"), r: () => decide("sl-cor-reject"), u: () => decide("sl-cor-undo"),
    j: () => step(1), k: () => step(-1), x: mark, o: () => one("#sl-cor-case a[data-role=scene]")?.click(),
    c: () => one("#sl-cor-comment textarea")?.focus(), "?": () => help(true),
  };

  const typing = (node) => Boolean(node && (node.isContentEditable || node.closest(
    "input:not([type=checkbox]):not([type=radio]):not([type=button]), textarea, select, [role=listbox], [role=combobox]")));

  function onKey(event) {
    if (!shownNow() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape" && typing(event.target) && root().contains(event.target)) return event.target.blur();
    if (typing(event.target) || one("#sl-cor-help[open]")) return;
    const act = KEYS[event.key.toLowerCase()] || (/^[1-9]$/.test(event.key) && (() => number(Number(event.key))));
    if (!act) return;
    event.preventDefault();
    act();
  }
  document.addEventListener("keydown", onKey);

  function help(show) {
    const dialog = one("#sl-cor-help");
    if (dialog && dialog.open !== show) dialog[show ? "showModal" : "close"]();
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-role=keys]")) help(true);
    if (event.target.closest("[data-role=close-keys]") || event.target.id === "sl-cor-help") help(false);
  });

  return { queue, cardList, target, marks, clearMarks, setBusy };
})();

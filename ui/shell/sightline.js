// What every page does without the server: clicks in our HTML pieces, the address bar, news,
// downloads. Loaded once in <head>; gr.HTML pieces call it.
window.sightline = (() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const narrow = () => window.matchMedia("(max-width: 800px)").matches;

  // ---- what was pressed last ----------------------------------------------------------------
  const pressed = {}; // by the piece's name: the hidden component that tells the server
  function asked(name, props) { pressed[name] = props; }
  function ask(name, what) { pressed[name].value = what; }

  // ---- tokens ---------------------------------------------------------------------------------
  function tokens(element, send) {
    let several = false;
    const chips = () => all("[data-token]", element);
    const on = (chip) => chip.getAttribute("aria-pressed") === "true";
    const press = (chip, down) => chip.setAttribute("aria-pressed", String(down));
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.dataset.role === "several") {
        several = !several;
        button.setAttribute("aria-pressed", String(several));
        return;
      }
      if (button.dataset.role === "default") return send("[]");
      if (button.dataset.token === undefined) return;
      if (several || event.shiftKey || event.ctrlKey || event.metaKey) press(button, !on(button));
      else {
        const only = on(button) && chips().filter(on).length === 1;
        chips().forEach((chip) => press(chip, chip === button && !only));
      }
      send(JSON.stringify(chips().filter(on).map((chip) => Number(chip.dataset.token))));
    });
    rove(element, "[data-token]");
  }

  // The arrow keys move along a row of buttons, of which only one is a stop for Tab.
  function rove(element, selector) {
    element.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const buttons = all(selector, element), at = buttons.indexOf(document.activeElement);
      if (!step || at < 0) return;
      event.preventDefault();
      buttons[(at + step + buttons.length) % buttons.length].focus();
    });
  }

  // ---- on a phone the settings are folded until they are wanted ------------------------------
  let waiting = 0;
  function fold() {
    waiting = 0;
    const settings = document.querySelector("#sl-settings");
    if (settings && narrow() && !settings.dataset.folded) {
      const toggle = settings.querySelector("button.label-wrap");
      if (toggle) { settings.dataset.folded = "1"; if (toggle.classList.contains("open")) toggle.click(); }
    }
  }
  new MutationObserver(() => { waiting = waiting || requestAnimationFrame(fold); })
    .observe(document.documentElement, { childList: true, subtree: true });

  // ---- address, link, downloads -------------------------------------------------------------
  // Links of before the pages had addresses of their own: ?tab=NAME&QUERY.
  const params = () => new URLSearchParams(location.search);
  const pages = (window.gradio_config?.pages || []).map(([path]) => path);
  if (params().has("tab")) {
    const now = params(), name = now.get("tab");
    now.delete("tab");
    const path = pages.includes(name) ? `./${name}` : location.pathname;
    if (path === location.pathname) history.replaceState(null, "", `${path}?${now}`);
    else location.replace(`${path}?${now}`);
  }

  // What a page shows: with another one of these, Back leads to what was there before.
  const CASE = ["example", "image", "case", "job"];
  const SHOWN = window.gradio_config?.current_page === "models" ? ["adapter"] : CASE;
  const caseOf = (query) => SHOWN.map((key) => new URLSearchParams(query).get(key) || "").join();

  // A new result comes into view if it is below the fold; a page that opens stays at its top.
  const started = performance.now();
  function shown() {
    const result = document.querySelector("#sl-result");
    if (!result || performance.now() - started < 2500) return;
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (result.getBoundingClientRect().top > window.innerHeight * 0.45)
      result.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
  }

  function address(query) {
    const before = caseOf(location.search), next = new URLSearchParams(query);
    const fresh = before !== caseOf(query);
    if (fresh) setTimeout(shown, 400);
    const theme = params().get("__theme");
    if (theme) next.set("__theme", theme);
    const asNew = fresh && /[^,]/.test(before);
    const text = next.toString();
    history[asNew ? "pushState" : "replaceState"](null, "", location.pathname + (text && `?${text}`));
    sessionStorage.setItem(`sightline ${location.pathname}`, text);
  }

  // ---- news: another adapter in use, a training under way ------------------------------------
  let askForNews = () => {};
  function news(ask, changed, text, watch) {
    let shown = null; // the adapter in use, as this page has it
    const note = () => {
      const inUse = text().split("\n")[0], before = sessionStorage.getItem("sightline in use");
      if (shown !== null && shown !== inUse) changed();
      shown = inUse;
      sessionStorage.setItem("sightline in use", inUse);
      // The way back to Scene must not choose the adapter that was in use before.
      if (before === null || before === inUse) return;
      const key = `sightline ${new URL("./", document.baseURI).pathname}`;
      const query = new URLSearchParams(sessionStorage.getItem(key) || "");
      query.delete("adapter");
      sessionStorage.setItem(key, query);
    };
    watch("value", note);
    askForNews = () => { if (shown !== null && document.visibilityState === "visible") ask(); };
  }
  setInterval(() => askForNews(), 4000);
  window.addEventListener("focus", () => askForNews());

  // The way to another page leads back to what it showed in this tab before.
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".sl-pages a");
    if (!link) return;
    const to = new URL(link.href);
    to.search = sessionStorage.getItem(`sightline ${to.pathname}`) || "";
    const theme = params().get("__theme");
    if (theme) to.searchParams.set("__theme", theme);
    link.href = to;
  }, true);

  window.addEventListener("popstate", () => location.reload());

  function say(text) {
    const place = document.querySelector("#sl-keep-message");
    const inner = place && (place.querySelector(".prose, .html-container") || place);
    if (inner) inner.innerHTML = '<div class="sl-hint" role="status"></div>';
    if (inner) inner.firstChild.textContent = text;
  }

  async function copyLink() {
    const own = new URLSearchParams(location.search).has("image");
    const note = own ? " It works as long as this server has the image." : "";
    try {
      await navigator.clipboard.writeText(location.href);
      say("Link copied." + note);
    } catch { say("Copy it from the address bar." + note); }
  }

  function download(id) {
    const press = (left) => {
      const link = document.querySelector(`#${id} a[href], a#${id}[href], #${id}`);
      if (link) link.click(); else if (left) setTimeout(() => press(left - 1), 50);
    };
    setTimeout(() => press(40), 30);
  }

  return { asked, ask, tokens, rove, address, news, copyLink, download };
})();

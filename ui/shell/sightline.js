// What the page does without the server: clicks in our HTML pieces, one zoom for three panels,
// opacity, the address bar, downloads. Loaded once in <head>; gr.HTML pieces call it.
window.sightline = (() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const narrow = () => window.matchMedia("(max-width: 800px)").matches;

  // ---- what was pressed last ----------------------------------------------------------------
  const pressed = {}; // by the piece's name: the hidden component that tells the server
  function asked(name, props) { pressed[name] = props; }
  function ask(name, what) { pressed[name].value = what; }

  // ---- examples and tokens ------------------------------------------------------------------
  function examples(element, send) {
    element.addEventListener("click", (event) => {
      const button = event.target.closest("[data-example]");
      if (!button) return;
      all("[data-example]", element).forEach((b) => b.setAttribute("aria-pressed", b === button));
      send(button.dataset.example);
    });
  }

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
    element.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const at = chips().indexOf(document.activeElement);
      if (!step || at < 0) return;
      event.preventDefault();
      chips()[(at + step + chips().length) % chips().length].focus();
    });
  }

  // ---- figures ------------------------------------------------------------------------------
  const panels = () => all("#sl-panels .js-plotly-plot").filter((plot) => plot.data);
  let linking = 0; // relayouts of our own that are under way
  let zoom = null; // what the user zoomed to, and in which case

  function range(plot) {
    const { xaxis, yaxis } = plot._fullLayout;
    return { "xaxis.range": [...xaxis.range], "yaxis.range": [...yaxis.range] };
  }

  async function follow(plot) {
    if (linking) return;
    zoom = { of: plot.layout.uirevision, to: range(plot) };
    await apply(panels().filter((other) => other !== plot));
  }

  async function apply(plots) {
    linking += 1;
    try { await Promise.all(plots.map((plot) => window.Plotly.relayout(plot, { ...zoom.to }))); }
    finally { linking -= 1; }
  }

  function bind(plot) {
    if (plot.dataset.sightline || !plot.on) return;
    plot.dataset.sightline = "1";
    plot.on("plotly_relayout", (change) => {
      if (Object.keys(change).some((key) => key.startsWith("xaxis") || key.startsWith("yaxis"))) follow(plot);
    });
    // gradio may redraw a figure or put a new one in its place: either way the zoom stays.
    if (zoom && plot.layout.uirevision === zoom.of) apply([plot]);
    let drawn = plot.data;
    plot.on("plotly_afterplot", () => {
      if (plot.data === drawn) return; // a zoom, not a redraw
      drawn = plot.data;
      if (zoom && plot.layout.uirevision === zoom.of) apply([plot]);
    });
    // On a phone a drag swipes the strip; zoom is on the buttons.
    if (narrow()) window.Plotly.relayout(plot, { dragmode: false });
  }

  // With a <base> on the page Plotly writes its clips and gradients as "this address#id", which end
  // as soon as the address changes. "#id" alone always means this page.
  function local(plot) {
    if (plot._context) plot._context._baseUrl = "";
    const here = (text) => text.replace(/url\((["']?)[^)"']*#([^)"']+)\1\)/g, "url(#$2)");
    all("[clip-path*='http']", plot).forEach((e) => e.setAttribute("clip-path", here(e.getAttribute("clip-path"))));
    all("[style*='http']", plot).forEach((e) => e.setAttribute("style", here(e.getAttribute("style"))));
  }

  function label(plot) {
    const panel = plot.closest(".sl-panel, #sl-shift");
    const title = panel && panel.querySelector("h3");
    const sentence = document.querySelector(".sl-sentence");
    plot.setAttribute("role", "img");
    const said = [title && title.innerText.replace(/\s+/g, " "), sentence && sentence.innerText];
    plot.setAttribute("aria-label", said.filter(Boolean).join(". "));
  }

  let waiting = 0;
  function look() {
    waiting = 0;
    all("#sl-result .js-plotly-plot").forEach((plot) => {
      label(plot);
      local(plot);
      if (plot.closest("#sl-panels")) bind(plot);
    });
    const settings = document.querySelector("#sl-settings");
    if (settings && narrow() && !settings.dataset.folded) {
      const toggle = settings.querySelector("button.label-wrap");
      if (toggle) { settings.dataset.folded = "1"; if (toggle.classList.contains("open")) toggle.click(); }
    }
  }
  new MutationObserver(() => { waiting = waiting || requestAnimationFrame(look); })
    .observe(document.documentElement, { childList: true, subtree: true });

  function opacity(share) {
    panels().forEach((plot) => {
      const maps = plot.data.map((trace, i) => (trace.type === "heatmap" ? i : -1)).filter((i) => i >= 0);
      if (maps.length) window.Plotly.restyle(plot, { opacity: share }, maps);
    });
  }

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
    all("#sl-result .js-plotly-plot").forEach(local);
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
    const note = own ? " It works as long as this server keeps the picture." : "";
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

  return { asked, ask, examples, tokens, opacity, address, news, copyLink, download };
})();

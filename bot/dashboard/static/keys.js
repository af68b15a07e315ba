// Single keys for those who work here all day; silent while somebody types, and can be switched off.
// In a block, so that its names are not those of the page.
{
  const OFF = "isoko keys off";
  const words = JSON.parse(document.getElementById("keys").textContent);
  const SEARCH = "[role=search] input:not([type=hidden]), [role=search] select";
  const THEME = "isoko theme";
  let going = 0, schemes;

  const one = (selector) => document.querySelector(selector);
  const press = (selector) => { const it = one(selector); if (it && !it.disabled && !it.closest("fieldset:disabled")) it.click(); };
  const linkTo = (path) => [...document.querySelectorAll("nav a")].find((link) => link.getAttribute("href") === path);
  const works = (on) => !on || (on.startsWith("/dashboard/") ? linkTo(on) : one(on));

  function rows() {
    const lists = [...document.querySelectorAll("#board .open, .list a.row, .list a.code")];
    return lists.concat([...document.querySelectorAll(".sheet tbody tr")].map((row) => row.querySelector("a")).filter(Boolean));
  }

  function move(step) {
    const all = rows(), at = all.indexOf(document.activeElement);
    all[Math.min(all.length - 1, Math.max(0, at + step))]?.focus();
  }

  function apart() {
    const here = document.activeElement;
    if (rows().includes(here)) window.open(here.href, "_blank", "noopener");
  }

  // The row that a colleague is to look at: it stands in the address, which `y` copies.
  const hash = (link) => `#${encodeURIComponent(link.getAttribute("href"))}`;
  const marks = () => rows().filter((link) => !link.closest("#board"));
  function mark() {
    const here = document.activeElement;
    if (!marks().includes(here)) return;
    const gone = location.hash === hash(here);
    history.replaceState(null, "", gone ? location.pathname + location.search : hash(here));
    marked();
  }

  function marked() {
    let found;
    for (const link of marks()) {
      if (location.hash === hash(link)) { found = link; link.setAttribute("aria-current", "true"); }
      else link.removeAttribute("aria-current");
    }
    return found;
  }

  // Light or dark: as the system has it, until `d` is pressed; then as it was left.
  function theme(turned) {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches, kept = localStorage.getItem(THEME);
    const now = kept === null ? dark : kept === "dark", wanted = turned ? !now : now;
    if (turned) localStorage.setItem(THEME, wanted ? "dark" : "light");
    if (!turned && kept === null) return;
    document.documentElement.style.colorScheme = wanted ? "dark" : "light";
    schemes ??= [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).filter((rule) => rule.media?.mediaText.includes("prefers-color-scheme"));
    for (const rule of schemes) rule.media.mediaText = wanted ? "all" : "not all";
  }

  function reveal() {
    const reason = one(".reveal [name=reason]");
    if (!reason) return;
    reason.closest("details").open = true;
    reason.focus();
  }

  function dialog(title, ...inside) {
    one("dialog.keys-help")?.close();
    const box = document.createElement("dialog");
    box.className = "keys-help";
    box.setAttribute("aria-label", title);
    box.append(...inside);
    box.addEventListener("close", () => box.remove());
    document.body.append(box);
    box.showModal();
    return box;
  }

  function help() {
    if (one("dialog.keys-help")) return one("dialog.keys-help").close();
    const list = document.createElement("dl");
    for (const [key, what] of words.list.filter((line) => works(line[2]))) {
      const term = document.createElement("dt"), said = document.createElement("dd"), sign = document.createElement("kbd");
      sign.textContent = key;
      term.append(sign);
      said.textContent = what;
      list.append(term, said);
    }
    const off = document.createElement("button");
    off.className = "act";
    off.textContent = words.off;
    const box = dialog(words.title, list, off);
    off.addEventListener("click", () => { localStorage.setItem(OFF, "1"); box.close(); });
  }

  // Every page by its name; the first that fits is opened by Enter.
  function palette() {
    const label = document.createElement("label"), field = document.createElement("input"), list = document.createElement("ul");
    label.append(words.find, field);
    field.autocomplete = "off";
    const find = () => {
      const asked = field.value.trim().toLowerCase();
      const all = [...document.querySelectorAll("header nav a")].filter((link) => link.textContent.toLowerCase().includes(asked));
      list.replaceChildren(...all.map((link) => { const line = document.createElement("li"); line.append(link.cloneNode(true)); return line; }));
    };
    field.addEventListener("input", find);
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") list.querySelector("a")?.click(); });
    find();
    dialog(words.find, label, list);
    field.focus();
  }

  const GO = Object.fromEntries(words.list.filter(([key]) => key.startsWith("g ")).map(([key, , path]) => [key[2], path]));
  const KEYS = {
    "?": help,
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => rows().includes(document.activeElement) && (move(1), true),
    ArrowUp: () => rows().includes(document.activeElement) && (move(-1), true),
    o: apart,
    x: mark,
    n: () => press("#more button"),
    p: () => { if (one("#fresh[data-held]")) feed.hold(); },
    t: () => press("[data-do=take] button"),
    b: () => press("[data-do=give] button"),
    c: () => press("[data-do=call-back] button"),
    m: reveal,
    e: () => one("#note")?.focus(),
    r: () => press("form[action$='/ask'] button"),
    "[": () => press("#before"),
    "]": () => press("#after"),
    " ": () => one("#play") && (press("#play"), true),
    "/": () => one(SEARCH)?.focus(),
    d: () => theme(true),
    a: () => (one(".deeds [name=why]") ? one(".deeds [name=why]").focus() : press("form[action$='/take'] button")),
    y: () => navigator.clipboard?.writeText(location.href),
    g: () => { going = performance.now() + 1500; },
    Escape: () => press(".back a"),
  };
  // These do what the browser does, unless there is something here for them to do.
  const SHARED = new Set(["ArrowDown", "ArrowUp", " "]);

  theme(false);
  if (location.hash.length > 1) marked()?.focus();
  // A list that renews itself has other rows after.
  const renewed = one("#live");
  if (renewed) new MutationObserver(() => location.hash.length > 1 && marked()).observe(renewed, { childList: true });
  document.addEventListener("keydown", (event) => {
    const { target, key } = event, off = localStorage.getItem(OFF);
    if ((event.ctrlKey || event.metaKey) && key === "k" && !off) { event.preventDefault(); return palette(); }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat && !"jk".includes(key)) return;
    if (target.closest("input:not([type=hidden]), textarea, select, dialog, [contenteditable]")) return;
    if (key === " " && target.closest("button, a, summary")) return;
    if (key !== "?" && off) return;
    if (key === "?") localStorage.removeItem(OFF);
    const there = performance.now() < going && GO[key] && linkTo(GO[key]);
    if (key !== "g") going = 0;
    if (!there && /^[1-9]$/.test(key)) return document.querySelectorAll(".filters a")[key - 1]?.click();
    const does = there ? () => { location.href = there.href; } : KEYS[key];
    if (!does || SHARED.has(key) && !does()) return;
    event.preventDefault();
    if (!SHARED.has(key)) does();
  });
}

// Single keys for those who work here all day; silent while somebody types, and can be switched off.
// In a block, so that its names are not those of the page.
{
  const OFF = "isoko keys off";
  const words = JSON.parse(document.getElementById("keys").textContent);
  const PAGES = { n: "/dashboard/", s: "/dashboard/calls", k: "/dashboard/tickets", c: "/dashboard/call-backs" };
  let going = 0;

  const press = (selector) => { const one = document.querySelector(selector); if (one && !one.disabled && !one.closest("fieldset:disabled")) one.click(); };
  const rows = () => [...document.querySelectorAll("#board .open, .list a.row, .list a.code")];

  function move(step) {
    const all = rows(), at = all.indexOf(document.activeElement);
    all[Math.min(all.length - 1, Math.max(0, at + step))]?.focus();
  }

  function help() {
    const old = document.querySelector(".keys-help");
    if (old) return old.close();
    const box = document.createElement("dialog"), list = document.createElement("dl");
    box.className = "keys-help";
    box.setAttribute("aria-label", words.title);
    for (const [key, what] of words.list) {
      const term = document.createElement("dt"), said = document.createElement("dd"), sign = document.createElement("kbd");
      sign.textContent = key;
      term.append(sign);
      said.textContent = what;
      list.append(term, said);
    }
    const off = document.createElement("button");
    off.className = "act";
    off.textContent = words.off;
    off.addEventListener("click", () => { localStorage.setItem(OFF, "1"); box.close(); });
    box.append(list, off);
    box.addEventListener("close", () => box.remove());
    document.body.append(box);
    box.showModal();
  }

  const KEYS = {
    "?": help,
    j: () => move(1),
    k: () => move(-1),
    n: () => press("#more button"),
    t: () => press("[data-do=take] button"),
    b: () => press("[data-do=give] button"),
    c: () => press("[data-do=call-back] button"),
    "[": () => press("#before"),
    "]": () => press("#after"),
    " ": () => press("#play"),
    "/": () => document.querySelector("input[type=search]")?.focus(),
    y: () => navigator.clipboard?.writeText(location.href),
    g: () => { going = performance.now() + 1500; },
    Escape: () => press(".back a"),
  };

  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat && key !== "j" && key !== "k") return;
    if (target.closest("input:not([type=hidden]), textarea, select, dialog, [contenteditable]")) return;
    if (key === " " && target.closest("button, a, summary")) return;
    if (key !== "?" && localStorage.getItem(OFF)) return;
    if (key === "?") localStorage.removeItem(OFF);
    const there = performance.now() < going && PAGES[key];
    const does = there ? () => { location.href = there; } : KEYS[key];
    if (key !== "g") going = 0;
    if (!does) return;
    event.preventDefault();
    does();
  });
}

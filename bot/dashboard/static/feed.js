// Keeps one stream open while the page can be seen, and says truthfully how old the page is.
const SILENT_MS = 7000, LATE_MS = 3000, AGAIN_MS = 5000, SOON_MS = 400;

class Feed {
  // `take(name, data)` puts an event on the page; false says that something is missing. A page that asks for what
  // it was told of says with `missing()` what it is until that is there: "behind" or "lost", else "".
  constructor(path, at, take, missing = () => "") {
    Object.assign(this, { path, at, take, missing, heard: performance.now(), asked: 0, least: Infinity, late: 0, since: 0 });
    this.banner = document.getElementById("fresh");
    document.addEventListener("visibilitychange", () => this.look());
    document.addEventListener("resume", () => this.open());
    addEventListener("offline", () => this.held || this.say("lost"));
    addEventListener("online", () => this.open());
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
    setInterval(() => this.check(), 1000);
    this.say("wait");
    this.look();
  }

  say(state, seconds = 0, why = state) {
    this.state = why;
    this.banner.dataset.state = state;
    this.banner.lastElementChild.textContent = this.banner.dataset[state].replace("{n}", Math.max(1, Math.round(seconds)));
    this.act();
    document.getElementById("live").classList.toggle("old", !["live", "wait"].includes(state));
  }

  // Actions wait until everything is there that they would be based on; what is half written goes on being written.
  act() {
    for (const button of document.querySelectorAll("fieldset.acts button")) button.disabled = this.state !== "live";
  }

  // Looks anew at what is missing: something was told, was put on the page, or could not be asked for.
  judge() {
    if (!["live", "missing"].includes(this.state)) return this.act();
    clearTimeout(this.again);
    const missing = this.missing(), now = performance.now();
    this.since = missing ? this.since || now : 0;
    if (!missing) return this.say("live");
    if (now - this.since >= SOON_MS) return this.say(missing, (now - this.since) / 1000, "missing");
    // Most often it is there at once: nobody is told, but nothing can be pressed.
    this.state = "missing";
    this.act();
    this.again = setTimeout(() => this.judge(), SOON_MS);
  }

  // A hidden page asks for nothing; seen again it is behind until it has caught up.
  look() {
    if (this.held) return;
    if (document.hidden) { this.close(); this.say("paused"); }
    else this.open();
  }

  // Held by who reads: nothing moves until they let it go on.
  hold() {
    this.held = !this.held;
    if (this.held) { this.close(); this.say("held"); }
    else { this.state = "behind"; this.open(); }
  }

  close() {
    this.source?.close();
    this.source = null;
  }

  open() {
    if (document.hidden || this.held || this.state === "out") return;
    this.close();
    this.asked = performance.now();
    if (this.state !== "wait") this.silent();
    const mark = this.path.includes("?") ? "&" : "?";
    const source = this.source = new EventSource(this.path + (this.at ? `${mark}since=${this.at}` : ""));
    for (const name of ["calls", "call", "now", "beat"]) {
      source.addEventListener(name, (event) => source === this.source && this.hear(name, event));
    }
    source.onerror = () => source === this.source && this.broken(source);
  }

  hear(name, event) {
    const data = JSON.parse(event.data), apart = Date.now() - data.now;
    this.least = Math.min(this.least, apart);
    // What lay in the line while this page slept is late when it is read, and says so.
    this.late = apart - this.least;
    this.heard = performance.now();
    if (name !== "beat") {
      if (this.take(name, data) === false) { this.at = ""; return this.open(); }
      this.at = event.lastEventId;
    } else if (this.state === "wait") return;
    if (data.behind_s) this.say("behind", data.behind_s);
    else if (this.late > LATE_MS) this.say("behind", this.late / 1000);
    else { this.state = "live"; this.judge(); }
  }

  silent() {
    this.say(navigator.onLine ? "behind" : "lost", (performance.now() - this.heard) / 1000);
  }

  check() {
    const now = performance.now();
    if (document.hidden || this.held || this.state === "out" || now - this.heard < SILENT_MS) return;
    if (this.state !== "lost") this.silent();
    if (now - this.asked > AGAIN_MS) this.open();
  }

  async broken(source) {
    this.say("lost");
    if (source.readyState !== EventSource.CLOSED) return;
    // The browser does not say why it was refused.
    const answer = await fetch("/dashboard/", { headers: { "X-Isoko-Poll": "1" }, redirect: "error" }).catch(() => null);
    if (answer && [401, 403].includes(answer.status)) { this.close(); this.say("out"); }
  }
}

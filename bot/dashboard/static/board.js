// The board of live calls: draws what the feed tells, and moves nothing under a pointer or a focus.
const list = document.getElementById("board"), words = list.dataset;
const blank = document.getElementById("card").content.firstElementChild;
const more = document.getElementById("more");
const held = new Map();
let skew = 0;

const cardOf = (mark) => list.querySelector(`[data-mark="${mark}"]`);
const busy = () => list.matches(":hover") || list.contains(document.activeElement);
// As the server writes whole numbers: in groups of three.
const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, document.documentElement.lang === "fr" ? "\u00a0" : ",");
const ago = (s) => (s < 60 ? `${s} s` : `${Math.floor(s / 60)} min`);

function put(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

function fill(card, call) {
  card.dataset.mark = call.mark;
  Object.assign(card.dataset, { id: call.id, at: call.at, until: call.until, risks: call.risks.length });
  card.className = `call${call.risks.length ? " risky" : ""}`;
  put(card.querySelector(".caller b"), call.number);
  put(card.querySelector(".caller bdi"), call.name);
  put(card.querySelector(".place"), call.place);
  put(card.querySelector(".typed bdi"), call.typed);
  card.querySelector(".typed").hidden = !call.typed;
  put(card.querySelector(".via"), call.chat ? words.chat : words.phone);
  const took = card.querySelector(".took");
  put(took, `${call.ms.toFixed(1)} ms`);
  took.classList.toggle("soon", call.ms > 1000);
  put(card.querySelector(".lcd bdi"), call.shown);
  card.querySelector(".lcd").lang = call.language;
  put(card.querySelector(".tongue"), call.language || "–");
  put(card.querySelector(".hops"), words.hop.replace("{n}", call.hops));
  card.querySelector(".flags").replaceChildren(...call.risks.map(flag), ...call.tags.map(tag));
  const helper = card.querySelector(".helper");
  put(helper.querySelector("bdi"), call.helper);
  helper.hidden = !call.helper;
  card.querySelector(".open").href = `/dashboard/calls/${call.id}`;
  tick(card);
}

function flag(word) {
  const one = document.createElement("span");
  one.className = "flag warn";
  one.textContent = `▲ ${word}`;
  return one;
}

function tag(word) {
  const one = document.createElement("span");
  one.className = "flag";
  one.textContent = `⚑ ${word}`;
  return one;
}

function tick(card) {
  const now = Date.now() - skew, { at, until } = card.dataset;
  put(card.querySelector(".silent"), words.silent.replace("{time}", ago(Math.max(0, Math.round((now - at) / 1000)))));
  const left = card.querySelector(".left"), seconds = Math.max(0, Math.round((until - now) / 1000));
  left.hidden = !Number(until);
  put(left, words.left.replace("{n}", seconds));
  left.classList.toggle("soon", seconds < 30);
}

function sort() {
  const cards = [...list.children];
  const wanted = [...cards].sort((a, b) => b.dataset.risks - a.dataset.risks || b.dataset.at - a.dataset.at);
  if (wanted.some((card, place) => card !== cards[place])) list.append(...wanted);
}

function show() {
  for (const call of held.values()) {
    const card = blank.cloneNode(true);
    fill(card, call);
    list.append(card);
  }
  held.clear();
  for (const card of list.querySelectorAll(".over")) card.remove();
  sort();
  count();
}

function count() {
  more.hidden = !held.size;
  put(more.firstElementChild, words.more.replace("{n}", grouped(held.size)));
  document.getElementById("nobody").hidden = list.children.length + held.size > 0;
}

function take(_name, data) {
  skew = Date.now() - data.now;
  const there = new Set(data.calls.map((call) => call.mark));
  if (data.all?.some((mark) => !there.has(mark) && !cardOf(mark) && !held.has(mark))) return false;
  if (data.after !== undefined && data.after !== feed.at) return false;
  const gone = data.gone ?? [...list.children].map((card) => card.dataset.mark).filter((mark) => !data.all.includes(mark));
  if (gone.length) left();
  for (const mark of gone) { held.delete(mark); cardOf(mark)?.classList.add("over"); }
  for (const call of data.calls) {
    const card = cardOf(call.mark);
    if (card) fill(card, call);
    else held.set(call.mark, call);
  }
  put(document.getElementById("count"), words.count.replace("{n}", grouped(data.count)));
  document.getElementById("risky").hidden = !data.at_risk;
  put(document.getElementById("risky").firstElementChild, words.risk.replace("{n}", grouped(data.at_risk)));
  const newest = document.getElementById("newest"), shown = list.querySelectorAll(".call:not(.over)").length + held.size;
  newest.hidden = data.count <= shown;
  put(newest, words.newest.replace("{shown}", shown).replace("{n}", grouped(data.count)));
  document.getElementById("partly").hidden = !data.partly;
  if (busy()) count();
  else show();
  return true;
}

// Those that ended are a list of the server's own, asked for anew when one more has left.
const EVERY_MS = 10000;
let asked = performance.now(), waits = 0;

function left() {
  waits ||= setTimeout(renew, Math.max(1500, asked + EVERY_MS - performance.now()));
}

async function renew() {
  const ended = document.getElementById("ended");
  asked = performance.now();
  waits = 0;
  // What is being read or pointed at stays as it is.
  if (document.hidden || ended.matches(":hover") || ended.contains(document.activeElement)) return left();
  const signal = AbortSignal.timeout(10000);
  const answer = await fetch(location.href, { headers: { "X-Isoko-Poll": "1" }, redirect: "error", signal }).catch(() => null);
  const text = answer?.ok ? await answer.text().catch(() => "") : "";
  const next = new DOMParser().parseFromString(text, "text/html").getElementById("ended");
  if (next) ended.replaceChildren(...next.childNodes);
}

more.firstElementChild.addEventListener("click", show);
list.addEventListener("pointerleave", () => busy() || show());
setInterval(() => { for (const card of list.children) tick(card); }, 1000);
const feed = new Feed(words.feed, words.from, take);

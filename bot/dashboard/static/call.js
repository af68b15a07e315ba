// One call: follows it while it goes on, and plays its screens on the phone.
const here = () => document.getElementById("live");
let place = 0, playing = 0;

const screens = () => [...here().querySelectorAll(".timeline .lcd")];

// A page that is asked for with a screen stays there; else it follows the last.
function follow() {
  const asked = Number(new URLSearchParams(location.search).get("hop"));
  place = asked >= 1 && asked <= screens().length ? asked : screens().length;
}

function show(next) {
  const all = screens();
  if (next < 1 || next > all.length) return stop();
  place = next;
  const chosen = all[place - 1], words = here().querySelector("#screen");
  here().querySelector("#lcd bdi").textContent = chosen.textContent;
  words.textContent = words.textContent.replace(/\d+/, place);
  here().querySelector("#size").textContent = chosen.dataset.size;
  for (const one of here().querySelectorAll(".timeline li")) one.removeAttribute("aria-current");
  chosen.closest("li").setAttribute("aria-current", "step");
  turn("#before", place > 1, place - 1);
  turn("#after", place < all.length, place + 1);
  const address = new URL(location.href);
  address.search = place < all.length ? `?hop=${place}` : "";
  history.replaceState(null, "", address);
}

function turn(which, there, to) {
  const link = here().querySelector(which);
  link.toggleAttribute("aria-disabled", !there);
  if (there) { link.href = `${here().dataset.here}?hop=${to}`; link.removeAttribute("aria-disabled"); }
  else { link.removeAttribute("href"); link.setAttribute("aria-disabled", "true"); }
}

function stop() {
  clearInterval(playing);
  playing = 0;
  const button = document.getElementById("play");
  if (button) button.textContent = button.dataset.play;
}

function play() {
  if (playing) return stop();
  const button = document.getElementById("play");
  button.textContent = button.dataset.stop;
  show(place >= screens().length ? 1 : place + 1);
  playing = setInterval(() => (place < screens().length ? show(place + 1) : stop()), 1200);
}

function dress() {
  const button = document.getElementById("play");
  if (button) button.hidden = screens().length < 2;
}

// What the feed said last; one fetch or one wait for it at a time, however often it speaks.
let news = { row: 0, act: 0 }, timer = 0, asking = false, gone = false, pause_ms = 0;

function behind() {
  const { row, act } = here().dataset;
  return news.row > row || news.act > act;
}

async function renew() {
  clearTimeout(timer);
  if (asking || !behind()) return;
  asking = true;
  // By its newest row: of a caller without a name only the rows written about then are found.
  const at = news.row > here().dataset.row ? `/dashboard/calls/${news.row}` : here().dataset.here;
  const page = await asked(at);
  if (page) put(new DOMParser().parseFromString(page, "text/html"));
  asking = false;
  feed.judge();
  pause_ms = behind() ? Math.min(8000, Math.max(500, pause_ms * 2)) : 0;
  if (pause_ms && !gone) timer = setTimeout(renew, pause_ms);
}

// The page as it is now, "" where there is none, or none in time.
async function asked(at) {
  try {
    const answer = await fetch(at, {
      headers: { "X-Isoko-Poll": "1" }, redirect: "error", signal: AbortSignal.timeout(10000),
    });
    gone = answer.status === 404;
    return answer.ok ? await answer.text() : "";
  } catch {
    return "";
  }
}

function put(page) {
  const next = page.getElementById("live");
  if (!next) return;
  const stays = place < screens().length, at = place;
  here().replaceWith(next);
  if (stays && at <= screens().length) show(at);
  else place = screens().length;
  dress();
  // The forms say what they are based on; what is half written in one stays.
  const acts = page.querySelector(".row-of-acts"), mine = document.querySelector(".row-of-acts");
  if (acts && mine) mine.replaceWith(acts);
  put_words([...page.querySelectorAll(".words")], [...document.querySelectorAll(".words")]);
  for (const field of document.querySelectorAll("input[name=version]")) field.value = next.dataset.version;
  for (const form of document.querySelectorAll("form[action^='/dashboard/calls/']")) {
    form.setAttribute("action", form.getAttribute("action").replace(/calls\/\d+/, next.dataset.here.slice(11)));
  }
  history.replaceState(null, "", next.dataset.here + location.search);
}

// One that goes on standing there is not touched: the call may have ended while somebody writes.
function put_words(words, written) {
  const same = (form, all) => all.find((one) => one.dataset.do === form.dataset.do);
  for (const form of written) if (!same(form, words)) form.remove();
  let before = document.querySelector(".row-of-acts");
  for (const form of words) {
    const there = same(form, written);
    if (!there) before?.after(form);
    before = there ?? form;
  }
}

function take(_name, data) {
  news = data;
  renew();
}

const feed = new Feed(here().dataset.feed, "", take, () => behind() && (gone ? "lost" : "behind"));
document.addEventListener("click", (event) => {
  const link = event.target.closest("#before, #after, #play");
  if (!link) return;
  event.preventDefault();
  if (link.id === "play") return play();
  stop();
  show(place + (link.id === "before" ? -1 : 1));
});
// A button that was pressed is not pressed again; a file may be taken twice.
document.addEventListener("submit", (event) => {
  if (event.target.closest(".take-along")) return;
  if (event.target.dataset.sent) return event.preventDefault();
  event.target.dataset.sent = "1";
});
setInterval(() => {
  const left = here().querySelector(".left[data-left]");
  if (!left) return;
  left.dataset.left = Math.max(0, left.dataset.left - 1);
  left.textContent = left.dataset.words.replace("{n}", left.dataset.left);
  left.classList.toggle("soon", left.dataset.left < 30);
}, 1000);
follow();
dress();

// Renews #live every few seconds while it can be seen, and says truthfully when it does not.
const EVERY_MS = 3000;
const live = document.getElementById("live");
const fresh = document.getElementById("fresh");
let timer = 0;

function say(state) {
  fresh.dataset.state = state;
  fresh.lastElementChild.textContent = fresh.dataset[state];
  live.classList.toggle("old", state !== "live");
  act(state === "live");
}

// Who acts does so on what is there: not while the page is old.
function act(may) {
  for (const set of document.querySelectorAll("fieldset.acts")) set.disabled = !may;
}

// What a button did may have its own address, at which there is nothing to load again.
function address() {
  const own = location.pathname === live.dataset.here;
  return own ? location.href : live.dataset.here;
}

async function renew() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const answer = await fetch(address(), {
      headers: { "X-Isoko-Poll": "1" }, redirect: "error", signal: AbortSignal.timeout(10000),
    });
    if (answer.status === 401 || answer.status === 403) return say("out");
    if (!answer.ok) throw new Error(String(answer.status));
    put(await answer.text());
    say("live");
  } catch {
    say("lost");
  }
  timer = setTimeout(renew, EVERY_MS);
}

// A hidden page asks for nothing; seen again it is old until it has asked.
document.addEventListener("visibilitychange", () => {
  act(false);
  if (document.hidden) clearTimeout(timer);
  else renew();
});
renew();

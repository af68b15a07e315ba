// The page Now: asks for itself again when the feed says that a figure has changed.
const LEAST_MS = 2000, OLDEST_MS = 20000;
let asked = performance.now(), wanted = 0;

async function renew() {
  wanted = 0;
  if (document.hidden) return;
  asked = performance.now();
  const answer = await fetch(location.href, { headers: { "X-Isoko-Poll": "1" }, redirect: "error" }).catch(() => null);
  if (!answer?.ok) return;
  put(await answer.text());
}

function soon() {
  wanted ||= setTimeout(renew, Math.max(0, LEAST_MS - (performance.now() - asked)));
}

const feed = new Feed("/dashboard/feed?now=1", "", soon);
// Ages grow also while nothing happens.
setInterval(() => { if (feed.state === "live" && performance.now() - asked > OLDEST_MS) soon(); }, 5000);

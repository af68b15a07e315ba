// The page Now: asks for itself again when the feed says that a figure has changed.
const LEAST_MS = 2000, OLDEST_MS = 20000, AGAIN_LATER_MS = 5000;
let asked = performance.now(), wanted = 0, failed = false;

async function renew() {
  wanted = 0;
  if (document.hidden || feed.held || feed.state === "out") return;
  asked = performance.now();
  try {
    const answer = await fetch(location.href, {
      headers: { "X-Isoko-Poll": "1" }, redirect: "error", signal: AbortSignal.timeout(10000),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    put(await answer.text());
    failed = false;
  } catch {
    failed = true;
    wanted ||= setTimeout(renew, AGAIN_LATER_MS);
  }
  feed.judge();
}

function soon() {
  wanted ||= setTimeout(renew, Math.max(0, LEAST_MS - (performance.now() - asked)));
}

const feed = new Feed("/dashboard/feed?now=1", "", soon, () => failed && "behind");
// Ages grow also while nothing happens.
setInterval(() => { if (feed.state === "live" && performance.now() - asked > OLDEST_MS) soon(); }, 5000);

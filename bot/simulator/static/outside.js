// The SMS inbox of the calling number, and the pretended operator behind.
"use strict";
const outside = { last: 0, number: "", first: true };

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function showEmpty(box, text) {
  if (!box.children.length) box.append(element("p", "empty", text));
}

function clockOf(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

async function readInbox() {
  const number = document.getElementById("msisdn").value.trim();
  const box = document.getElementById("inbox");
  if (number !== outside.number) {
    Object.assign(outside, { number, last: 0, first: true });
    box.replaceChildren();
  }
  const query = new URLSearchParams({ to: number, after: String(outside.last) });
  const answer = await fetch(`/simulator/sms.json?${query}`);
  if (!answer.ok || number !== outside.number) return;
  for (const message of (await answer.json()).messages) {
    outside.last = message.id;
    box.querySelector(".empty")?.remove();
    const sms = element("article", outside.first ? "sms" : "sms new");
    sms.append(element("small", "", `${message.from}, ${clockOf(message.at)}`), element("span", "", message.text));
    box.prepend(sms);
  }
  outside.first = false;
  showEmpty(box, "No messages for this number yet. Accept an order, or ask for a receipt: the SMS appears here.");
}

async function readOperator() {
  // The page with the chat does not show it.
  if (!document.getElementById("float")) return;
  const answer = await fetch("/simulator/operator.json");
  if (!answer.ok) return;
  const state = await answer.json();
  document.getElementById("float").textContent = `${state.float_rwf.toLocaleString("en-US")} Frw`;
  document.getElementById("airtel-float").textContent = `${state.airtel_float_rwf.toLocaleString("en-US")} Frw`;
  const box = document.getElementById("transfers");
  box.replaceChildren(...state.transfers.map((transfer) => {
    const row = element("div", "transfer");
    const amount = `${transfer.amount_rwf.toLocaleString("en-US")} Frw`;
    row.append(element("span", "", `${transfer.order}: ${amount} ${transfer.collected ? "from" : "to"} ${transfer.msisdn}, ${transfer.operator}`));
    row.append(element("span", `state ${transfer.status}`, transfer.status));
    return row;
  }));
  showEmpty(box, "No payouts yet. Accept an order, then My orders, I delivered it: the hub pays in half a minute.");
  // The phone goes by the bad network while any of its faults is on.
  document.body.dataset.network = Object.keys(state.switches).some((name) => name.startsWith("hop_") && state.switches[name]) ? "bad" : "";
  for (const input of document.querySelectorAll("[data-switch]")) {
    if (document.activeElement !== input) input.checked = Boolean(state.switches[input.dataset.switch]);
  }
}

async function readWaiting() {
  const box = document.getElementById("waiting");
  if (!box) return;
  const answer = await fetch("/simulator/waiting.json");
  if (!answer.ok) return;
  const rows = (await answer.json()).payments.map((payment) => {
    const row = element("div", "transfer");
    row.append(element("span", "", payment.what), element("span", "state PENDING", payment.why));
    return row;
  });
  box.replaceChildren(element("b", "", "On the way"), ...rows);
  box.hidden = !rows.length;
}

async function refresh() {
  if (document.hidden) return;
  try {
    await Promise.all([readInbox(), readOperator(), readWaiting()]);
  } catch {
    // The server is restarting; the next round finds it again.
  }
}

document.addEventListener("change", (event) => {
  const name = event.target.dataset?.switch;
  if (!name) return;
  fetch("/simulator/operator/switches", { method: "POST", body: JSON.stringify({ [name]: event.target.checked }) });
});
setInterval(refresh, 1500);
document.addEventListener("visibilitychange", refresh);

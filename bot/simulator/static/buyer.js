// The buyer's page: sends what the forms say, and shows every second what came of it.
"use strict";

const byId = (id) => document.getElementById(id);
let cancelling = "";
let drawn = "";
const HEADS = [...document.querySelectorAll("thead th")].map((th) => th.textContent);

async function post(path, fields) {
  const answer = await fetch(path, { method: "POST", body: JSON.stringify(fields) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

function fieldsOf(form) {
  return Object.fromEntries(new FormData(form));
}

function whenSent(form, path, words) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    cancelling = "";
    try {
      byId("said").textContent = words(await post(path, { ...fieldsOf(byId("order")), ...fieldsOf(form) }));
    } catch (error) {
      byId("said").textContent = error.message;
    }
    button.disabled = false;
    show();
  });
}

async function cancel(orderId) {
  byId("said").textContent = `${orderId}: asked to cancel`;
  try {
    const said = await post("/simulator/buyer/cancel", { order_id: orderId });
    if (said.status !== 202) throw new Error(`${orderId}: ${said.said.error}`);
    cancelling = orderId;
  } catch (error) {
    byId("said").textContent = error.message;
  }
  show();
}

// It is cancelled once the server says so, not when it was asked.
function sayCancelled(orders) {
  if (!orders.some((order) => order.order_id === cancelling && order.lines[0].state === "cancelled")) return;
  byId("said").textContent = `${cancelling}: cancelled`;
  cancelling = "";
}

function row(order) {
  const line = order.lines[0];
  const tr = document.createElement("tr");
  const cells = [order.order_id, line.state, `${line.packs_accepted} of ${line.packs}`, order.asked.join("\n"),
    `${line.price_rwf.toLocaleString("en")} of ${line.sale_price_rwf.toLocaleString("en")} Frw`];
  // On a narrow screen each row is a card, and its cells name themselves.
  cells.forEach((text, place) => {
    const td = Object.assign(document.createElement("td"), { textContent: text });
    td.dataset.label = HEADS[place];
    tr.append(td);
  });
  const last = Object.assign(document.createElement("td"), { className: "act" });
  if (line.state === "open") {
    const button = Object.assign(document.createElement("button"), { textContent: "Cancel", className: "plain" });
    button.addEventListener("click", () => cancel(order.order_id));
    last.append(button);
  }
  tr.append(last);
  return tr;
}

function piece(news) {
  const about = news.data.order_id || news.data.booking_id || "";
  const packs = news.data.packs_accepted === undefined ? "" : `${news.data.packs_accepted} of ${news.data.packs} packs`;
  const why = news.data.reason || "";
  const li = document.createElement("li");
  li.append(Object.assign(document.createElement("b"), { textContent: news.type }), ` ${about} ${packs} ${why}`);
  return li;
}

async function show() {
  const answer = await fetch("/simulator/buyer/now.json");
  if (!answer.ok) return;
  const now = await answer.json();
  // A button that is put in anew under a press, or loses the focus, does nothing.
  if (drawn !== JSON.stringify(now.orders)) byId("orders").replaceChildren(...now.orders.map(row));
  drawn = JSON.stringify(now.orders);
  byId("news").replaceChildren(...now.news.slice(0, 30).map(piece));
  byId("came").textContent = now.came ? `${now.came} signed ${now.came === 1 ? "message" : "messages"}` : "";
  sayCancelled(now.orders);
}

whenSent(byId("order"), "/simulator/buyer/order", (said) => `${said.order_id}: ${said.status === 202 ? "kept" : said.said.error}`);
whenSent(byId("flash"), "/simulator/buyer/flash", (said) => `${said.kept} of ${said.sent} kept in ${said.seconds} s`);
show();
setInterval(show, 1000);

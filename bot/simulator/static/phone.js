// The phone: it speaks Africa's Talking's wire to the real gateway route, and can be given faults.
"use strict";
const byId = (id) => document.getElementById(id);
const call = { id: "", history: [], secrets: new Set(), open: false, asksPin: false, last: null, typed: "", busy: false, losing: false };
let config = null;

const KEYS = [["1", ""], ["2", "abc"], ["3", "def"], ["4", "ghi"], ["5", "jkl"], ["6", "mno"],
  ["7", "pqrs"], ["8", "tuv"], ["9", "wxyz"], ["*", ""], ["0", "+"], ["#", ""]];

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return "ATUid_" + [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function form(hidden = false) {
  const typed = call.history.map((entry, place) => (hidden && call.secrets.has(place) ? "•••••" : entry));
  return new URLSearchParams({
    sessionId: call.id, phoneNumber: byId("msisdn").value.trim(), networkCode: byId("network").value,
    serviceCode: config.service_code, text: typed.join("*"),
  });
}

function showTyped() {
  byId("typed").textContent = call.asksPin ? "•".repeat(call.typed.length) : call.typed;
  byId("letters").value = call.typed;
  byId("letters").inputMode = call.asksPin ? "numeric" : "text";
}

function showIdle() {
  const idle = element("div", "idle");
  idle.append(element("b", "", byId("code").value), "Press the green key to call.");
  byId("screen").replaceChildren(idle);
}

function verdict(text, kind) {
  byId("verdict").textContent = text;
  byId("verdict").className = `verdict ${kind || ""}`;
}

function note(sent, received, ms) {
  byId("wire").append(element("li", "", `POST ${config.gateway_path}  ${ms} ms\n${sent}\n${received}`));
}

function show(raw, status) {
  const screen = byId("screen");
  if (status !== 200) {
    call.open = false;
    screen.replaceChildren(element("span", "over", `Refused by the gateway route (HTTP ${status}). Check the number.`));
    return;
  }
  const text = raw.slice(4);
  call.open = raw.startsWith("CON ");
  call.asksPin = call.open && /PIN|umubare w'ibanga/i.test(text) && !/^[1-9]/m.test(text)
    && !/never write|ntukandike/i.test(text);
  screen.replaceChildren(text);
  if (!call.open) screen.append(element("span", "over", "Call ended."));
  screen.scrollTop = 0;
  const count = septets(text);
  byId("septets").textContent = `${count}/160`;
  byId("septets").className = count > 160 || !isGsm7(text) ? "full" : "";
}

async function send(again) {
  if (call.busy) return;
  call.busy = true;
  byId("screen").classList.add("waiting");
  const sent = form(true).toString().replaceAll(encodeURIComponent("•"), "•");
  const started = performance.now();
  try {
    const bad = document.body.dataset.network === "bad";
    const answer = await fetch(bad ? config.network_path : config.gateway_path, { method: "POST", body: form() });
    const raw = await answer.text();
    const ms = Math.round(performance.now() - started);
    byId("millis").textContent = ms;
    byId("hops").textContent = call.history.length + 1;
    note(sent, raw, ms);
    const network = answer.headers.get("X-Isoko-Network") || "";
    if (answer.status === 504 && network.includes("lost")) lose();
    else settle(raw, answer.status, again);
    if (network) verdict(`The network: ${network}.`, network.includes("ANOTHER") ? "bad" : "good");
  } catch {
    verdict("No answer: the server is not there. Start it with make run, then resend.", "bad");
  } finally {
    call.busy = false;
    byId("screen").classList.remove("waiting");
  }
}

function lose() {
  call.last = { raw: null };
  byId("screen").replaceChildren(element("span", "over", "No reply came. Resend the hop, or redial."));
}

function settle(raw, status, again) {
  if (call.losing && !again) {
    toggleLosing(false);
    lose();
    verdict("The reply was lost on the way; the server did its work.");
    return;
  }
  if (again) {
    const before = call.last?.raw;
    if (before === null || before === undefined) verdict("The hop came again, and its one reply arrived.", "good");
    else if (before === raw) verdict("Same bytes ✓ The repeat had no second effect.", "good");
    else verdict("Other bytes than before!", "bad");
  } else {
    verdict("");
  }
  call.last = { raw };
  show(raw, status);
}

// The operator leads a code to who rents it: another one never reaches this server.
function notOurs() {
  Object.assign(call, { id: "", history: [], typed: "", asksPin: false, last: null, open: false });
  showTyped();
  byId("screen").replaceChildren(element("span", "over", `This code is not Isoko's; dial ${config.service_code}`));
  verdict("");
}

function dial() {
  if (!config || call.busy) return;
  const base = config.service_code.replace(/#$/, "");
  const code = byId("code").value.trim().replace(/#$/, "");
  if (code !== base && !code.startsWith(base + "*")) return notOurs();
  const tail = code.slice(base.length + 1);
  Object.assign(call, { id: newId(), history: tail ? tail.split("*") : [], secrets: new Set(), typed: "", asksPin: false, last: null, open: true });
  showTyped();
  send(false);
}

function answer() {
  // What is typed while a reply is awaited stays on the line, to be sent after it.
  if (call.busy) return undefined;
  if (!call.open) return dial();
  if (!call.typed && !call.history.length && !call.last) return;
  if (call.asksPin) call.secrets.add(call.history.length);
  call.history.push(call.typed);
  call.typed = byId("letters").value = "";
  send(false).then(showTyped);
}

async function hangUp() {
  if (call.id && call.open) {
    const event = form();
    event.set("status", "Incomplete");
    event.set("hopsCount", String(call.history.length + 1));
    await fetch(config.events_path, { method: "POST", body: event }).catch(() => {});
    verdict("You hung up. Redial: what was left half done is offered again for 15 minutes.");
  }
  Object.assign(call, { open: false, typed: "", asksPin: false });
  showTyped();
  showIdle();
}

function press(sign) {
  call.typed += sign;
  showTyped();
}

function toggleLosing(on) {
  call.losing = on;
  byId("drop").setAttribute("aria-pressed", String(on));
}

function showWhoCalls(msisdn) {
  for (const button of byId("cast").children) button.setAttribute("aria-pressed", String(button.dataset.msisdn === msisdn));
}

function showTypedNumber() {
  const number = byId("msisdn").value.trim();
  byId("caller").textContent = config.cast.find((member) => member.msisdn === number)?.label || number;
  showWhoCalls(number);
}

function choose(member) {
  byId("msisdn").value = member.msisdn;
  byId("network").value = member.network;
  byId("caller").textContent = member.label;
  byId("carrier").textContent = member.network === "63514" ? "Airtel" : "MTN";
  showWhoCalls(member.msisdn);
  Object.assign(call, { open: false, history: [], secrets: new Set(), typed: "", id: "", last: null, asksPin: false });
  showTyped();
  showIdle();
  refresh();
  document.dispatchEvent(new CustomEvent("caller", { detail: member }));
}

// After a press the screen has the focus, so that Enter sends the answer and does not dial again.
function onPress(id, action) {
  byId(id).onclick = () => { action(); byId("screen").focus({ preventScroll: true }); };
}

function listen() {
  onPress("call", dial);
  onPress("redial", dial);
  onPress("end", hangUp);
  onPress("send", answer);
  onPress("clear", () => { call.typed = call.typed.slice(0, -1); showTyped(); });
  onPress("resend", () => (call.id ? send(true) : verdict("Nothing was sent yet: call first.")));
  onPress("drop", () => toggleLosing(!call.losing));
  byId("network").onchange = (event) => { byId("carrier").textContent = event.target.selectedOptions[0].text; };
  byId("msisdn").oninput = showTypedNumber;
  byId("code").oninput = () => { if (!call.open) showIdle(); };
  // On a touch screen this unseen line over the entry opens the keyboard that has letters.
  byId("letters").oninput = (event) => { call.typed = event.target.value; showTyped(); };
  byId("letters").onkeydown = (event) => {
    if (event.key === "Enter") answer();
    else if (event.key === "Escape") hangUp();
  };
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && !event.target.matches("button, summary")) answer();
    else if (event.key === "Escape") hangUp();
    else if (event.key === "Backspace") byId("clear").click();
    else if (event.key.length === 1 && event.key !== " " || (event.key === " " && call.typed)) press(event.key);
    else return;
    event.preventDefault();
  });
}

async function begin() {
  for (const [digit, letters] of KEYS) {
    const key = element("button");
    key.append(element("b", "", digit), element("small", "", letters));
    key.setAttribute("aria-label", digit);
    key.id = `key-${digit}`;
    byId("keys").append(key);
    onPress(key.id, () => press(digit));
  }
  config = await (await fetch("/simulator/config.json")).json();
  byId("code").value = config.service_code;
  for (const member of config.cast) {
    const button = element("button");
    button.dataset.msisdn = member.msisdn;
    button.append(element("span", "", member.label), element("small", "", member.msisdn));
    button.onclick = () => {
      choose(member);
      // On a narrow screen the phone, and the chat, are above the list.
      if (matchMedia("(max-width: 66rem)").matches) document.querySelector(".talk, .stage").scrollIntoView();
    };
    byId("cast").append(button);
  }
  listen();
  choose(config.cast[0]);
  const tick = () => { byId("clock").textContent = new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }); };
  tick();
  setInterval(tick, 5000);
}
begin();

// The chat: what a person does is told to the pretended Telegram; what it shows is read from there.
"use strict";
const chat = { person: null, seen: "", drawn: new Map(), last: null, toasts: 0, reading: false, commands: [] };
const inChat = (id) => document.getElementById(id);

function sayVerdict(text, kind) {
  inChat("chat-verdict").textContent = text;
  inChat("chat-verdict").className = `verdict ${kind || ""}`;
}

async function act(what, details) {
  const body = JSON.stringify({ person: chat.person, what, ...details });
  const answer = await fetch("/simulator/telegram/do", { method: "POST", body }).catch(() => null);
  if (!answer?.ok) return sayVerdict("The pretended Telegram does not answer. Start the server with make run.", "bad");
  sayVerdict("");
  // The answer is looked for soon and often, then at the usual pace.
  for (const wait of [60, 250, 600, 1100]) setTimeout(readChat, wait);
  return undefined;
}

function pressButton(message, one, button) {
  if (one.url) return void window.open(one.url, "_blank", "noopener");
  button?.classList.add("waiting");
  chat.last = { message_id: message.message_id, data: one.callback_data };
  return act("press", chat.last);
}

function showMessages(messages) {
  const box = inChat("talk");
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  const drawn = new Map();
  let fresh = false;
  for (const message of messages) {
    const text = JSON.stringify(message);
    const before = chat.drawn.get(message.message_id);
    if (before?.text === text) {
      drawn.set(message.message_id, before);
      continue;
    }
    const node = drawMessage(message, pressButton);
    if (before) node.classList.add("changed");
    fresh = true;
    drawn.set(message.message_id, { text, node });
  }
  chat.drawn = drawn;
  const nodes = [...drawn.values()].map((one) => one.node);
  if (!nodes.length) nodes.push(element("p", "nothing", "Nothing here yet. Press Start: no account and no number is needed."));
  box.replaceChildren(...nodes);
  if (atEnd || fresh) box.scrollTop = box.scrollHeight;
}

function showKeyboard(keyboard) {
  const box = inChat("shared");
  box.hidden = !keyboard;
  box.replaceChildren();
  if (!keyboard) return;
  box.append(drawRows(keyboard.keyboard, (one) => (one.request_contact ? act("contact") : act("say", { text: one.text || one }))));
}

function showToast(state) {
  if (state.toasts > chat.toasts && state.toast) {
    const toast = inChat("toast");
    toast.textContent = state.toast.text;
    toast.hidden = false;
    clearTimeout(chat.toastEnds);
    chat.toastEnds = setTimeout(() => { toast.hidden = true; }, 4500);
  }
  chat.toasts = state.toasts;
}

function showState(state) {
  inChat("chat-state").textContent = state.blocked ? "blocked by you" : state.typing ? "is typing…" : "bot";
  inChat("block").textContent = state.blocked ? "Unblock" : "Block";
  inChat("block").setAttribute("aria-pressed", String(Boolean(state.blocked)));
  inChat("start").hidden = state.started && !state.blocked;
  inChat("start").textContent = state.blocked ? "Unblock and start" : "Start";
  inChat("compose").hidden = !inChat("start").hidden;
  if (!inChat("start").hidden) inChat("commands").hidden = true;
}

async function readChat() {
  if (!chat.person || document.hidden) return;
  const who = chat.person.id;
  const query = new URLSearchParams({ user: String(who), seen: String(chat.seen) });
  const answer = await fetch(`/simulator/telegram/chat.json?${query}`).catch(() => null);
  if (!answer?.ok || who !== chat.person.id) return;
  const state = await answer.json();
  // Two readings may overtake each other.
  if (!state.messages || Number(state.version) < Number(chat.seen || 0)) return;
  chat.seen = state.typing ? "" : state.version;
  chat.commands = state.commands || chat.commands;
  showState(state);
  showKeyboard(state.keyboard);
  showMessages(state.messages);
  showToast(state);
}

function showCommands() {
  const box = inChat("commands");
  box.hidden = !box.hidden;
  inChat("menu").setAttribute("aria-expanded", String(!box.hidden));
  box.replaceChildren(...chat.commands.map((one) => {
    const button = element("button");
    button.type = "button";
    button.append(element("b", "", `/${one.command}`), element("span", "", one.description));
    button.onclick = () => { showCommands(); act("say", { text: `/${one.command}` }); };
    return button;
  }));
  if (!chat.commands.length) box.append(element("p", "empty", "The bot has told no commands yet."));
}

// The same people as in the list, where the list is far away.
function showPeople(msisdn) {
  const box = inChat("person");
  box.replaceChildren(...[...inChat("cast").children].map((button) => {
    const one = element("option", "", button.firstChild.textContent);
    one.value = button.dataset.msisdn;
    return one;
  }));
  box.value = msisdn;
}

function sendText() {
  const field = inChat("say");
  const text = field.value.trim();
  if (!text) return;
  field.value = "";
  act("say", { text });
}

function sendFile(event) {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file) return;
  const reader = new FileReader();
  const what = file.type.startsWith("image/") ? "photo" : "document";
  reader.onload = () =>
    act(what, { data: String(reader.result).split(",")[1] || "", caption: "", name: file.name });
  reader.readAsDataURL(file);
}

// The person who calls is the one who chats: phone.js tells who it is.
document.addEventListener("caller", (event) => {
  const member = event.detail;
  chat.person = member.telegram;
  showPeople(member.msisdn);
  Object.assign(chat, { seen: "", drawn: new Map(), last: null, toasts: Infinity });
  inChat("toast").hidden = true;
  showState({ started: false });
  showMessages([]);
  sayVerdict("");
  readChat();
});

inChat("compose").addEventListener("submit", (event) => { event.preventDefault(); sendText(); });
inChat("say").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); sendText(); }
});
// Keys that are pressed in the chat are not keys of the phone.
document.querySelector(".talk").addEventListener("keydown", (event) => event.stopPropagation());
inChat("person").onchange = (event) => inChat("cast").querySelector(`[data-msisdn="${event.target.value}"]`).click();
inChat("menu").onclick = showCommands;
inChat("start").onclick = () => act("say", { text: "/start" });
inChat("block").onclick = () => act("block", { blocked: inChat("block").getAttribute("aria-pressed") !== "true" });
inChat("contact").onclick = () => act("contact");
inChat("again").onclick = () => (chat.last ? act("press", chat.last) : sayVerdict("No button was pressed yet."));
inChat("photo").onchange = sendFile;
setInterval(readChat, 900);
document.addEventListener("visibilitychange", readChat);

// How a message of the chat is drawn: its bubble, its buttons, a photo, a file, a contact.
"use strict";

function fileUrl(id) {
  return `/simulator/telegram/files/${encodeURIComponent(id)}`;
}

function drawContent(bubble, message) {
  if (message.photo) {
    const photo = element("img");
    photo.src = fileUrl(message.photo[message.photo.length - 1].file_id);
    photo.alt = message.caption || "Photo";
    bubble.append(photo);
  }
  if (message.document) {
    const file = element("span", message.document.file_name.endsWith(".csv") ? "file csv" : "file");
    const link = element("a", "", message.document.file_name);
    link.href = fileUrl(message.document.file_id);
    link.target = "_blank";
    link.rel = "noopener";
    file.append(link);
    bubble.append(file);
  }
  if (message.contact) {
    const number = message.contact.phone_number.replace(/^\+?/, "+");
    bubble.append(element("span", "card", `${message.contact.first_name}\n${number}`));
  }
  const words = message.text || message.caption;
  if (words) bubble.append(element("span", "", words));
}

function drawRows(rows, onPress) {
  const box = element("div", "rows");
  for (const buttons of rows) {
    const row = element("div", "row");
    for (const one of buttons) {
      const button = element("button", "", one.text || one);
      button.type = "button";
      button.onclick = () => onPress(one, button);
      row.append(button);
    }
    box.append(row);
  }
  return box;
}

// `onPress(message, button, element)` is called with the button of the message that was pressed.
function drawMessage(message, onPress) {
  const drawn = element("article", message.from.is_bot ? "message" : "message me");
  drawn.dataset.id = message.message_id;
  const bubble = element("div", "bubble");
  drawContent(bubble, message);
  bubble.append(element("time", "", `${message.edit_date ? "edited " : ""}${clockOf(message.edit_date || message.date)}`));
  drawn.append(bubble);
  const rows = message.reply_markup?.inline_keyboard;
  if (rows?.length) drawn.append(drawRows(rows, (one, button) => onPress(message, one, button)));
  return drawn;
}

// What farmers offer, on the buyer's page: the goods, a district, and photos that were checked.
"use strict";

let goodsDrawn = "";

function goodsPiece(tag, text, more = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...more });
}

function goodsPicture(one) {
  if (!one.photos.length) return goodsPiece("p", "No photo yet", { className: "none" });
  return Object.assign(document.createElement("img"), {
    src: one.photos[0], alt: `${one.name}, ${one.district}`, loading: "lazy",
  });
}

function goodsCard(one) {
  const [year, month, day] = one.harvested_on.split("-");
  const each = one.unit === "piece" ? "each" : `a ${one.unit}`;
  const amount = one.unit === "piece" ? `${one.units.toLocaleString("en")} pieces` : `${one.units.toLocaleString("en")} ${one.unit}`;
  const li = document.createElement("li");
  const named = document.createElement("p");
  named.append(goodsPiece("b", one.grade ? `${one.name}, ${one.grade}` : one.name));
  li.append(goodsPicture(one), named, goodsPiece("p", `${amount}, ${one.price_rwf.toLocaleString("en")} Frw ${each}`),
    goodsPiece("p", `${one.district}, harvested ${day}/${month}/${year}`));
  return li;
}

async function showGoods() {
  const answer = await fetch("/simulator/buyer/stock.json");
  if (!answer.ok) return;
  const { stock } = await answer.json();
  // A picture that is put in anew flickers.
  if (goodsDrawn === JSON.stringify(stock)) return;
  goodsDrawn = JSON.stringify(stock);
  document.getElementById("goods").replaceChildren(...(stock.length ? stock.map(goodsCard) : [goodsPiece("li", "Nothing now", { className: "none" })]));
}

showGoods();
setInterval(showGoods, 5000);

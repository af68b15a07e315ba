// The GSM 03.38 alphabet, to count septets as the network does; signs of the extension take two.
"use strict";
const EXTENSION = new Set("\f^{}\\[~]|€");
const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
  "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");

function septets(text) {
  let count = 0;
  for (const sign of text) count += EXTENSION.has(sign) ? 2 : 1;
  return count;
}

function isGsm7(text) {
  return [...text].every((sign) => BASIC.has(sign) || EXTENSION.has(sign));
}

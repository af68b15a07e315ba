// Puts what was asked for anew in the place of what is shown.
function put(text) {
  const next = new DOMParser().parseFromString(text, "text/html").getElementById("live");
  // What is being read or pointed at stays where it is: focus is found again by its address.
  const live = document.getElementById("live");
  const at = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  live.replaceChildren(...next.childNodes);
  if (at) [...live.querySelectorAll("a")].find((link) => link.getAttribute("href") === at)?.focus({ preventScroll: true });
}

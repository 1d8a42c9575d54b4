// Keeps the overview current from server-sent events. The server sends finished HTML; this only puts it in place.
"use strict";

(() => {
  const QUIET_MS = 5000; // the server speaks every half second: so long a silence means trouble
  const MOST_ROWS = 200;

  const pulse = document.getElementById("pulse");
  const word = document.getElementById("pulse-word");
  const asOf = document.getElementById("as-of");
  const list = document.getElementById("mismatch-list");
  const body = document.getElementById("mismatches");
  const empty = document.getElementById("no-mismatches");
  const button = document.getElementById("show-new");
  const held = new Map(); // row id -> row that waits while the list is being read
  let lastHeard = performance.now();

  function state(name, text) {
    if (pulse.dataset.state !== name) pulse.dataset.state = name;
    if (word.textContent !== text) word.textContent = text;
  }

  // Replaces only what differs, so that a selection or a focus elsewhere in the part survives.
  function patch(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    const sameShape =
      old.nodeType === Node.ELEMENT_NODE && fresh.nodeType === Node.ELEMENT_NODE &&
      old.tagName === fresh.tagName && old.childNodes.length === fresh.childNodes.length;
    if (!sameShape) {
      old.replaceWith(fresh);
      return;
    }
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    const next = [...fresh.childNodes];
    [...old.childNodes].forEach((child, index) => patch(child, next[index]));
  }

  function replace(id, html) {
    const target = document.getElementById(id);
    if (!target || !("fragment" in target.dataset)) return;
    const fresh = target.cloneNode(false);
    fresh.innerHTML = html;
    patch(target, fresh);
  }

  function rowFrom(html) {
    const table = document.createElement("tbody");
    table.innerHTML = html;
    return table.firstElementChild;
  }

  // Somebody reads the list: it was scrolled, or the pointer, the focus or a selection is inside of it.
  function beingRead() {
    const selection = document.getSelection();
    const selecting = selection && !selection.isCollapsed && list.contains(selection.anchorNode);
    const above = list.getBoundingClientRect().top < 0;
    const inside = document.activeElement !== document.body && list.contains(document.activeElement);
    return list.scrollTop > 4 || above || inside || selecting || list.matches(":hover");
  }

  // Newest first; of the same moment the larger id first, as the server sorts them.
  function before(one, other) {
    if (one.dataset.at !== other.dataset.at) return one.dataset.at > other.dataset.at;
    return one.id > other.id;
  }

  function insert(row) {
    let next = body.firstElementChild;
    while (next && !before(row, next)) next = next.nextElementSibling;
    row.classList.add("fresh");
    row.addEventListener("animationend", () => row.classList.remove("fresh"), { once: true });
    body.insertBefore(row, next);
    while (body.childElementCount > MOST_ROWS) body.lastElementChild.remove();
    empty.hidden = true;
  }

  function showHeld() {
    for (const row of held.values()) insert(row);
    held.clear();
    button.hidden = true;
  }

  function take(rows) {
    const reading = body.childElementCount > 0 && beingRead();
    for (const html of rows.reverse()) {
      const row = rowFrom(html);
      const shown = document.getElementById(row.id);
      if (shown) patch(shown, row);
      else if (reading) held.set(row.id, row);
      else insert(row);
    }
    offerHeld();
  }

  function offerHeld() {
    button.hidden = held.size === 0;
    const text = held.size === 1 ? "Show 1 new" : `Show ${held.size} new`;
    if (button.textContent !== text) button.textContent = text;
  }

  button.addEventListener("click", () => {
    showHeld();
    list.scrollTop = 0;
    list.scrollIntoView({ block: "nearest" });
  });
  list.addEventListener("mouseleave", () => { if (!beingRead()) showHeld(); });

  const source = new EventSource("/live");
  source.addEventListener("mismatches", (event) => take(JSON.parse(event.data)));
  source.addEventListener("fragments", (event) => {
    const { as_of: time, html } = JSON.parse(event.data);
    for (const [id, part] of Object.entries(html)) replace(id, part);
    lastHeard = performance.now();
    if (!time) return;
    asOf.textContent = time;
    state("live", "Live");
  });
  source.addEventListener("trouble", () => {
    lastHeard = performance.now();
    state("waiting", "The database does not answer. As of");
  });
  source.addEventListener("error", () => state("waiting", "Connecting again. As of"));
  setInterval(() => {
    if (performance.now() - lastHeard > QUIET_MS) state("waiting", "Connecting again. As of");
  }, 1000);
})();

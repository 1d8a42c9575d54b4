// A list of mismatches that stays current from server-sent events, and moves nothing that is being read.
// The server sends finished HTML; this only puts it in place. Shared by the overview and the finder.

// Replaces only what differs, so that a selection or a focus elsewhere in the part survives.
export function patch(old, fresh) {
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

// Newest first; of the same moment the larger id first, as the server sorts them.
function before(one, other) {
  if (one.dataset.at !== other.dataset.at) return one.dataset.at > other.dataset.at;
  return one.id > other.id;
}

export class Rows {
  // `inOrder` false: the list is sorted otherwise, so what is new waits until it is asked for.
  constructor({ list, body, empty, button, most = Infinity, inOrder = true, isHeldUp = () => false }) {
    Object.assign(this, { list, body, empty, button, most, inOrder, isHeldUp });
    this.held = new Map(); // row id -> row that waits while the list is being read
    button.addEventListener("click", () => {
      this.showHeld();
      list.scrollTop = 0;
      list.scrollIntoView({ block: "nearest" });
    });
    list.addEventListener("mouseleave", () => { if (!this.beingRead()) this.showHeld(); });
  }

  // Somebody reads the list: it was scrolled, or the pointer, the focus or a selection is inside of it.
  beingRead() {
    const { list } = this;
    const selection = document.getSelection();
    const selecting = selection && !selection.isCollapsed && list.contains(selection.anchorNode);
    const above = list.getBoundingClientRect().top < 0;
    const inside = document.activeElement !== document.body && list.contains(document.activeElement);
    return !this.inOrder || list.scrollTop > 4 || above || inside || selecting ||
      list.matches(":hover") || this.isHeldUp();
  }

  // Rows as HTML, in any order. Known ones change where they are; an older state of one changes nothing.
  take(rows) {
    const reading = this.body.childElementCount > 0 && this.beingRead();
    for (const html of rows) {
      const row = rowFrom(html);
      const shown = document.getElementById(row.id);
      const known = shown ?? this.held.get(row.id);
      if (known && Number(known.dataset.seq) > Number(row.dataset.seq)) continue;
      if (shown) this.change(shown, row);
      else if (reading) this.held.set(row.id, row);
      else this.insert(row);
    }
    this.offer();
  }

  change(shown, row) {
    for (const name of ["aria-selected", "tabindex"]) {
      if (shown.hasAttribute(name)) row.setAttribute(name, shown.getAttribute(name));
    }
    if (shown.classList.contains("fresh")) row.classList.add("fresh");
    patch(shown, row);
  }

  // No longer in this list: it stays where it is, dimmed, until the list is asked for again.
  leave(ids) {
    for (const id of ids) {
      this.held.delete(`mismatch-${id}`);
      document.getElementById(`mismatch-${id}`)?.classList.add("left");
    }
    this.offer();
  }

  insert(row) {
    let next = this.body.firstElementChild;
    while (next && !before(row, next)) next = next.nextElementSibling;
    row.classList.add("fresh");
    row.addEventListener("animationend", () => row.classList.remove("fresh"), { once: true });
    this.body.insertBefore(row, next);
    while (this.body.childElementCount > this.most) this.body.lastElementChild.remove();
    this.empty.hidden = true;
  }

  showHeld() {
    for (const row of this.held.values()) this.insert(row);
    this.held.clear();
    this.offer();
  }

  offer() {
    const { button, held } = this;
    button.hidden = held.size === 0;
    const text = held.size === 1 ? "Show 1 new" : `Show ${held.size} new`;
    if (button.textContent !== text) button.textContent = text;
  }
}

function rowFrom(html) {
  const table = document.createElement("tbody");
  table.innerHTML = html;
  return table.firstElementChild;
}

// Opens the stream, again and again if need be. `gap()` is called when something may have been missed.
export class Stream {
  constructor(url, after, events, gap) {
    Object.assign(this, { url, after, events, gap });
    this.connect();
  }

  connect() {
    const { url, after } = this;
    const mark = after ? `${url.includes("?") ? "&" : "?"}after=${encodeURIComponent(after)}` : "";
    const source = new EventSource(url + mark);
    this.source = source;
    this.listen("ready", () => { if (!after) this.gap(); });
    this.listen("reset", () => { this.events.ready?.(); this.gap(); });
    for (const [name, take] of Object.entries(this.events)) this.listen(name, take);
    source.addEventListener("error", () => {
      this.events.closed?.();
      // The browser connects again by itself, but not after an answer that was no stream.
      if (source.readyState === EventSource.CLOSED) this.timer = setTimeout(() => this.connect(), 2000);
    });
  }

  listen(name, take) {
    this.source.addEventListener(name, (event) => {
      if (!(event instanceof MessageEvent)) return;
      take(JSON.parse(event.data));
      if (event.lastEventId) this.after = event.lastEventId;
    });
  }

  close() {
    clearTimeout(this.timer);
    this.source.close();
  }
}

// The page as the server would show it now.
export async function fetched(url) {
  const response = await fetch(url, { headers: { Accept: "text/html" } });
  if (!response.ok) throw Object.assign(new Error(`${response.status}`), { detail: await detailOf(response) });
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

// What a refusal says, where it is one of the server's problem documents.
async function detailOf(response) {
  try { return response.status < 500 ? (await response.json()).detail : ""; } catch { return ""; }
}

export function rowsOf(page) {
  return [...page.querySelectorAll("#mismatches tr")].map((row) => row.outerHTML);
}

export function pulse(name, text) {
  const place = document.getElementById("pulse");
  const word = document.getElementById("pulse-word");
  if (place.dataset.state !== name) place.dataset.state = name;
  if (word.textContent !== text) word.textContent = text;
}

// The finder: filters in the URL, a live list that holds still while it is read, keys, a panel, a selection.
import { Rows, Stream, fetched, patch, pulse, rowsOf } from "./rows.js";

const COUNTS_AFTER_MS = 2000;
const id = (name) => document.getElementById(name);
const finder = id("finder"), list = id("mismatch-list"), body = id("mismatches"), panel = id("panel");
const chosen = new Map(); // mismatch id -> {difference, currency, digits} of a selected row
let rows, stream, current = null, asked = 0, countsTimer = null, opener = null;

document.documentElement.classList.add("script");

// -- the list ----------------------------------------------------------------------------------------------

function follow() {
  stream?.close();
  rows = rows ?? new Rows({
    list, body, empty: id("no-mismatches"), button: id("show-new"),
    isHeldUp: () => chosen.size > 0 || !panel.hidden,
  });
  rows.held.clear();
  rows.offer();
  rows.inOrder = finder.dataset.sort === "-detected_at";
  stream = new Stream(finder.dataset.stream, finder.dataset.after, {
    rows: (html) => {
      const before = body.childElementCount + rows.held.size;
      rows.take(html);
      news(body.childElementCount + rows.held.size - before);
      if (panel.dataset.id && html.some((row) => row.includes(`"mismatch-${panel.dataset.id}"`))) refreshPanel();
    },
    left: (ids) => {
      rows.leave(ids);
      countAgain();
      if (ids.includes(panel.dataset.id)) refreshPanel();
    },
    ready: () => pulse("live", "Live"),
    trouble: () => pulse("waiting", "Kafka does not answer; news will follow"),
    closed: () => pulse("waiting", "Connecting again"),
  }, listAgain);
}

function news(count) {
  if (count > 0) id("announce").textContent = count === 1 ? "One new mismatch" : `${count} new mismatches`;
  countAgain();
}

// Counts follow a little later: one look for a burst of news.
function countAgain() {
  countsTimer ??= setTimeout(async () => {
    countsTimer = null;
    try { takeCounts(await fetched(location.href)); } catch { /* the next news ask again */ }
  }, COUNTS_AFTER_MS);
}

function takeCounts(page) {
  patch(id("facets"), page.getElementById("facets"));
}

// What the server has now, put in beside what is shown: after a gap that the log could not fill.
async function listAgain() {
  try {
    const page = await fetched(location.href);
    rows.take(rowsOf(page));
    takeCounts(page);
  } catch {
    setTimeout(listAgain, 2000);
  }
}

// Another filter or order: the whole list anew. `how`: "push", "replace" or "" for the browser's own moves.
async function go(url, how) {
  const number = ++asked;
  finder.setAttribute("aria-busy", "true");
  try {
    const page = await fetched(url);
    if (number !== asked) return;
    if (how === "push") history.pushState(null, "", url);
    if (how === "replace") history.replaceState(null, "", url);
    show(page);
    problem("");
  } catch (error) {
    const said = error.detail ? `That filter cannot be used: ${error.detail}. ` : "The server does not answer. ";
    if (number === asked) problem(said, () => go(url, how));
  } finally {
    if (number === asked) finder.removeAttribute("aria-busy");
  }
}

function show(page) {
  const fresh = page.getElementById("finder");
  for (const name of ["stream", "after", "sort"]) finder.dataset[name] = fresh.dataset[name];
  takeCounts(page);
  body.replaceChildren(...page.querySelectorAll("#mismatches tr"));
  for (const name of ["no-mismatches", "more"]) id(name).replaceWith(page.getElementById(name));
  if (rows) rows.empty = id("no-mismatches");
  takeInputs(page);
  current = null;
  list.scrollTop = 0;
  for (const row of body.children) mark(row);
  follow();
}

function takeInputs(page) {
  const fresh = page.getElementById("search");
  for (const field of id("search").querySelectorAll("[name]")) {
    const value = fresh.querySelector(`[name="${field.name}"]`);
    if (field.dataset.digits) field.dataset.digits = value.dataset.digits;
    if (field !== document.activeElement) field.value = value.value;
  }
}

async function more(url) {
  const link = id("more").querySelector("a");
  link.textContent = "Loading …";
  try {
    const page = await fetched(url);
    for (const row of [...page.querySelectorAll("#mismatches tr")]) {
      if (!id(row.id)) body.append(row);
    }
    id("more").replaceWith(page.getElementById("more"));
  } catch {
    link.textContent = "That did not work. Show more";
  }
}

function problem(text, again) {
  const place = id("error");
  place.hidden = !text;
  place.textContent = text;
  if (!text) return;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: "Try again" });
  button.addEventListener("click", again);
  place.append(button);
}

// -- filters -----------------------------------------------------------------------------------------------

function filtered() {
  const url = new URL(location.href);
  url.hash = "";
  url.searchParams.delete("cursor");
  for (const field of id("search").querySelectorAll("[name]")) {
    const value = inMinorUnits(field, field.value.trim());
    if (value && !(field.name === "sort" && value === "-detected_at")) url.searchParams.set(field.name, value);
    else url.searchParams.delete(field.name);
  }
  return url.href;
}

// `12.5` with two digits is 1250. What is no amount goes to the server as it is, which says so.
function inMinorUnits(field, text) {
  if (field.dataset.digits === undefined || !/^\d+(\.\d*)?$/.test(text)) return text;
  const [whole, rest = ""] = text.split(".");
  const digits = Number(field.dataset.digits);
  if (rest.length > digits) return text;
  return (whole + rest.padEnd(digits, "0")).replace(/^0+(?=\d)/, "");
}

let typing = null;
id("search").addEventListener("input", (event) => {
  if (event.target.name !== "q") return;
  clearTimeout(typing);
  typing = setTimeout(() => go(filtered(), "replace"), 250);
});
id("search").addEventListener("change", () => {
  clearTimeout(typing);
  if (filtered() !== location.href.replace(/#.*/, "")) go(filtered(), "push");
});

// -- one row, the panel ------------------------------------------------------------------------------------

const rowAt = (target) => target.closest?.("#mismatches tr");
const idOf = (row) => row.id.slice("mismatch-".length);

function move(steps) {
  const all = [...body.children];
  if (!all.length) return;
  const at = current?.isConnected ? all.indexOf(current) : -1;
  setCurrent(all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + steps))]);
  if (!panel.hidden) open(current);
}

function setCurrent(row) {
  current?.classList.remove("current");
  current = row;
  if (!row) return;
  row.classList.add("current");
  row.tabIndex = -1;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function open(row) {
  if (!row) return;
  opener = row;
  const hash = `#${encodeURIComponent(idOf(row))}`;
  if (location.hash !== hash) history[location.hash ? "replaceState" : "pushState"](null, "", hash);
  openPanel(idOf(row));
}

async function openPanel(mismatchId) {
  panel.hidden = false;
  finder.classList.add("open");
  panel.dataset.id = mismatchId;
  id("panel-page").href = `/mismatches/${encodeURIComponent(mismatchId)}`;
  panel.setAttribute("aria-busy", "true");
  await refreshPanel();
  panel.scrollTop = 0;
  panel.removeAttribute("aria-busy");
}

async function refreshPanel() {
  const mismatchId = panel.dataset.id;
  let detail;
  try {
    detail = (await fetched(`/mismatches/${encodeURIComponent(mismatchId)}`)).getElementById("detail");
  } catch (error) {
    detail = Object.assign(document.createElement("p"), { className: "empty" });
    detail.textContent = error.message === "404" ? "There is no such mismatch." : "This could not be loaded. Open it again in a moment.";
  }
  if (panel.dataset.id !== mismatchId) return;
  const place = id("panel-body");
  if (place.firstElementChild && place.firstElementChild.dataset.id === detail.dataset.id) patch(place.firstElementChild, detail);
  else place.replaceChildren(detail);
}

function closePanel() {
  panel.hidden = true;
  delete panel.dataset.id;
  finder.classList.remove("open");
  id("panel-body").replaceChildren();
  if (opener?.isConnected) setCurrent(opener);
}

function leavePanel() {
  if (location.hash) history.pushState(null, "", location.pathname + location.search);
  closePanel();
}

// -- selection ---------------------------------------------------------------------------------------------

function mark(row) {
  const box = row.querySelector(".pick input");
  box.checked = chosen.has(idOf(row));
  row.classList.toggle("chosen", box.checked);
}

function select(row, on) {
  const { difference, currency, digits } = row.dataset;
  if (on) chosen.set(idOf(row), { difference, currency, digits });
  else chosen.delete(idOf(row));
  mark(row);
  tell();
}

// `3 selected, difference −345.00 EUR, +5 JPY`
function tell() {
  const sums = new Map();
  for (const { difference, currency, digits } of chosen.values()) {
    if (difference === undefined) continue;
    const sum = sums.get(currency) ?? { amount: 0n, digits: Number(digits) };
    sum.amount += BigInt(difference);
    sums.set(currency, sum);
  }
  const words = [...sums].map(([currency, sum]) => `${amountOf(sum)} ${currency}`);
  id("selected").textContent = `${chosen.size} selected` + (words.length ? `, difference ${words.join(", ")}` : "");
  id("selection").hidden = chosen.size === 0;
}

function amountOf({ amount, digits }) {
  const text = (amount < 0n ? -amount : amount).toString().padStart(digits + 1, "0");
  const cut = text.length - digits;
  const whole = text.slice(0, cut).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return (amount < 0n ? "−" : "") + whole + (digits ? `.${text.slice(cut)}` : "");
}

function clearSelection() {
  chosen.clear();
  for (const row of body.children) mark(row);
  tell();
}

id("clear").addEventListener("click", clearSelection);
id("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText([...chosen.keys()].join("\n"));
  id("copy").textContent = "Copied";
  setTimeout(() => { id("copy").textContent = "Copy ids"; }, 1500);
});

// The same step for all that are selected; what changes comes back by the stream.
id("bulk")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(event.target));
  fields.set("key", crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`.slice(0, 40));
  for (const mismatch of chosen.keys()) fields.append("ids", mismatch);
  const button = event.target.querySelector("button");
  button.disabled = true;
  try {
    const response = await fetch(event.target.action, { method: "POST", body: fields });
    const answer = await response.json();
    const word = response.ok ? `${answer.applied} done` + (answer.refused ? `, ${answer.refused} refused` : "") : answer.detail;
    id("selected").textContent = word;
    id("announce").textContent = word;
  } catch { id("selected").textContent = "The server does not answer"; }
  button.disabled = false;
});

// What nobody closed in its time.
const OPEN = new Set(["open", "assigned", "investigating", "pending_approval"]);
function markLate() {
  const now = Date.now();
  for (const row of body.children) {
    const due = row.querySelector(".due time");
    const late = OPEN.has(row.dataset.status) && Date.parse(due.dateTime) < now;
    if (due.classList.contains("late") !== late) due.classList.toggle("late", late);
  }
}
markLate();
setInterval(markLate, 15_000);

// -- pointer and keys --------------------------------------------------------------------------------------

finder.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  if (event.target.closest("#help-open")) return id("help").showModal();
  const link = event.target.closest("a");
  const row = rowAt(event.target);
  if (link?.hasAttribute("data-filter")) { event.preventDefault(); go(link.href, "push"); }
  else if (link && link.closest("#more")) { event.preventDefault(); more(link.href); }
  else if (row && event.target.closest(".pick")) {
    const box = row.querySelector(".pick input");
    select(row, event.target === box ? box.checked : !box.checked);
  } else if (row && (link || !String(document.getSelection()))) { event.preventDefault(); setCurrent(row); open(row); }
});
id("panel-close").addEventListener("click", leavePanel);
id("help-close").addEventListener("click", () => id("help").close());

const KEYS = {
  j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
  Enter: () => open(current), o: () => open(current),
  x: () => { if (current) select(current, !chosen.has(idOf(current))); },
  n: () => rows.showHeld(),
  "/": () => { id("q").focus(); id("q").select(); },
  "?": () => id("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || id("help").open) return;
  const writing = event.target.matches("input:not([type=checkbox]), select, textarea");
  if (event.key === "Escape") {
    if (writing) { event.target.blur(); return; }
    if (!panel.hidden) leavePanel();
    else if (chosen.size) clearSelection();
    else { document.activeElement.blur(); }
    return;
  }
  if (writing) return;
  const onControl = event.target.matches("a, button, summary, input");
  if (event.key === "Enter" && onControl) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

window.addEventListener("popstate", () => {
  const search = new URL(location.href);
  if (finder.dataset.shown !== search.search) go(location.href, "");
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (wanted) openPanel(wanted);
  else if (!panel.hidden) closePanel();
});

new MutationObserver(() => { finder.dataset.shown = location.search; })
  .observe(finder, { attributes: true, attributeFilter: ["data-stream"] });
finder.dataset.shown = location.search;

for (const row of body.children) mark(row);
follow();
if (location.hash) openPanel(decodeURIComponent(location.hash.slice(1)));

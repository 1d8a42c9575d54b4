// Keeps the overview current: figures are replaced as the server sends them, rows come from the log.
import { Rows, Stream, fetched, patch, pulse, rowsOf } from "./rows.js";

const QUIET_MS = 5000; // the server speaks every half second: so long a silence means trouble
const MOST_ROWS = 200;

const asOf = document.getElementById("as-of");
const list = document.getElementById("mismatch-list");
const rows = new Rows({
  list,
  body: document.getElementById("mismatches"),
  empty: document.getElementById("no-mismatches"),
  button: document.getElementById("show-new"),
  most: MOST_ROWS,
});
let lastHeard = performance.now();
let late = false; // news of mismatches do not come, though figures may

function replace(id, html) {
  const target = document.getElementById(id);
  if (!target || !("fragment" in target.dataset)) return;
  const fresh = target.cloneNode(false);
  fresh.innerHTML = html;
  patch(target, fresh);
}

async function listAgain() {
  try {
    rows.take(rowsOf(await fetched(location.href)));
  } catch {
    setTimeout(listAgain, 2000);
  }
}

new Stream("/live", list.dataset.after, {
  rows: (html) => rows.take(html),
  left: () => {},
  fragments: ({ as_of: time, html }) => {
    for (const [id, part] of Object.entries(html)) replace(id, part);
    lastHeard = performance.now();
    if (!time) return;
    asOf.textContent = time;
    pulse(late ? "waiting" : "live", late ? "Kafka does not answer. As of" : "Live");
  },
  ready: () => { late = false; },
  trouble: () => { late = true; },
  nofigures: () => {
    lastHeard = performance.now();
    pulse("waiting", "The database does not answer. As of");
  },
  closed: () => pulse("waiting", "Connecting again. As of"),
}, listAgain);

setInterval(() => {
  if (performance.now() - lastHeard > QUIET_MS) pulse("waiting", "Connecting again. As of");
}, 1000);

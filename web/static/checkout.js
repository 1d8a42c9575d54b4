// Asks now and then whether there is news, and shows the page anew when there is. Without it the page still works.
"use strict";

const slip = document.querySelector(".slip");
const WAITING = ["open", "preparing", "processing"];
const began = Date.now();

async function look() {
  try {
    const answer = await fetch(slip.dataset.status, { cache: "no-store" });
    if (answer.ok && (await answer.json()).stage !== slip.dataset.stage) {
      location.reload();
      return;
    }
  } catch {
    // The connection is away: the next look may find it back.
  }
  next();
}

function next() {
  const patient = slip.dataset.stage === "open" || Date.now() - began > 30_000;
  setTimeout(look, patient ? 5_000 : 1_000);
}

if (WAITING.includes(slip.dataset.stage)) next();

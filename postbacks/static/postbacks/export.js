// Shows how far an export is that a link with `data-export` has started. The file is saved by the browser, whatever its
// size; without JavaScript only the browser shows how it goes.
(() => {
  const EVERY_MS = 1000;
  const GIVE_UP_AFTER = 30; // Without a word of the export.
  const box = document.getElementById("exporting");
  if (!box) {
    return;
  }
  const bar = box.querySelector("progress");
  const words = box.querySelector("p");
  let current = "";

  async function look(token, silent) {
    if (token !== current) {
      return; // A later export is shown instead.
    }
    let told = { state: "unknown" };
    try {
      told = await (await fetch(`${box.dataset.url}?token=${token}`)).json();
    } catch {
      // The server may be restarting: ask again.
    }
    if (show(told) || silent > GIVE_UP_AFTER) {
      return;
    }
    window.setTimeout(look, EVERY_MS, token, told.state === "unknown" ? silent + 1 : 0);
  }

  // Whether the export has ended.
  function show({ state, rows, total }) {
    const count = (number) => number.toLocaleString("en");
    if (state === "done") {
      bar.max = bar.value = 1;
      words.textContent = `${count(rows)} rows exported.`;
    } else if (state === "broken") {
      bar.max = 1;
      bar.value = 0;
      words.textContent = `The export broke off after ${count(rows)} rows. Its last line says so. Export again.`;
    } else if (state === "running" && total) {
      bar.max = total;
      bar.value = rows;
      words.textContent = `${count(rows)} of ${count(total)} rows …`;
    } else if (state === "running") {
      bar.removeAttribute("value");
      words.textContent = rows ? `${count(rows)} rows so far …` : "Exporting …";
    }
    return state === "done" || state === "broken";
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-export]");
    if (!link) {
      return;
    }
    current = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    const address = new URL(link.href);
    address.searchParams.set("progress", current);
    link.href = address;
    box.hidden = false;
    bar.removeAttribute("value");
    words.textContent = "Exporting …";
    window.setTimeout(look, EVERY_MS / 2, current, 0);
  });
})();

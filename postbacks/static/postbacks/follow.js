// Tells of new rows above the newest page of the log, without moving what somebody reads.
(() => {
  const EVERY_MS = 3000;
  const LONGEST_MS = 60000;
  const SLOWNESS = 10; // Waits ten times as long as the answer took, so that a slow server is asked less.
  const bar = document.getElementById("newer");
  if (!bar) {
    return;
  }
  const button = bar.querySelector("button");
  const atOnce = bar.querySelector("input");
  let newest = bar.dataset.newest;
  let wait = EVERY_MS;
  let timer = 0;
  bar.hidden = false;

  async function look() {
    if (document.hidden) {
      return; // Goes on when it is seen again.
    }
    const began = performance.now();
    try {
      const address = new URL(bar.dataset.url, window.location.href);
      address.search = window.location.search;
      address.searchParams.set("after", newest);
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      if (answer.redirected || answer.status === 403) {
        button.textContent = "Sign in again to see new rows";
        button.hidden = false;
        return;
      }
      const { count, more } = await answer.json();
      if (count && atOnce.checked && !isReading()) {
        await load();
      } else {
        tell(count, more);
      }
      wait = Math.min(LONGEST_MS, Math.max(EVERY_MS, SLOWNESS * (performance.now() - began)));
    } catch {
      wait = Math.min(LONGEST_MS, 2 * wait);
    }
    again();
  }

  function again() {
    window.clearTimeout(timer);
    timer = window.setTimeout(look, wait);
  }

  function tell(count, more) {
    const words = count ? `${count}${more ? "+" : ""} new` : "";
    if (button.textContent !== words) {
      button.textContent = words;
      button.hidden = !count;
    }
  }

  // Whether new rows would move something that is looked at, ticked or about to be pressed.
  function isReading() {
    const table = document.querySelector(".pp-log");
    return (
      table?.getBoundingClientRect().top < 0 || // Further down.
      document.querySelector('input[name="chosen"]:checked') !== null ||
      table?.matches(":hover") ||
      table?.contains(document.activeElement)
    );
  }

  // The newest page in place of the rows; ticks stay.
  async function load() {
    const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector(".pp-log tbody");
    const rows = document.querySelector(".pp-log tbody");
    if (!answer.ok || !fresh || !rows) {
      window.location.reload(); // The list was empty, or something is wrong that the page will say.
      return;
    }
    for (const ticked of rows.querySelectorAll('input[name="chosen"]:checked')) {
      const box = fresh.querySelector(`input[name="chosen"][value="${ticked.value}"]`);
      if (box) {
        box.checked = true;
      } else {
        fresh.append(ticked.closest("tr")); // Pushed off the page by newer rows, but still chosen.
      }
    }
    rows.replaceWith(fresh);
    const seen = page.querySelector('#bulk-actions input[name="seen"]');
    if (seen) {
      document.querySelector('#bulk-actions input[name="seen"]').value = seen.value;
    }
    const places = document.querySelector("nav.pp-pages");
    const fresher = page.querySelector("nav.pp-pages");
    if (places && fresher) {
      places.replaceWith(fresher); // Older begins below the rows that are shown now.
    }
    newest = page.getElementById("newer")?.dataset.newest ?? newest;
    tell(0, false);
  }

  button.addEventListener("click", async () => {
    await load();
    document.querySelector(".pp-log tbody a")?.focus();
  });
  document.addEventListener("visibilitychange", () => {
    window.clearTimeout(timer);
    if (!document.hidden) {
      look();
    }
  });
  again();
})();

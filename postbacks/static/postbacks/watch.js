// Shows the progress of something until it has ended. Without JavaScript, reload the page.
(() => {
  const EVERY_MS = 2000; // Unless `data-every` says otherwise.

  async function look() {
    const watched = document.getElementById("watched");
    if (!watched || !("underWay" in watched.dataset)) {
      return;
    }
    try {
      const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
      const inUse = watched.contains(document.activeElement) || watched.querySelector("details[open]");
      if (answer.ok && !inUse) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById("watched");
        if (fresh) {
          watched.replaceWith(fresh);
        }
      }
    } catch {
      // The server may be restarting: try again next time.
    }
    window.setTimeout(look, every());
  }

  function every() {
    return Number(document.getElementById("watched")?.dataset.every) || EVERY_MS;
  }

  window.setTimeout(look, every());
})();

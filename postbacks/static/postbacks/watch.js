// Shows how something that is under way comes along, until it has ended. Without JavaScript, reload the page.
(() => {
  const EVERY_MS = 2000;

  async function look() {
    const watched = document.getElementById("watched");
    if (!watched || !("underWay" in watched.dataset)) {
      return;
    }
    try {
      const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
      if (answer.ok && !watched.contains(document.activeElement)) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById("watched");
        if (fresh) {
          watched.replaceWith(fresh);
        }
      }
    } catch {
      // The server may be restarting: the next look will tell.
    }
    window.setTimeout(look, EVERY_MS);
  }

  window.setTimeout(look, EVERY_MS);
})();

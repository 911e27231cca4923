// Who comes back from a question, such as whether to delete, finds the focus where it was.
(() => {
  const KEY = "left-from";
  const CHOICES = "a[href], button";

  const all = () => [...document.querySelectorAll(CHOICES)];

  function read() {
    try {
      return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
    } catch {
      return {};
    }
  }

  function onClick(event) {
    const pressed = event.target.closest?.(CHOICES);
    if (!pressed || pressed.closest("#nav-sidebar-apps, dialog")) {
      return;
    }
    const left = read();
    const leadsThere = pressed instanceof HTMLAnchorElement && left.page === pressed.pathname;
    // Django's own link goes back in the history of the browser.
    if (left.page !== window.location.pathname && (leadsThere || pressed.matches(".cancel-link"))) {
      sessionStorage.setItem(KEY, JSON.stringify({ ...left, back: true }));
      return;
    }
    const menu = pressed.closest(".pp-menu");
    const from = menu ? document.querySelector(`[popovertarget="${menu.id}"]`) : pressed;
    const place = { page: window.location.pathname, at: all().indexOf(from), text: from?.textContent.trim() };
    sessionStorage.setItem(KEY, JSON.stringify(place));
  }

  function restore() {
    const left = read();
    const byBrowser = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
    if (!(left.back || byBrowser) || left.page !== window.location.pathname) {
      return;
    }
    sessionStorage.removeItem(KEY);
    const choices = all();
    const same = (each) => each?.textContent.trim() === left.text;
    (same(choices[left.at]) ? choices[left.at] : choices.find(same))?.focus();
  }

  document.addEventListener("click", onClick, true);
  document.addEventListener("DOMContentLoaded", restore);
})();

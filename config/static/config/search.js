// The search of all pages: Ctrl+K or Cmd+K opens it over any page. Without this script, its link leads to a page.
(() => {
  const PAUSE_MS = 150; // After the last key: enough to type on, too short to be noticed.

  function start() {
    const dialog = document.getElementById("pp-search");
    if (!dialog) {
      return;
    }
    const input = dialog.querySelector("input");
    const list = document.getElementById("pp-search-list");
    const said = document.getElementById("pp-search-said");
    const address = dialog.querySelector("form").getAttribute("action");
    let timer = 0;
    let asked = null; // The request under way.
    let shown = ""; // The term whose list is shown.
    let waiting = false; // Enter was pressed before the list was there.

    const options = () => [...list.querySelectorAll("[role=option]")];
    const chosen = () => list.querySelector("[aria-selected=true]");

    function choose(option) {
      chosen()?.setAttribute("aria-selected", "false");
      if (!option) {
        input.removeAttribute("aria-activedescendant");
        return;
      }
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", option.id);
    }

    function move(by) {
      const all = options();
      const at = all.indexOf(chosen());
      if (all.length) {
        choose(all[at < 0 && by < 0 ? all.length - 1 : (at + by + all.length) % all.length]);
      }
    }

    function show(html, term) {
      list.innerHTML = html;
      shown = term;
      for (const section of list.querySelectorAll("section")) {
        section.setAttribute("role", "group");
        section.querySelector("h2").setAttribute("role", "presentation");
      }
      list.querySelectorAll("a").forEach((link, at) => {
        link.id = `pp-search-option-${at}`;
        link.setAttribute("role", "option");
        link.setAttribute("aria-selected", "false");
        link.tabIndex = -1;
      });
      // What is no option stands beside the list for screen readers.
      const nothing = list.querySelector(".pp-nothing");
      nothing?.setAttribute("role", "presentation");
      const all = options();
      input.setAttribute("aria-expanded", String(all.length > 0));
      said.textContent = nothing?.textContent ?? (term ? `${all.length} found` : "");
      choose(all[0]);
      if (waiting) {
        waiting = false;
        chosen()?.click();
      }
    }

    async function ask() {
      const term = input.value.trim();
      asked?.abort();
      if (!term) {
        show("", "");
        return;
      }
      const request = new AbortController();
      asked = request;
      try {
        const answer = await fetch(`${address}?list=1&q=${encodeURIComponent(term)}`, {
          signal: request.signal,
          redirect: "manual",
        });
        if (!answer.ok) {
          throw new Error(String(answer.status));
        }
        const html = await answer.text();
        if (asked === request) {
          show(html, term);
        }
      } catch {
        if (!request.signal.aborted) {
          // Signed out, or the server is away: its own page says which.
          show(`<section><h2>Elsewhere</h2><a class="pp-hit"><span class="pp-hit-title">The search does not answer: open its page</span></a></section>`, term);
          list.querySelector("a").href = `${address}?q=${encodeURIComponent(term)}`;
        }
      }
    }

    function open() {
      if (!dialog.open) {
        dialog.showModal();
      }
      input.focus();
      input.select();
    }

    input.addEventListener("input", () => {
      waiting = false;
      clearTimeout(timer);
      timer = setTimeout(ask, PAUSE_MS);
    });
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) {
        return;
      }
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        move(event.key === "ArrowDown" ? 1 : -1);
      } else if (event.key === "Enter") {
        event.preventDefault();
        if (!input.value.trim()) {
          return;
        }
        if (shown !== input.value.trim()) {
          waiting = true;
          clearTimeout(timer);
          ask();
        } else if (event.ctrlKey || event.metaKey) {
          window.open(chosen()?.href, "_blank", "noopener");
        } else {
          chosen()?.click();
        }
      } else if (event.key === "Escape" && !event.defaultPrevented) {
        // A field of type "search" would only empty itself.
        event.preventDefault();
        dialog.close();
      }
    });
    list.addEventListener("pointermove", (event) => {
      const option = event.target.closest("[role=option]");
      if (option && option !== chosen()) {
        choose(option);
      }
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-close]")) {
        dialog.close();
      }
    });
    document.addEventListener("click", (event) => {
      if (event.target.closest("[data-search]") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
        event.preventDefault();
        open();
      }
    });
    document.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        open();
      }
    });
  }

  document.addEventListener("DOMContentLoaded", start);
})();

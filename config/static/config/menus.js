// Menus by keyboard, and what the theme made clickable without making it a button.
(() => {
  // The browser opens and closes a popover, on Escape too, and gives the focus back to its button.
  function place(menu, button) {
    const at = button.getBoundingClientRect();
    const size = menu.getBoundingClientRect();
    const below = at.bottom + 4 + size.height <= window.innerHeight;
    const above = menu.dataset.place === "above" || (!below && at.top - 4 - size.height >= 0);
    menu.style.top = `${above ? Math.max(4, at.top - 4 - size.height) : at.bottom + 4}px`;
    menu.style.left = `${Math.max(4, Math.min(at.right - size.width, window.innerWidth - size.width - 4))}px`;
  }

  const itemsOf = (menu) => [...menu.querySelectorAll("a[href], button")].filter((item) => item.checkVisibility());

  function onToggle(event) {
    const menu = event.target;
    if (!(menu instanceof HTMLElement) || !menu.matches(".pp-menu")) {
      return;
    }
    const button = document.querySelector(`[popovertarget="${menu.id}"]`);
    button?.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState === "open" && button) {
      place(menu, button);
      itemsOf(menu)[0]?.focus();
    }
  }

  function onKey(event) {
    const menu = event.target.closest?.(".pp-menu");
    const items = menu ? itemsOf(menu) : [];
    const at = items.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (items.length && to !== undefined) {
      event.preventDefault();
      items.at(to % items.length).focus();
    } else if (menu && event.key === "Tab") {
      menu.hidePopover(); // The focus goes on from the button.
    } else if (!menu && ["ArrowDown", "ArrowUp"].includes(event.key) && event.target.matches?.("button[popovertarget]")) {
      event.preventDefault();
      event.target.click();
    }
  }

  // Of the theme: elements that only a mouse could press.
  const PRESSED = "span, div, a:not([href]), li";
  function reachable(root) {
    for (const each of root.querySelectorAll("*")) {
      if (!each.hasAttribute("x-on:click") || !each.matches(PRESSED) || each.hasAttribute("role")) {
        continue;
      }
      if (each.id === "changelist-filter-close" || each.querySelector("a, button, input")) {
        continue; // A backdrop, or a wrapper of what can be reached.
      }
      each.setAttribute("role", "button");
      each.tabIndex = 0;
      const icon = each.textContent.trim();
      const name = { close: "Close", dock_to_right: "Navigation", more_horiz: "More" }[icon];
      if (name) {
        each.setAttribute("aria-label", name);
      }
    }
  }

  function onPress(event) {
    if ([" ", "Enter"].includes(event.key) && event.target.matches?.("[role=button]:not(button):not(a[href])")) {
      event.preventDefault();
      event.target.click();
    }
  }

  document.addEventListener("toggle", onToggle, true);
  document.addEventListener("keydown", onKey);
  document.addEventListener("keydown", onPress);
  document.addEventListener("DOMContentLoaded", () => reachable(document));
  window.addEventListener("resize", () => document.querySelector(".pp-menu:popover-open")?.hidePopover());
})();

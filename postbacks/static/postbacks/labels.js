// Select2 makes a search field for each multiple choice and gives it no name: it takes that of its label.
(() => {
  function name(search) {
    const select = search.closest(".select2")?.previousElementSibling;
    const label = select && document.querySelector(`label[for="${select.id}"]`);
    if (label && !search.hasAttribute("aria-label")) {
      search.setAttribute("aria-label", label.textContent.trim());
    }
  }

  // It makes them when the page is ready, and anew when something is chosen.
  new MutationObserver(() => document.querySelectorAll(".select2-search__field").forEach(name)).observe(document, {
    childList: true,
    subtree: true,
  });
})();

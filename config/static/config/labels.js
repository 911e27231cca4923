// Labels what the theme and Select2 leave unlabelled, so that a screen reader can say what a field is for.
(() => {
  const UNNAMED = "td input:not([type=hidden]), td select, td textarea";

  function nameSelect2(container) {
    const select = container.previousElementSibling;
    const label = select && select.id && document.querySelector(`label[for="${select.id}"]`);
    const name = label ? label.textContent.replace("*", "").trim() : select && select.getAttribute("aria-label");
    if (!name) {
      return;
    }
    for (const part of container.querySelectorAll(".select2-selection, .select2-selection__rendered, .select2-search__field")) {
      if (!part.hasAttribute("aria-label")) {
        part.setAttribute("aria-label", name);
      }
    }
  }

  // A field in a table gets the name of its column.
  function nameCell(field) {
    if (field.labels?.length || field.hasAttribute("aria-label")) {
      return;
    }
    const cell = field.closest("td");
    const heading = field.closest("table").querySelectorAll("thead th")[cell.cellIndex];
    const name = cell.dataset.label || heading?.textContent.trim() || "";
    if (name) {
      field.setAttribute("aria-label", name);
    }
  }

  function nameAll() {
    document.querySelectorAll(UNNAMED).forEach(nameCell);
    document.querySelectorAll(".select2-container").forEach(nameSelect2);
  }

  // Select2 creates its fields when the page is ready and after each choice, and rows are added.
  new MutationObserver(nameAll).observe(document, { childList: true, subtree: true });
})();

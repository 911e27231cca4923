// A click on a parameter inserts it where the cursor last was in a template field.
(() => {
  const palette = document.getElementById("palette");
  const search = document.getElementById("palette-search");
  const form = document.getElementById("postback_form");
  if (!palette || !form) {
    return;
  }
  const TEMPLATES = "#id_url, #id_headers, #id_body_raw, .pp-pairs textarea";
  let target = document.getElementById("id_url");

  form.addEventListener("focusin", (event) => {
    if (event.target.matches(TEMPLATES)) {
      target = event.target;
    }
  });

  palette.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && target) {
      const field = target.isConnected ? target : document.getElementById("id_url");
      field.focus();
      field.setRangeText(button.dataset.insert, field.selectionStart, field.selectionEnd, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });

  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    let found = 0;
    for (const entry of palette.children) {
      entry.hidden = !entry.textContent.toLowerCase().includes(wanted);
      found += entry.hidden ? 0 : 1;
    }
    document.getElementById("palette-none").hidden = found > 0;
  });
})();

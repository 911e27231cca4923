// A click on a parameter inserts it where the cursor last was in a template field.
(() => {
  const palette = document.getElementById("palette");
  const search = document.getElementById("palette-search");
  const form = document.getElementById("postback_form");
  if (!palette || !form) {
    return;
  }
  window.ppTemplates = "#id_url, #id_headers, #id_body_raw, .pp-pairs textarea";
  let target = document.getElementById("id_url");
  const plain = (text) => text.toLowerCase().replace(/[^a-z0-9]/g, "");

  // How well an entry of the palette fits what is wanted: 0 if not at all. Others' words for it count after its name.
  window.ppMatch = (button, wanted) => {
    const [code, short] = [plain(button.dataset.insert), plain(wanted)];
    const words = button.dataset.words.split(", ").map(plain);
    const tests = [
      code === short,
      code.startsWith(short),
      words.includes(short),
      words.some((word) => word.startsWith(short)),
      code.includes(short),
      button.textContent.toLowerCase().includes(wanted.toLowerCase()),
      short.length > 2 && words.some((word) => word.includes(short)),
    ];
    const first = tests.indexOf(true);
    return first < 0 ? 0 : tests.length - first;
  };

  form.addEventListener("focusin", (event) => {
    if (event.target.matches(window.ppTemplates)) {
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

  const entries = [...palette.children];
  search.addEventListener("input", () => {
    const wanted = search.value.trim();
    const scores = new Map(entries.map((entry) => [entry, window.ppMatch(entry.firstElementChild, wanted)]));
    for (const entry of entries) {
      entry.hidden = scores.get(entry) === 0;
    }
    palette.append(...[...entries].sort((one, other) => (wanted ? scores.get(other) - scores.get(one) : 0)));
    document.getElementById("palette-none").hidden = entries.some((entry) => !entry.hidden);
  });
})();

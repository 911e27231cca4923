// A list of parameters and functions while a template is typed: it opens at `{` and gets shorter with each key.
// Arrow keys choose, Enter or Tab insert, Escape closes. The palette beside the form is where the entries come from.
(() => {
  const MOST = 30;
  const form = document.getElementById("postback_form");
  const palette = document.getElementById("palette");
  if (!form || !palette) {
    return;
  }
  const entries = [...palette.querySelectorAll("button")].map((button) => ({
    insert: button.dataset.insert,
    code: button.querySelector("code").textContent,
    description: button.querySelector("span").textContent,
    matches: (wanted) => window.ppMatch(button, wanted),
  }));
  const list = Object.assign(document.createElement("ul"), { id: "completion", className: "pp-card pp-completion" });
  const said = Object.assign(document.createElement("div"), { className: "pp-unseen" });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Parameters and functions");
  list.hidden = true;
  said.setAttribute("role", "status");
  document.body.append(list, said);
  let field = null;
  let place = null;
  let chosen = -1;

  form.addEventListener("input", (event) => {
    if (event.target.matches(window.ppTemplates) && event.inputType) {
      suggest(event.target);
    } else if (event.target === field) {
      close();
    }
  });
  form.addEventListener("keydown", onKey, true);
  form.addEventListener("focusout", close);
  window.addEventListener("resize", close);
  window.addEventListener("scroll", (event) => event.target !== list && close(), true);
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // The field keeps the focus.
    const option = event.target.closest("[role=option]");
    if (option) {
      insert(option.entry);
    }
  });

  // What is being written where the cursor is: `{` and a name, or a name among the arguments of a function.
  function placeIn(target) {
    const before = target.value.slice(0, target.selectionStart);
    const name = /\{([\w. -]{0,40})$/.exec(before);
    if (name) {
      return { start: before.length - name[0].length, wanted: name[1], bare: false };
    }
    const argument = /\{[^{}\n]*[(,]\s*([\w.]+)$/.exec(before);
    return argument && { start: before.length - argument[1].length, wanted: argument[1], bare: true };
  }

  function suggest(target) {
    const found = placeIn(target);
    const shown = found ? ranked(found.wanted.trim()) : [];
    if (shown.length === 0) {
      close();
      return;
    }
    if (field !== target) {
      close();
    }
    [field, place] = [target, found];
    list.replaceChildren(...shown.map(option));
    list.hidden = false;
    put();
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-haspopup", "listbox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-expanded", "true");
    field.setAttribute("aria-controls", list.id);
    choose(found.wanted.trim() ? 0 : -1); // Right after a brace, Enter and Tab are still what they are.
    said.textContent = `${shown.length} suggestions`;
  }

  function ranked(wanted) {
    const scored = entries.map((entry) => [entry.matches(wanted), entry]).filter(([score]) => score > 0);
    return scored.sort(([one], [other]) => other - one).slice(0, MOST).map(([, entry]) => entry);
  }

  function option(entry, index) {
    const item = document.createElement("li");
    item.setAttribute("role", "option");
    item.id = `completion-${index}`;
    item.entry = entry;
    const code = Object.assign(document.createElement("code"), { textContent: entry.code });
    item.append(code, Object.assign(document.createElement("span"), { textContent: entry.description }));
    return item;
  }

  function put() {
    const box = field.getBoundingClientRect();
    const above = window.innerHeight - box.bottom < 200 && box.top > 200;
    list.style.left = `${Math.max(8, box.left)}px`;
    list.style.width = `${Math.min(Math.max(box.width, 280), window.innerWidth - 16)}px`;
    list.style.top = above ? "" : `${box.bottom + 4}px`;
    list.style.bottom = above ? `${window.innerHeight - box.top + 4}px` : "";
  }

  function choose(index) {
    list.children[chosen]?.removeAttribute("aria-selected");
    chosen = index;
    const item = list.children[index];
    if (item) {
      item.setAttribute("aria-selected", "true");
      item.scrollIntoView({ block: "nearest" });
      field.setAttribute("aria-activedescendant", item.id);
    } else {
      field.removeAttribute("aria-activedescendant");
    }
  }

  function onKey(event) {
    if (list.hidden || event.target !== field || event.isComposing) {
      return;
    }
    const count = list.children.length;
    if (event.key === "ArrowDown") {
      choose((chosen + 1) % count);
    } else if (event.key === "ArrowUp") {
      choose((chosen <= 0 ? count : chosen) - 1);
    } else if (event.key === "Escape") {
      close();
    } else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && chosen >= 0) {
      insert(list.children[chosen].entry);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  function insert(entry) {
    const target = field;
    const end = target.selectionStart;
    const closed = !place.bare && target.value[end] === "}" ? 1 : 0;
    const text = place.bare ? entry.insert.slice(1, -1) : entry.insert;
    target.setRangeText(text, place.start, end + closed, "end");
    close();
    target.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function close() {
    if (field) {
      for (const name of ["role", "aria-haspopup", "aria-expanded", "aria-controls", "aria-activedescendant"]) {
        field.removeAttribute(name);
      }
    }
    [field, place, chosen] = [null, null, -1];
    list.hidden = true;
    said.textContent = "";
  }
})();

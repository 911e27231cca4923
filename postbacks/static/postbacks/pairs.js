// Shows the pairs of a body as rows instead of a text field, and offers the in-app events of the event type.
// The text field is still what is submitted. Move rows by dragging, or with the arrow keys on their handle.
(() => {
  const text = document.getElementById("id_body_pairs");
  const form = document.getElementById("postback_form");
  if (!form) {
    return;
  }

  // --- In-app events --------------------------------------------------------------------------------------------
  const tracker = document.getElementById("id_action_tracker");
  const inApp = document.getElementById("id_in_app_event");

  function offerInAppEvents() {
    for (const option of inApp.options) {
      const other = option.value !== "" && option.dataset.tracker !== tracker.value;
      option.hidden = other;
      option.disabled = other;
      if (other && option.selected) {
        inApp.value = "";
      }
    }
  }

  if (tracker && inApp) {
    tracker.addEventListener("change", offerInAppEvents);
    offerInAppEvents();
  }

  // --- Pairs ----------------------------------------------------------------------------------------------------
  if (!text || text.dataset.pairs === undefined) {
    return;
  }
  const list = document.createElement("ol");
  const add = element("button", { type: "button", className: "pp-button", textContent: "Add a pair" });
  const box = element("div", { className: "pp-pairs" });
  let dragged = null;
  list.setAttribute("aria-label", "Key-value pairs");
  box.append(list, add);
  text.after(box);
  text.hidden = true;
  text.style.display = "none";

  show();
  text.addEventListener("restored", show);
  add.addEventListener("click", () => {
    const row = addRow("", "");
    rename();
    row.querySelector("input").focus();
  });

  function show() {
    list.replaceChildren();
    for (const [key, value] of JSON.parse(text.dataset.pairs)) {
      addRow(key, value);
    }
    if (list.children.length === 0) {
      addRow("", "");
    }
    rename();
  }

  function element(name, properties) {
    return Object.assign(document.createElement(name), properties);
  }

  function addRow(key, value) {
    const row = document.createElement("li");
    const handle = element("button", { type: "button", className: "pp-handle", textContent: "⠿", draggable: true });
    const name = element("input", { className: "pp-input", type: "text", value: key, placeholder: "key" });
    const template = element("textarea", { className: "pp-input", rows: 1, value, placeholder: "{ActionId}" });
    const remove = element("button", { type: "button", className: "pp-button", textContent: "✕" });
    for (const field of [name, template]) {
      field.spellcheck = false;
      field.autocomplete = "off";
      field.addEventListener("input", write);
    }
    remove.addEventListener("click", () => {
      const next = row.nextElementSibling || row.previousElementSibling;
      row.remove();
      changed();
      (next ? next.querySelector("input") : add).focus();
    });
    handle.addEventListener("keydown", (event) => {
      const other = { ArrowUp: row.previousElementSibling, ArrowDown: row.nextElementSibling }[event.key];
      if (other) {
        event.preventDefault();
        if (event.key === "ArrowUp") {
          other.before(row);
        } else {
          other.after(row);
        }
        changed();
        handle.focus();
      }
    });
    handle.addEventListener("dragstart", (event) => {
      dragged = row;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", "");
      event.dataTransfer.setDragImage(row, 0, 0);
    });
    handle.addEventListener("dragend", () => {
      dragged = null;
      changed();
    });
    row.addEventListener("dragover", (event) => {
      if (dragged && dragged !== row) {
        event.preventDefault();
        const box = row.getBoundingClientRect();
        if (event.clientY < box.top + box.height / 2) {
          row.before(dragged);
        } else {
          row.after(dragged);
        }
      } else if (dragged) {
        event.preventDefault();
      }
    });
    row.append(handle, name, template, remove);
    list.append(row);
    return row;
  }

  function changed() {
    rename();
    write();
  }

  function rename() {
    [...list.children].forEach((row, index) => {
      const [handle, name, template, remove] = row.children;
      handle.setAttribute("aria-label", `Move pair ${index + 1} with the arrow keys`);
      name.setAttribute("aria-label", `Key ${index + 1}`);
      template.setAttribute("aria-label", `Value ${index + 1}`);
      remove.setAttribute("aria-label", `Remove pair ${index + 1}`);
    });
  }

  // In the format of the server: a key that is not plain is in quotes, a continuation line begins with a tab.
  function write() {
    const lines = [];
    const pairs = [];
    for (const row of list.children) {
      const [key, value] = [row.children[1].value, row.children[2].value];
      if (key || value) {
        pairs.push([key, value]);
        const plain = key && key === key.trim() && !/[=\n]/.test(key) && !key.startsWith('"');
        lines.push(`${plain ? key : JSON.stringify(key)} = ${value}`.replaceAll("\n", "\n\t"));
      }
    }
    text.value = lines.join("\n");
    text.dataset.pairs = JSON.stringify(pairs);
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }
})();

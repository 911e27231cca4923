// Shows the conditions as rows instead of a text field. The text field is still what is submitted.
(() => {
  const NO_NAME = "?"; // Stands in the text for a parameter that has not been named yet.
  const OTHERWISE = { is: /^(not|empty)\b/i, "is not": /^empty\b/i }; // Would read as another operator.
  const text = document.getElementById("id_conditions");
  if (!text || text.dataset.conditions === undefined) {
    return;
  }
  const match = document.querySelector(".field-conditions_match");
  const operators = JSON.parse(text.dataset.operators);
  const list = document.createElement("ol");
  const add = element("button", { type: "button", className: "pp-button", textContent: "Add a condition" });
  const box = element("div", { className: "pp-conditions" });
  const names = element("datalist", { id: "condition-parameters" });
  list.setAttribute("aria-label", "Conditions");
  for (const button of document.querySelectorAll("#palette [data-insert]")) {
    const found = button.dataset.insert.match(/^\{(i\.)?(\w+)\}$/);
    if (found) {
      const label = button.querySelector("span").textContent;
      names.append(element("option", { value: `${found[1] ? "items." : ""}${found[2]}`, label }));
    }
  }
  box.append(list, add, names);
  text.after(box);
  text.hidden = true;
  text.style.display = "none";
  for (const row of JSON.parse(text.dataset.conditions)) {
    addRow(...row);
  }
  rename();
  add.addEventListener("click", () => {
    const row = addRow("", "", "is", "");
    changed();
    row.querySelector("input").focus();
  });

  function element(name, properties) {
    return Object.assign(document.createElement(name), properties);
  }

  function choice(options, chosen) {
    const select = element("select", { className: "pp-input" });
    select.append(...options.map(([value, label]) => new Option(label, value, false, value === chosen)));
    return select;
  }

  function addRow(quantifier, parameter, operator, values) {
    const row = document.createElement("li");
    const items = choice([["any", "any"], ["every", "every"]], quantifier);
    const name = element("input", { className: "pp-input", type: "text", placeholder: "Amount" });
    const does = choice(operators.map(([each]) => [each, each]), operator);
    const value = element("input", { className: "pp-input", type: "text", value: values });
    const remove = element("button", { type: "button", className: "pp-button", textContent: "✕" });
    name.value = parameter === NO_NAME ? "" : parameter;
    name.setAttribute("list", names.id);
    for (const field of [name, value]) {
      field.spellcheck = false;
      field.autocomplete = "off";
    }
    for (const field of [items, name, does, value]) {
      field.addEventListener("input", changed);
    }
    remove.addEventListener("click", () => {
      const next = row.nextElementSibling || row.previousElementSibling;
      row.remove();
      changed();
      (next ? next.querySelector("input") : add).focus();
    });
    row.append(items, name, does, value, remove);
    list.append(row);
    return row;
  }

  function changed() {
    rename();
    write();
  }

  function rename() {
    [...list.children].forEach((row, index) => {
      const [items, name, does, value, remove] = row.children;
      const number = index + 1;
      items.setAttribute("aria-label", `Of the items, condition ${number}`);
      name.setAttribute("aria-label", `Parameter ${number}`);
      does.setAttribute("aria-label", `Operator ${number}`);
      value.setAttribute("aria-label", `Value ${number} of condition`);
      remove.setAttribute("aria-label", `Remove condition ${number}`);
      items.hidden = !name.value.startsWith("items.");
      value.hidden = !operators.find(([each]) => each === does.value)[1];
      value.placeholder = does.value === "one of" ? "A, B, C" : "";
    });
    if (match) {
      match.hidden = list.children.length < 2;
    }
  }

  // As the server reads it: a value that would read as something else is in quotes.
  function write() {
    const lines = [];
    for (const row of list.children) {
      const [items, name, does, value] = row.children;
      const parameter = name.value.trim().replace(/\s+/g, "_");
      const typed = value.hidden ? "" : value.value.trim();
      if (parameter || typed) {
        const plain = !OTHERWISE[does.value]?.test(typed);
        const every = !items.hidden && items.value === "every" ? "every " : "";
        lines.push(`${every}${parameter || NO_NAME} ${does.value} ${plain ? typed : JSON.stringify(typed)}`.trim());
      }
    }
    text.value = lines.join("\n");
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }
})();

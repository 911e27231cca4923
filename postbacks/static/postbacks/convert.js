// Below the URL: a URL of another network is pasted, translated by the server, shown with notes, and put into the field.
(() => {
  const box = document.getElementById("convert");
  const field = document.getElementById("id_url");
  const form = document.getElementById("postback_form");
  if (!box || !field || !form) {
    return;
  }
  const text = document.getElementById("convert-text");
  const from = document.getElementById("convert-from");
  const button = document.getElementById("convert-button");
  const use = document.getElementById("convert-use");
  const result = document.getElementById("convert-result");
  let translated = "";
  let asked = 0; // Counted, rather than the button disabled: that would take the focus from it.

  field.after(box);
  box.hidden = false;
  button.addEventListener("click", translate);
  use.addEventListener("click", put);
  for (const name of ["input", "change"]) {
    box.addEventListener(name, (event) => {
      event.stopPropagation(); // What is typed here is not of the postback: no new preview.
      asked += 1; // An answer under way is of what was there before.
      use.hidden = true;
      result.replaceChildren();
    });
  }

  async function translate() {
    asked += 1;
    const mine = asked;
    use.hidden = true;
    const data = new FormData();
    data.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    data.set("pasted", text.value);
    data.set("pasted_from", from.value);
    try {
      const response = await fetch(box.dataset.address, { method: "POST", body: data, headers: { Accept: "application/json" } });
      if (!response.ok) {
        throw new Error(`The server answered ${response.status}. Reload the page and try again.`);
      }
      const answer = await response.json();
      if (mine === asked) {
        show(answer);
      }
    } catch (error) {
      if (mine === asked) {
        result.replaceChildren(part("p", error.message, "pp-wrong"));
      }
    }
  }

  function put() {
    field.value = translated;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  }

  function part(name, content, className = "") {
    return Object.assign(document.createElement(name), { textContent: content, className });
  }

  function show(answer) {
    if (answer.error) {
      result.replaceChildren(part("p", answer.error, "pp-wrong"));
      return;
    }
    translated = answer.url;
    use.hidden = false;
    const guessed = answer.was_guessed ? ", which its macros tell" : "";
    const problems = Object.values(answer.problems).flat();
    result.replaceChildren(
      part("p", `From ${answer.name}${guessed}:`, "pp-hint"),
      part("pre", answer.url),
      ...problems.map((message) => part("p", `It cannot be saved: ${message}`, "pp-wrong")),
      ...list("Left as it stands, since nothing says the same:", answer.left.map((each) => told(each.written, each.advice)), "pp-warning"),
      ...list("Translated:", answer.translations.map((each) => told(`${each.written} → ${each.template}`, each.note))),
      ...list("To do, or to check:", answer.conditions),
      ...list("Warnings:", answer.warnings, "pp-warning"),
    );
  }

  function told(what, note) {
    return note ? `${what}: ${note}` : what;
  }

  function list(title, lines, className = "") {
    if (!lines.length) {
      return [];
    }
    const shown = document.createElement("ul");
    shown.append(...lines.map((line) => part("li", line, className)));
    return [part("p", title, "pp-convert-title"), shown];
  }
})();

// Beside the form: a preview of the request while it is typed, and a test that sends it now.
(() => {
  const WAIT_MS = 300; // After the last key.
  const panel = document.getElementById("test-send");
  const form = document.getElementById("postback_form");
  if (!panel || !form) {
    return;
  }
  const request = document.getElementById("test-send-request");
  const answer = document.getElementById("test-send-answer");
  const send = document.getElementById("test-send-button");
  const action = document.getElementById("test-send-action");
  let timer = 0;
  let tested = null; // What the test depended on, as text; null if there was none.
  let asked = 0;

  form.addEventListener("input", later);
  form.addEventListener("change", later);
  if (action) {
    action.addEventListener("input", later);
  }
  send.addEventListener("click", test);
  preview();

  window.django?.jQuery?.(form).on("change", later); // Select2 tells only jQuery.

  function later() {
    mark();
    window.clearTimeout(timer);
    timer = window.setTimeout(preview, WAIT_MS);
  }

  // A verdict is of what was sent: it goes grey as soon as that is something else.
  function mark() {
    const stale = tested !== null && tested !== new URLSearchParams(fields()).toString();
    answer.classList.toggle("pp-stale", stale);
    if (!stale) {
      answer.querySelector(".pp-before")?.remove();
    } else if (!answer.querySelector(".pp-before")) {
      answer.prepend(part("p", "This was before your last change.", "pp-hint pp-before"));
    }
  }

  function fields() {
    const data = new FormData(form);
    if (panel.dataset.owner) {
      data.set(panel.dataset.owner, panel.dataset.ownerId);
    }
    if (panel.dataset.postback) {
      data.set("test_send_postback", panel.dataset.postback); // Whose secrets the masks stand for.
    }
    data.set("test_send_action", action ? action.value.trim() : "");
    return data;
  }

  async function ask(url) {
    const response = await fetch(url, { method: "POST", body: fields(), headers: { Accept: "application/json" } });
    if (!response.ok) {
      throw new Error(`The server answered ${response.status}. Reload the page and try again.`);
    }
    return response.json();
  }

  async function preview() {
    asked += 1;
    const mine = asked;
    try {
      const testSend = await ask(panel.dataset.preview);
      if (mine === asked) {
        request.replaceChildren(...requestParts(testSend));
        readBack(testSend.words);
      }
    } catch (error) {
      if (mine === asked) {
        request.replaceChildren(part("p", error.message, "pp-wrong"));
      }
    }
  }

  async function test() {
    send.disabled = true;
    answer.classList.remove("pp-stale");
    tested = new URLSearchParams(fields()).toString();
    answer.replaceChildren(part("p", "Sending…"));
    try {
      const testSend = await ask(panel.dataset.test);
      request.replaceChildren(...requestParts(testSend));
      answer.replaceChildren(
        ...(testSend.answer ? answerParts(testSend.answer) : [part("p", "Not sent. Correct the errors above.", "pp-wrong")]),
      );
    } catch (error) {
      answer.replaceChildren(part("p", error.message, "pp-wrong"));
    }
    send.disabled = false;
    mark(); // Something may have been typed meanwhile.
  }

  function part(name, text, className = "") {
    return Object.assign(document.createElement(name), { textContent: text, className });
  }

  function label(name) {
    const found = document.querySelector(`label[for="id_${name}"]`);
    return found ? found.textContent.replace(/[*:]/g, "").trim() : name === "test_send_action" ? "Action" : name;
  }

  // Says under each field what its rules or conditions mean; nothing under one with a mistake in it.
  function readBack(words) {
    for (const name of ["conditions", "success_response", "error_response"]) {
      const field = document.getElementById(`id_${name}`);
      if (!field) {
        continue;
      }
      const id = `words-${name}`;
      let said = document.getElementById(id);
      if (!said) {
        said = Object.assign(part("p", "", "pp-words"), { id });
        said.setAttribute("aria-live", "polite");
        (field.parentElement.querySelector(".pp-conditions") || field).after(said);
      }
      const text = words[name] || "";
      said.textContent = text && name === "error_response" ? `${text} ${words.retry}` : text;
    }
  }

  function requestParts(testSend) {
    const parts = [part("p", testSend.event, "pp-hint")];
    if (testSend.not_fired) {
      parts.push(part("p", testSend.not_fired, "pp-warning"));
    }
    for (const [name, messages] of Object.entries(testSend.errors)) {
      for (const message of messages) {
        const ofAll = name === "__all__"; // Of no field of its own.
        parts.push(part("p", ofAll ? message : `${label(name)}: ${message}`, "pp-wrong"));
      }
    }
    for (const warning of testSend.warnings) {
      parts.push(part("p", warning, "pp-warning"));
    }
    if (testSend.request) {
      const { method, url, headers, body } = testSend.request;
      const lines = [`${method} ${url}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
      parts.push(part("pre", lines.join("\n") + (body === null ? "" : `\n\n${body}`)));
    }
    return parts;
  }

  function answerParts(came) {
    const verdict = `${came.success ? "Success" : "Failure"}: ${came.verdict}`;
    const status = came.status === undefined ? "No answer" : `Status ${came.status}`;
    const parts = [part("p", verdict, came.success ? "pp-right" : "pp-wrong"), part("p", `${status}, ${came.milliseconds} ms`)];
    if (came.token && came.token !== came.verdict) {
      parts.unshift(part("p", came.token, "pp-hint"));
    }
    if (came.status !== undefined) {
      const shown = part("pre", came.body ? `${came.headers}\n\n${came.body}` : came.headers);
      shown.tabIndex = 0;
      parts.push(shown);
    }
    return parts;
  }
})();

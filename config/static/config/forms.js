// Forms never lose work: a second click on Save does nothing, leaving what was changed asks first, and what was typed
// comes back after a Save that ended at the sign-in page or at an error.
//
// What was typed is kept in this tab, sealed with a key that the server gives to its user alone: whoever signs in next
// cannot read it. Passwords and files are not kept. Browsers seal only over HTTPS and on the machine itself.
(() => {
  const DRAFT = "draft ";
  const AGAIN_MS = 5000; // A click that comes later than this after the last one is meant.
  const here = DRAFT + window.location.pathname + window.location.search;
  let leaving = false;
  let touched = false;

  for (const name of ["keydown", "pointerdown"]) {
    document.addEventListener(name, () => (touched = true), { capture: true, once: true });
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") {
      return;
    }
    if (Date.now() - Number(form.dataset.sentAt || 0) < AGAIN_MS) {
      event.preventDefault();
    }
    form.dataset.sentAt = Date.now();
  });
  window.addEventListener("pageshow", () => {
    leaving = false;
    document.querySelectorAll("form[data-sent-at]").forEach((form) => delete form.dataset.sentAt);
  });
  // The scripts of the page fill their fields first.
  document.addEventListener("DOMContentLoaded", () => window.setTimeout(start));

  function start() {
    const mark = document.querySelector("template[data-kept-form]");
    const form = mark && mark.closest("form");
    if (form) {
      guard(form, mark.dataset);
    }
    settle(form, mark);
    const first = document.querySelector("[autofocus]");
    if (first) {
      // The theme shows the page later than browsers look for what has the focus.
      const shown = new MutationObserver(() => focusOn(first));
      shown.observe(document.documentElement, { attributes: true });
      focusOn(first);
    }
  }

  // Django's own script gives the first field the focus, if the page is shown by then; the user may have moved it since.
  function focusOn(field) {
    const has = document.activeElement;
    if (!touched && (has === document.body || field.form?.contains(has))) {
      field.focus();
    }
  }

  function guard(form, mark) {
    const before = written(form);
    let sealed = { of: "", draft: "" };

    async function keep() {
      const text = written(form);
      if (text !== sealed.of) {
        sealed = { of: text, draft: await seal(text, mark) };
      }
    }

    form.addEventListener("input", keep);
    form.addEventListener("change", keep);
    form.addEventListener("submit", async (event) => {
      if (leaving) {
        event.preventDefault(); // Clicked twice.
      } else if (!event.defaultPrevented) {
        leaving = true;
        window.setTimeout(() => (leaving = false), AGAIN_MS);
        const late = written(form) !== sealed.of && window.crypto.subtle;
        if (late) {
          event.preventDefault();
          await keep();
        }
        store(here, sealed.draft);
        if (late) {
          send(form, event.submitter);
        }
      }
    });
    form.addEventListener("click", (event) => {
      if (event.target.closest("[data-takes-theirs]")) {
        leaving = true;
        window.sessionStorage.removeItem(here);
      }
    });
    window.addEventListener("beforeunload", (event) => {
      if (!leaving && ("answer" in mark || written(form) !== before)) {
        event.preventDefault();
      }
    });
  }

  function send(form, button) {
    const pressed = Object.assign(document.createElement("input"), { type: "hidden", name: button?.name, value: button?.value });
    if (button?.name) {
      form.append(pressed);
    }
    HTMLFormElement.prototype.submit.call(form); // A field may be named submit.
    pressed.remove();
  }

  // What this page says about the drafts: that of a form which is not mentioned any more has been saved.
  async function settle(form, mark) {
    const signingIn = /\/(login|logout|second-factor)\//.test(window.location.pathname);
    const back = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
    for (const key of Object.keys(window.sessionStorage).filter((each) => each.startsWith(DRAFT))) {
      const draft = JSON.parse(window.sessionStorage.getItem(key));
      if (signingIn) {
        store(key, JSON.stringify({ ...draft, interrupted: true }));
      } else if (key === here && form && "answer" in mark.dataset) {
        continue; // It is on the page, with what is wrong.
      } else if (key === here && form) {
        window.sessionStorage.removeItem(key);
        if (draft.interrupted || back) {
          await restore(form, mark.dataset, draft);
        }
      } else if (!draft.interrupted && !back) {
        window.sessionStorage.removeItem(key);
      }
    }
  }

  async function restore(form, mark, draft) {
    const text = draft.user === mark.user ? await unsealed(draft, mark) : "";
    if (text && text !== written(form)) {
      fill(form, JSON.parse(text));
      const words = "What you typed is back, and not saved yet. Passwords have to be typed again.";
      const note = Object.assign(document.createElement("p"), { className: "pp-card pp-kept", textContent: words });
      note.setAttribute("role", "status");
      form.prepend(note);
    }
  }

  // --- What was typed -------------------------------------------------------------------------------------------
  function fields(form) {
    const kept = (each) => each.name && !["password", "file", "submit", "button"].includes(each.type);
    return [...form.elements].filter((each) => kept(each) && each.name !== "csrfmiddlewaretoken");
  }

  function written(form) {
    return JSON.stringify(fields(form).map((each) => [each.name, each.type, valueOf(each), pairsOf(each)]));
  }

  function pairsOf(field) {
    return "pairs" in field.dataset ? JSON.stringify(JSON.parse(field.dataset.pairs)) : null;
  }

  function valueOf(field) {
    if (field.type === "checkbox" || field.type === "radio") {
      return [field.checked, field.value];
    }
    return field.options ? [...field.selectedOptions].map((each) => [each.value, each.text]) : field.value;
  }

  function fill(form, values) {
    for (const [name, , value] of values) {
      const prefix = name.endsWith("-TOTAL_FORMS") ? name.slice(0, -"-TOTAL_FORMS".length) : "";
      const total = prefix && form.elements[name];
      for (let left = total ? value - total.value : 0; left > 0; left -= 1) {
        document.querySelector(`#${prefix}-group .add-row a, #${prefix}-group a.addlink`)?.click();
      }
    }
    const found = new Map();
    for (const field of fields(form)) {
      found.set(field.name, [...(found.get(field.name) || []), field]);
    }
    for (const [name, type, value, pairs] of values) {
      const field = found.get(name)?.shift();
      if (field && field.type === type && !name.endsWith("_FORMS")) {
        put(field, value, pairs);
      }
    }
  }

  function put(field, value, pairs) {
    if (field.type === "checkbox" || field.type === "radio") {
      field.checked = value[0];
    } else if (field.options) {
      for (const [key, text] of value) {
        if (![...field.options].some((each) => each.value === key)) {
          field.add(new Option(text, key)); // Of a list that is searched on the server.
        }
      }
      const chosen = value.map(([key]) => key);
      [...field.options].forEach((each) => (each.selected = chosen.includes(each.value)));
    } else {
      field.value = value;
    }
    if (pairs !== null) {
      field.dataset.pairs = pairs;
      field.dispatchEvent(new Event("restored"));
    }
    for (const kind of ["input", "change"]) {
      field.dispatchEvent(new Event(kind, { bubbles: true }));
    }
    window.django?.jQuery?.(field).trigger("change.select2");
  }

  // --- Sealing --------------------------------------------------------------------------------------------------
  function store(key, draft) {
    try {
      if (draft) {
        window.sessionStorage.setItem(key, draft);
      }
    } catch {
      // The browser keeps no more: then the form is saved without a draft.
    }
  }

  const bytesOf = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  const textOf = (bytes) => btoa(Array.from(bytes, (each) => String.fromCharCode(each)).join(""));
  const keyOf = (mark) => window.crypto.subtle.importKey("raw", bytesOf(mark.key), "AES-GCM", false, ["encrypt", "decrypt"]);

  async function seal(text, mark) {
    if (!window.crypto.subtle) {
      return "";
    }
    const iv = window.crypto.getRandomValues(new Uint8Array(12));
    const data = await window.crypto.subtle.encrypt({ name: "AES-GCM", iv }, await keyOf(mark), new TextEncoder().encode(text));
    return JSON.stringify({ user: mark.user, iv: textOf(iv), data: textOf(new Uint8Array(data)) });
  }

  async function unsealed(draft, mark) {
    try {
      const options = { name: "AES-GCM", iv: bytesOf(draft.iv) };
      return new TextDecoder().decode(await window.crypto.subtle.decrypt(options, await keyOf(mark), bytesOf(draft.data)));
    } catch {
      return ""; // Of another user, or from before a new password.
    }
  }
})();

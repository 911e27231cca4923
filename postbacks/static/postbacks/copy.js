// Copies a text to the clipboard. A link with `data-copy` leads to its text, so it works without JavaScript as well; a
// button with `data-copy-text` carries it, and shows only here.
(() => {
  const SHOWN_MS = 1500;

  async function write(text) {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return;
    }
    // Browsers give pages without HTTPS no clipboard.
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (!done) {
      throw new Error("The browser refused to copy.");
    }
  }

  function say(control, words) {
    const before = control.dataset.words ?? control.textContent;
    control.dataset.words = before;
    control.textContent = words;
    document.getElementById("copied").textContent = words;
    window.setTimeout(() => (control.textContent = before), SHOWN_MS);
  }

  async function copy(control) {
    try {
      let text = control.dataset.copyText;
      if (text === undefined) {
        const answer = await fetch(control.href);
        if (!answer.ok) {
          throw new Error(`Status ${answer.status}`);
        }
        text = await answer.text();
      }
      await write(text);
      control.focus();
      say(control, "Copied");
    } catch {
      if (control.href) {
        window.location.assign(control.href); // The text, to be copied by hand.
      } else {
        say(control, "Not copied");
      }
    }
  }

  for (const button of document.querySelectorAll("button[data-copy-text]")) {
    button.hidden = false;
  }
  document.addEventListener("click", (event) => {
    const control = event.target.closest("a[data-copy], button[data-copy-text]");
    if (control && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      copy(control);
    }
  });
})();

// Offers only the event types of the program that is chosen on the same page. Without it they stand under the names of
// their programs, and the server refuses one of another program.
(() => {
  const limit = (chosen, changed) => {
    for (const select of document.querySelectorAll("select[data-event-types]")) {
      for (const option of select.querySelectorAll("option[data-program]")) {
        option.hidden = option.disabled = Boolean(chosen) && option.dataset.program !== chosen && !(option.selected && !changed);
      }
      for (const group of select.querySelectorAll("optgroup")) {
        group.hidden = [...group.children].every(option => option.hidden);
      }
      if (changed && select.selectedOptions[0]?.disabled) select.value = "";
    }
  };
  const start = () => {
    const program = document.querySelector("#id_program");
    if (!program) return;
    limit(program.value, false);
    // The search for programs tells its changes to jQuery only.
    const jquery = window.django?.jQuery;
    if (jquery) jquery(program).on("change", () => limit(program.value, true));
    else program.addEventListener("change", () => limit(program.value, true));
    document.addEventListener("formset:added", () => limit(program.value, false));
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();

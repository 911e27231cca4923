// One box ticks all boxes of the page. The rows may be replaced meanwhile.
(() => {
  const all = document.getElementById("tick-all");
  if (!all) {
    return;
  }
  const boxes = () => [...document.querySelectorAll('#bulk-actions input[name="chosen"]')];
  all.addEventListener("change", () => boxes().forEach((box) => (box.checked = all.checked)));
  document.addEventListener("change", (event) => {
    if (event.target.matches('#bulk-actions input[name="chosen"]')) {
      const ticked = boxes().filter((each) => each.checked).length;
      all.checked = ticked === boxes().length;
      all.indeterminate = ticked > 0 && !all.checked;
    }
  });
})();

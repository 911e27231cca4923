// One box ticks all boxes of the page.
(() => {
  const all = document.getElementById("tick-all");
  const boxes = [...document.querySelectorAll('#bulk-actions input[name="chosen"]')];
  if (!all) {
    return;
  }
  all.addEventListener("change", () => boxes.forEach((box) => (box.checked = all.checked)));
  for (const box of boxes) {
    box.addEventListener("change", () => {
      const ticked = boxes.filter((each) => each.checked).length;
      all.checked = ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
    });
  }
})();

// Shows the whole of a name that the style has cut, where the page has no title for it.
(() => {
  const CUT = ".select2-results__option, .select2-selection__rendered, #changelist-filter a, .truncate";

  document.addEventListener("pointerover", event => {
    const place = event.target instanceof Element && event.target.closest(CUT);
    if (place && !place.title && place.scrollWidth > place.clientWidth) {
      place.title = place.textContent.trim();
    }
  });
})();

// Leads to the box that both models answer. Charts above it are drawn for a while after the page
// and push it down, so it is held in view until they rest or the visitor moves by themselves.
() => {
  let moved = false;
  const leave = () => (moved = true);
  const signs = ["wheel", "touchmove", "keydown", "pointerdown"];
  const end = performance.now() + 6000;
  let focused = false;
  const hold = () => {
    const place = document.getElementById("live-answers");
    if (!moved && place && place.getClientRects().length) {
      if (!focused) {
        focused = true;
        for (const sign of signs) window.addEventListener(sign, leave, { once: true });
        const box = document.querySelector("#duel-text textarea");
        if (box && box.getClientRects().length) {
          box.focus({ preventScroll: true });
          box.scrollTop = box.scrollHeight; // the question stands at the end
        }
      }
      if (Math.abs(place.getBoundingClientRect().top - 16) > 4)
        window.scrollBy({ top: place.getBoundingClientRect().top - 16, behavior: "auto" });
    }
    if (!moved && performance.now() < end) setTimeout(hold, 120);
    else for (const sign of signs) window.removeEventListener(sign, leave);
  };
  hold();
}

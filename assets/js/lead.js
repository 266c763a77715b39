// Leads to a place on the page and to what is used there. Charts above it are drawn for a while
// after the page and push it down, so it is held in view until they rest or the visitor moves.
(target, use) => {
  const [most, rest] = [6000, 2000]; // ms
  const signs = ["wheel", "touchmove", "keydown", "pointerdown"];
  const began = performance.now();
  let [moved, moves, found] = [false, began, false];
  const leave = () => (moved = true);
  const shown = (selector) =>
    [...document.querySelectorAll(selector)].find((one) => one.getClientRects().length);
  const hold = () => {
    const place = shown(target);
    if (!moved && place) {
      if (!found) {
        found = true;
        for (const sign of signs) window.addEventListener(sign, leave, { once: true });
        const field = use && shown(use);
        const used = field && (field.querySelector("textarea") || field);
        if (used) {
          used.focus({ preventScroll: true });
          used.scrollTop = used.scrollHeight; // of a text, the question stands at the end
        }
      }
      const away = place.getBoundingClientRect().top - 16;
      const before = window.scrollY;
      if (Math.abs(away) > 4) window.scrollBy({ top: away, behavior: "auto" });
      if (Math.abs(window.scrollY - before) > 4) moves = performance.now();
    } else if (!found) moves = performance.now();
    const now = performance.now();
    if (!moved && now - began < most && now - moves < rest) setTimeout(hold, 60);
    else for (const sign of signs) window.removeEventListener(sign, leave);
  };
  hold();
}

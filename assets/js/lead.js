// Leads to a place on the page and to what is used there. Charts above it are drawn for a while
// after the page and push it down, so it is held in view until they rest, the visitor moves, or
// another place is led to.
(target, use) => {
  const [most, rest] = [6000, 1000]; // ms
  const signs = ["wheel", "touchmove", "keydown", "pointerdown"];
  const began = performance.now();
  let [left, moves, found] = [false, began, false];
  window.t2rLeave?.();
  const leave = () => (left = true);
  window.t2rLeave = leave;
  const shown = (selector) =>
    [...document.querySelectorAll(selector)].find((one) => one.getClientRects().length);
  const hold = () => {
    const now = performance.now();
    const place = !left && shown(target);
    if (place) {
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
      const before = window.scrollY;
      const away = place.getBoundingClientRect().top - 16;
      if (Math.abs(away) > 4) window.scrollBy({ top: away, behavior: "auto" });
      if (Math.abs(window.scrollY - before) > 4) moves = now;
    } else if (!found) moves = now;
    if (!left && now - began < most && now - moves < rest) setTimeout(hold, 60);
    else for (const sign of signs) window.removeEventListener(sign, leave);
  };
  hold();
}

// Brings what the tour speaks of into view, once it is there, and marks it.
(target) => {
  for (const marked of document.querySelectorAll(".ts-shown")) marked.classList.remove("ts-shown");
  if (!target) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let tries = 0;
  const look = () => {
    const every = [...document.querySelectorAll(target)];
    const found = every.find((one) => one.getClientRects().length);
    if (found) {
      found.classList.add("ts-shown");
      found.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
    } else if (tries++ < 50) setTimeout(look, 100);
  };
  setTimeout(look, 100);
}

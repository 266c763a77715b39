// Marks what the tour speaks of, once it is there.
(target) => {
  for (const marked of document.querySelectorAll(".ts-shown")) marked.classList.remove("ts-shown");
  if (!target) return;
  let tries = 0;
  const look = () => {
    const every = [...document.querySelectorAll(target)];
    const found = every.find((one) => one.getClientRects().length);
    if (found) found.classList.add("ts-shown");
    else if (tries++ < 50) setTimeout(look, 100);
  };
  setTimeout(look, 100);
}

// Keeps the place in the address, one entry of the browser's history for each, so that Back leads to
// the place before instead of out of the app. Run and step change one after the other: both wait.
(run, step) => {
  const place = (window.t2rPlace ||= { waiting: false, arrived: false });
  place.run = run;
  place.step = step;
  if (place.waiting) return;
  place.waiting = true;
  setTimeout(() => {
    place.waiting = false;
    const url = new URL(window.location);
    for (const name of ["run", "step"]) {
      url.searchParams.delete(name); // so that the order is always the same
      if (place[name]) url.searchParams.set(name, place[name]);
    }
    const here = url.href === window.location.href;
    // Back and Forward have set the address already; an answer on its way must not add to it.
    const led = performance.now() < (place.ledUntil || 0);
    if (here) place.ledUntil = 0;
    if (!here && !led) {
      // An address that was asked for is completed; any later place is one to come back from.
      const asked = !place.arrived && /[?&](run|step)=/.test(window.location.search);
      window.history[asked ? "replaceState" : "pushState"](null, "", url);
    }
    place.arrived = true;
  }, 30);
}

// What the forms held when the page was left; and listeners for Back and Escape, set up once.
() => {
  if (!window.t2rListens) {
    window.t2rListens = true;
    window.addEventListener("popstate", () => {
      (window.t2rPlace ||= { waiting: false, arrived: false }).ledUntil = performance.now() + 5000;
      document.getElementById("go-back").click();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") document.getElementById("tour-end")?.click();
    });
  }
  return [sessionStorage.getItem("t2r-forms") || ""];
}

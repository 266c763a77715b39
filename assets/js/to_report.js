// Leads from the top of a long page to its report; a link would go to the page's base instead.
() => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  document.getElementById("report").scrollIntoView({ behavior: calm ? "auto" : "smooth" });
  document.getElementById("report-pdf").focus({ preventScroll: true });
}

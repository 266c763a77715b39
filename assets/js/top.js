// The top of the page, for a place that is led to as a whole; what was held in view is let go.
() => {
  window.t2rLeave?.();
  window.scrollTo({ top: 0, behavior: "instant" });
}

// Marks the step on show. Through a run all steps are open; before one, only those behind.
(run, step) => {
  for (let number = 1; number <= 5; number++) {
    const button = document.getElementById(`trail-${number}`);
    if (!button) continue;
    if (`${number}` === step) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
    button.disabled = !run && number > Number(step);
    button.classList.toggle("past", number < Number(step));
  }
}

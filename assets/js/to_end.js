// Shows the end of the input, where the models go on.
() => {
  const box = document.querySelector("#duel-text textarea");
  if (box) box.scrollTop = box.scrollHeight;
}

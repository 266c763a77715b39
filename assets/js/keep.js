// Keeps what the forms hold for as long as this tab is open, and nowhere but in this browser.
(...values) => {
  sessionStorage.setItem("t2r-forms", JSON.stringify(values));
}

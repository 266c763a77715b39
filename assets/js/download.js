// Lets the browser fetch an address into a file, without leaving the page.
(address) => {
  if (!address) return;
  const link = document.createElement("a");
  link.href = new URL(address, document.baseURI).href;
  link.download = "";
  document.body.append(link);
  link.click();
  link.remove();
}

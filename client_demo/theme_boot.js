/* A classic script, so that the chosen theme is there before the first paint. */
(() => {
  try {
    const theme = localStorage.getItem("conclave.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    return;
  }
})();

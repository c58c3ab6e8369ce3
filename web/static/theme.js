// @ts-check
// Sets the chosen theme before anything is drawn. The page follows the system unless its user chose otherwise.
(() => {
  const chosen = localStorage.getItem('tandem.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
})();

// The page is whole without this: it only narrows a table to the rows that hold what is typed.
for (const box of document.querySelectorAll("input[data-searches]")) {
  const rows = document.getElementById(box.dataset.searches).tBodies[0].rows;
  const found = document.getElementById(box.dataset.found);
  box.addEventListener("input", () => {
    const sought = box.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(sought);
      count += row.hidden ? 0 : 1;
    }
    found.textContent = `${count} of ${rows.length} rows`;
  });
}

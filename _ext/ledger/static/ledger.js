/* Filter controls for the tables of the ledger. Without this script the tables stand as they are. */
"use strict";
(() => {
  // Columns that are chosen from a list, and what of a cell is offered there.
  const whole = (text) => [text];
  const works = (text) => text.split(";").map((part) => part.trim().replace(/[\s,]*[(§,\d].*$/s, ""));
  const firstWord = (text) => [text.split(/\s/)[0]];
  const CHOICES = { chapter: whole, source: works, established: firstWord, verdict: firstWord };

  function control(name, field) {
    const label = document.createElement("label");
    label.append(name, field);
    return label;
  }

  function equip(table) {
    const rows = [...table.tBodies[0].rows];
    const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
    const text = (row, column) => row.cells[column].textContent.trim();

    const search = document.createElement("input");
    search.type = "search";
    const fields = [control("contains", search)];
    const tests = [(row) => row.textContent.toLowerCase().includes(search.value.trim().toLowerCase())];

    heads.forEach((head, column) => {
      if (!(head in CHOICES)) return;
      const values = (row) => CHOICES[head](text(row, column)).filter(Boolean);
      const select = document.createElement("select");
      select.add(new Option("all", ""));
      const order = head === "chapter" ? [...new Set(rows.flatMap(values))] : [...new Set(rows.flatMap(values))].sort();
      for (const value of order) select.add(new Option(value, value));
      fields.push(control(head, select));
      tests.push((row) => !select.value || values(row).includes(select.value));
    });

    const count = document.createElement("output");
    const filter = () => {
      let shown = 0;
      for (const row of rows) {
        row.hidden = !tests.every((test) => test(row));
        shown += !row.hidden;
      }
      count.textContent = shown === rows.length ? `${shown} rows` : `${shown} of ${rows.length} rows`;
    };

    const bar = document.createElement("form");
    bar.className = "ledger-filters";
    bar.append(...fields, count);
    bar.addEventListener("input", filter);
    bar.addEventListener("submit", (event) => event.preventDefault());
    const box = table.closest(".ledger-scroll");
    box.before(bar);
    box.tabIndex = 0; // so that the arrow keys scroll it
    filter();
  }

  document.querySelectorAll("table.ledger-table").forEach(equip);
})();

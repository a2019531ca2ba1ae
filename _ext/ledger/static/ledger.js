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

  // Hyphens, capitals and accents make no difference; each word that is asked for must be there.
  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[-–_]/g, " ");
  const asked = (text) => plain(text).split(/\s+/).filter(Boolean);

  // What is chosen stands in the address, so that a selection can be kept and sent.
  function remember(id, fields) {
    const address = new URL(location.href);
    for (const [name, field] of fields) {
      if (field.value) address.searchParams.set(`${id}-${name}`, field.value);
      else address.searchParams.delete(`${id}-${name}`);
    }
    try { history.replaceState(null, "", address); } catch { /* a file has no address that may change */ }
  }

  function equip(table) {
    const id = table.classList.contains("ledger-claims") ? "claims" : "equations";
    const rows = [...table.tBodies[0].rows];
    const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
    const text = (row, column) => row.cells[column].textContent.trim();

    const search = document.createElement("input");
    search.type = "search";
    const fields = [control("contains", search)];
    const named = [["contains", search]];
    const texts = new Map(rows.map((row) => [row, plain(row.textContent)]));
    const tests = [(row) => asked(search.value).every((word) => texts.get(row).includes(word))];

    heads.forEach((head, column) => {
      if (!(head in CHOICES)) return;
      const values = (row) => CHOICES[head](text(row, column)).filter(Boolean);
      const select = document.createElement("select");
      select.add(new Option("all", ""));
      const order = head === "chapter" ? [...new Set(rows.flatMap(values))] : [...new Set(rows.flatMap(values))].sort();
      for (const value of order) select.add(new Option(value, value));
      fields.push(control(head, select));
      named.push([head, select]);
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
    bar.addEventListener("input", () => {
      filter();
      remember(id, named);
    });
    bar.addEventListener("submit", (event) => event.preventDefault());
    const box = table.closest(".ledger-scroll");
    box.before(bar);
    box.tabIndex = 0; // so that the arrow keys scroll it
    const given = new URLSearchParams(location.search);
    for (const [name, field] of named) field.value = given.get(`${id}-${name}`) ?? "";
    filter();
  }

  document.querySelectorAll("table.ledger-table").forEach(equip);
})();

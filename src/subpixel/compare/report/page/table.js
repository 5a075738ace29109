// Sorts the table of methods by the column whose head is pressed; missing figures stay at the end.
(() => {
  "use strict";
  const table = document.getElementById("table");
  if (!table) return;
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];

  function value(row, column) {
    const text = row.cells[column].dataset.value;
    if (text === "") return null;
    const number = Number(text);
    return Number.isNaN(number) ? text.toLowerCase() : number;
  }

  function order(column, sign) {
    return (one, other) => {
      const [a, b] = [value(one, column), value(other, column)];
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (a < b ? -1 : a > b ? 1 : 0);
    };
  }

  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", (event) => {
      const before = head.getAttribute("aria-sort");
      const first = event.currentTarget.dataset.first;
      const opposite = { ascending: "descending", descending: "ascending" };
      const now = opposite[before] || first;
      heads.forEach((other) => other.setAttribute("aria-sort", other === head ? now : "none"));
      const rows = [...body.rows].sort(order(column, now === "ascending" ? 1 : -1));
      body.append(...rows);
    });
  });
})();

"use strict";
for (const table of document.querySelectorAll("table.data")) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const heads = Array.from(table.tHead.rows[0].cells);
  const tools = document.getElementById(table.id + "-tools");
  const count = document.createElement("output");
  const chosen = new Map();
  let words = "";

  function show() {
    let visible = 0;
    for (const row of rows) {
      let fits = !words || row.textContent.toLowerCase().includes(words);
      for (const [place, text] of chosen) fits = fits && row.cells[place].textContent.trim() === text;
      row.hidden = !fits;
      visible += fits ? 1 : 0;
    }
    count.textContent = visible + " of " + rows.length + " rows";
  }

  function labelled(text, control) {
    const label = document.createElement("label");
    label.append(text, control);
    tools.append(label);
  }

  heads.forEach((head, place) => {
    if (!head.dataset.choices) return;
    const select = document.createElement("select");
    select.append(new Option("all", ""));
    JSON.parse(head.dataset.choices).forEach((text, index) => select.append(new Option(text, "=" + index)));
    const choose = () => {
      if (select.value) chosen.set(place, select.selectedOptions[0].textContent); else chosen.delete(place);
      show();
    };
    select.addEventListener("change", choose);
    labelled(head.textContent.trim(), select);
    const first = Array.from(select.options).find((option) => option.value && option.textContent === head.dataset.initial);
    if (first) { first.selected = true; choose(); }
  });

  const search = document.createElement("input");
  search.type = "search";
  search.addEventListener("input", () => { words = search.value.toLowerCase(); show(); });
  if (rows.length > 3) labelled("rows that contain", search);
  tools.append(count);

  heads.forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const value = (row) => row.cells[place].dataset.value ?? row.cells[place].textContent.trim();
      rows.sort((first, second) => {
        const [a, b] = [value(first), value(second)];
        const [x, y] = [Number(a), Number(b)];
        const isA = a !== "" && !Number.isNaN(x), isB = b !== "" && !Number.isNaN(y);
        if (isA !== isB) return isA ? -1 : 1;
        const order = isA ? x - y : a.localeCompare(b);
        return falling ? -order : order;
      });
      body.append(...rows);
    });
  });
  show();
}

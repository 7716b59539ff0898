
"use strict";
(() => {
  const table = document.getElementById("subjects-table");
  const find = document.getElementById("find");
  const zoom = document.getElementById("zoom");

  document.querySelectorAll(".controls").forEach(controls => { controls.hidden = false; });

  find?.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    let shown = 0;
    document.querySelectorAll("[data-name]").forEach(item => {
      item.hidden = !item.dataset.name.toLowerCase().includes(wanted);
      shown += item.matches("tr") && !item.hidden ? 1 : 0;
    });
    document.getElementById("found").textContent = wanted ? shown + " found" : "";
  });

  table?.querySelectorAll("th[data-sort]").forEach((heading, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const text = heading.dataset.sort === "text";
      const before = heading.getAttribute("aria-sort");
      const down = text ? before === "ascending" : before !== "descending";
      table.querySelectorAll("[aria-sort]").forEach(other => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = row => {
        const cell = row.cells[index].textContent;
        if (text) return cell;
        const number = parseFloat(cell);
        return Number.isNaN(number) ? -Infinity : number;
      };
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((a, b) => {
        const left = value(a), right = value(b);
        const order = text ? left.localeCompare(right, "en", {numeric: true}) : left - right || 0;
        return down ? -order : order;
      });
      body.append(...rows);
    });
  });

  document.addEventListener("click", event => {
    const picture = event.target.closest?.(".picture");
    if (picture) {
      const small = picture.querySelector("img");
      const large = zoom.querySelector("img");
      large.src = small.src;
      large.alt = small.alt;
      zoom.querySelector("p").textContent = small.alt;
      zoom.showModal();
    } else if (event.target === zoom || event.target.matches("#zoom button")) {
      zoom.close();
    }
  });
})();

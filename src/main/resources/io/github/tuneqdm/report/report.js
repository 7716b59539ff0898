"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  // Pages from a disk may be forbidden to remember anything.
  const remember = (store, key, value) => { try { window[store].setItem(key, value); } catch { } };
  const remembered = (store, key) => { try { return window[store].getItem(key); } catch { return null; } };

  all(".controls").forEach(controls => { controls.hidden = false; });

  // Light and dark.
  const theme = document.getElementById("theme");
  const darkBySystem = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : darkBySystem.matches;
  const redraws = [];
  const themed = () => {
    theme.textContent = isDark() ? "Light" : "Dark";
    redraws.forEach(redraw => redraw());
  };
  const chosen = remembered("localStorage", "tuneqdm-theme");
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
  theme.hidden = false;
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember("localStorage", "tuneqdm-theme", root.dataset.theme);
    themed();
  });
  darkBySystem.addEventListener("change", themed);

  // Plots, drawn when they come near.
  const probe = document.createElement("i");
  document.body.append(probe);
  const colour = name => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const axes = (x, y) => [x, y].map(label => ({
    label,
    labelSize: label ? 20 : 0,
    labelFont: "12px system-ui, sans-serif",
    font: "11px system-ui, sans-serif",
    stroke: () => colour("muted"),
    grid: {stroke: () => colour("line"), width: 1},
    ticks: {show: false},
    gap: 4,
  })).map((axis, i) => ({...axis, size: i ? 44 : 24}));
  const plain = {cursor: {show: false}, legend: {show: false}};

  const loss = data => {
    const top = Math.max(...data.y) || 1;
    return {
      options: {
        ...plain,
        axes: axes("", ""),
        scales: {x: {time: false}, y: {range: [0, top * 1.05]}},
        series: [
          {},
          {stroke: () => colour("c2"), alpha: .35, width: 1, points: {show: false}},
          {stroke: () => colour("c2"), width: 2, points: {show: data.x.length < 2}},
        ],
      },
      values: [data.x, data.y, data.mean],
    };
  };

  const tradeoff = data => {
    const points = u => {
      const {ctx} = u, scale = devicePixelRatio || 1;
      const at = i => [u.valToPos(data.x[i], "x", true), u.valToPos(data.y[i], "y", true)];
      ctx.save();
      ctx.lineWidth = 1.5 * scale;
      ctx.strokeStyle = colour("muted");
      ctx.setLineDash([4 * scale, 4 * scale]);
      ctx.beginPath();
      data.x.map((_, i) => i).filter(i => data.best[i]).map(at).forEach(([x, y], n, best) => {
        ctx.lineTo(x, best[Math.max(0, n - 1)][1]); // a stair: what a cost buys at best
        ctx.lineTo(x, y);
      });
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.font = `${12 * scale}px system-ui, sans-serif`;
      ctx.textBaseline = "middle";
      const taken = [];
      data.x.forEach((_, i) => {
        const [x, y] = at(i);
        ctx.strokeStyle = ctx.fillStyle = colour("c" + data.colours[i] % 8);
        ctx.beginPath();
        ctx.moveTo(x, u.valToPos(data.low[i], "y", true));
        ctx.lineTo(x, u.valToPos(data.high[i], "y", true));
        ctx.stroke();
        ctx.beginPath();
        ctx.arc(x, y, 5 * scale, 0, 2 * Math.PI);
        ctx.fill();
        taken.push([x - 6 * scale, y - 6 * scale, x + 6 * scale, y + 6 * scale]);
      });
      ctx.fillStyle = colour("text");
      ctx.textAlign = "left";
      data.x.forEach((_, i) => {
        const [x, y] = at(i), gap = 9 * scale, height = 15 * scale;
        const width = ctx.measureText(data.names[i]).width;
        const {left, top, width: room, height: depth} = u.bbox;
        const places = [[x + gap, y - height], [x + gap, y + height], [x + gap, y], [x - gap - width, y],
          [x - gap - width, y - height], [x - gap - width, y + height]]
          .map(([from, middle]) => [from, middle - height / 2, from + width, middle + height / 2]);
        const free = places.find(box => box[0] >= left && box[2] <= left + room && box[1] >= top && box[3] <= top + depth
          && !taken.some(b => b[0] < box[2] && box[0] < b[2] && b[1] < box[3] && box[1] < b[3]));
        if (!free) return; // the table has it
        taken.push(free);
        ctx.fillText(data.names[i], free[0], (free[1] + free[3]) / 2);
      });
      ctx.restore();
    };
    const low = Math.min(...data.low), high = Math.max(...data.high);
    const room = (high - low || Math.abs(high) || 1) * .12;
    const least = Math.min(...data.x), most = Math.max(...data.x);
    const log = least > 0 && most / least > 30;
    return {
      options: {
        ...plain,
        axes: axes(data.cost, data.quality),
        scales: {
          x: {time: false, distr: log ? 3 : 1, range: log ? [least / 2, most * 2] : [0, most * 1.15 || 1]},
          y: {range: [low - room, high + room]},
        },
        series: [{}, {paths: () => null, points: {show: false}}],
        hooks: {draw: [points]},
      },
      values: [data.x, data.y],
    };
  };

  const draw = box => {
    const data = JSON.parse(box.dataset.plot);
    const {options, values} = {loss, tradeoff}[data.kind](data);
    box.classList.add("drawn");
    const size = () => ({width: box.clientWidth, height: box.clientHeight});
    const plot = new uPlot({...options, ...size(), padding: [10, 10, 0, 0]}, values, box);
    redraws.push(() => plot.redraw(false, true));
    new ResizeObserver(() => { if (box.clientWidth) plot.setSize(size()); }).observe(box);
  };
  const near = new IntersectionObserver(entries => entries.forEach(entry => {
    if (entry.isIntersecting) {
      near.unobserve(entry.target);
      draw(entry.target);
    }
  }), {rootMargin: "300px"});
  all("[data-plot]").forEach(box => near.observe(box));

  // Search.
  const find = document.getElementById("find");
  const search = () => {
    const wanted = find.value.trim().toLowerCase();
    let shown = 0;
    all("[data-name]").forEach(item => {
      item.hidden = !item.dataset.name.toLowerCase().includes(wanted);
      shown += item.matches("tr") && !item.hidden ? 1 : 0;
    });
    document.getElementById("found").textContent = wanted ? shown + " found" : "";
  };
  find?.addEventListener("input", search);

  // Sorting.
  all("table.sortable").forEach(table => all("th[data-sort]", table).forEach((heading, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const text = heading.dataset.sort === "text";
      const before = heading.getAttribute("aria-sort");
      const down = text ? before === "ascending" : before !== "descending";
      all("[aria-sort]", table).forEach(other => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = row => {
        const cell = row.cells[index].textContent;
        if (text) return cell;
        const number = parseFloat(cell.replaceAll(",", ""));
        return Number.isNaN(number) ? -Infinity : number;
      };
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort((a, b) => {
        const left = value(a), right = value(b);
        const order = text ? left.localeCompare(right, "en", {numeric: true}) : left - right || 0;
        return down ? -order : order;
      }));
    });
  }));

  // Enlarged pictures.
  const zoom = document.getElementById("zoom");
  const labels = all(".methods thead th").map(th => th.firstChild.textContent).slice(1, 4);
  let current;
  const show = picture => {
    current = picture;
    const small = picture.querySelector("img"), large = zoom.querySelector("img");
    large.onerror = () => { // the page was copied without the run's pictures
      large.onerror = null;
      large.src = small.src;
    };
    large.src = picture.href;
    large.alt = small.alt;
    const prompt = picture.closest("tr")?.cells[0].textContent ?? "";
    const scores = (picture.dataset.s ?? "").split(" ").filter(s => s)
        .map((score, i) => `${labels[i] ?? ""} ${score}`).join(", ");
    zoom.querySelector("p").textContent = [prompt, small.alt, scores].filter(t => t).join(" · ");
    if (!zoom.open) zoom.showModal();
  };
  const go = step => {
    const pictures = all(".p", current.closest(".photos, .matrix"));
    const next = pictures[pictures.indexOf(current) + step];
    if (next) show(next);
  };
  document.addEventListener("click", event => {
    const picture = event.target.closest?.(".p");
    const button = event.target.closest?.("#zoom button");
    if (picture && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      show(picture);
    } else if (event.target === zoom || button?.dataset.go === "0") {
      zoom.close();
    } else if (button) {
      go(Number(button.dataset.go));
    }
  });
  zoom.addEventListener("keydown", event => {
    if (event.key === "ArrowLeft") go(-1);
    if (event.key === "ArrowRight") go(1);
  });
  zoom.addEventListener("close", () => current?.focus());

  // A run that goes on: the page is loaded again, and is where it was.
  const place = "tuneqdm-place " + location.pathname;
  const before = JSON.parse(remembered("sessionStorage", place) ?? "null");
  if (before) {
    remember("sessionStorage", place, "null");
    if (find && before.find) {
      find.value = before.find;
      search();
    }
    scrollTo({top: before.top, behavior: "instant"});
  }
  if (root.dataset.live) {
    document.getElementById("silent").hidden = Date.now() - root.dataset.written <= 5 * 60_000;
    setInterval(() => {
      if (zoom.open) return;
      remember("sessionStorage", place, JSON.stringify({top: scrollY, find: find?.value}));
      location.reload();
    }, root.dataset.live * 1000);
  }
  themed();
})();

// Theme, filters, sorting, the list of clips and players that run together. Nothing is fetched; without it pages still read well.
"use strict";

const root = document.documentElement;
root.classList.add("scripts");

function stored(key, value) {
  try {
    if (value !== undefined) localStorage.setItem(key, value);
    return localStorage.getItem(key) || "";
  } catch (error) { // storage is closed to pages of some browsers' file: scheme; the theme then lasts as long as the page
    return value || "";
  }
}

function setTheme(theme) {
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
}

setTheme(stored("avbench-theme")); // before the body is drawn, so that nothing flashes

function themeSwitch() {
  const select = document.getElementById("theme");
  select.value = root.dataset.theme || "";
  select.addEventListener("change", () => setTheme(stored("avbench-theme", select.value)));
}

// ---- tables

function sortKey(row, column) {
  const text = row.cells[column].dataset.sort;
  if (text === undefined) return null;
  const value = Number(text);
  return text !== "" && Number.isFinite(value) ? value : text;
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function sortRows(table, column, direction) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row) => ({ row, key: sortKey(row, column) }));
  const sign = direction === "ascending" ? 1 : -1;
  rows.sort((a, b) => {
    if (a.key === null || b.key === null) return (a.key === null) - (b.key === null); // what has no value stays at the end
    return sign * compare(a.key, b.key);
  });
  body.append(...rows.map((entry) => entry.row));
  for (const head of table.tHead.rows[0].cells) {
    if (head.hasAttribute("aria-sort")) head.setAttribute("aria-sort", head.cellIndex === column ? direction : "none");
  }
}

function sorting() {
  for (const button of document.querySelectorAll("button.sort")) {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const now = head.getAttribute("aria-sort");
      const turned = now === "ascending" ? "descending" : "ascending";
      sortRows(head.closest("table"), head.cellIndex, now === "none" ? head.dataset.first : turned);
    });
  }
}

function shape() {
  const radios = document.querySelectorAll("input[name=shape]");
  const show = () => {
    for (const radio of radios) document.getElementById(radio.value).hidden = !radio.checked;
  };
  for (const radio of radios) radio.addEventListener("change", show);
  if (radios.length) show(); // a browser may come back with the other one checked
}

function filters() {
  const words = document.getElementById("metric-filter");
  if (!words) return;
  const boxes = document.querySelectorAll("input.model");
  const apply = () => {
    const asked = words.value.trim().toLowerCase();
    const models = new Set(Array.from(boxes).filter((box) => box.checked).map((box) => box.value));
    for (const place of document.querySelectorAll("[data-metric], [data-model]")) {
      const { metric, model } = place.dataset;
      place.hidden = (metric !== undefined && !metric.includes(asked)) || (model !== undefined && !models.has(model));
    }
  };
  words.addEventListener("input", apply);
  for (const box of boxes) box.addEventListener("change", apply);
  apply();
}

// ---- list of clips

function number(value) { // as the tables write it: four significant digits
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e5) return value.toExponential(2).replace(/\.?0*e/, "e").replace(/e([+-])(\d)$/, "e$10$2");
  const digits = Math.max(0, 3 - Number(value.toExponential(6).split("e")[1]));
  return value.toFixed(digits);
}

function fill(cell, outcome, better) {
  cell.removeAttribute("title");
  delete cell.dataset.sort;
  if (typeof outcome === "number") {
    cell.textContent = number(outcome);
    cell.dataset.sort = better === "zero" ? Math.abs(outcome) : outcome;
  } else if (Array.isArray(outcome)) {
    const kind = document.createElement("span");
    kind.className = "gap";
    [kind.textContent, cell.title] = outcome;
    cell.replaceChildren(kind);
  } else cell.textContent = "–";
}

function clipList() {
  const table = document.getElementById("clip-table");
  if (!table) return;
  const data = JSON.parse(document.getElementById("clip-data").textContent);
  const metric = document.getElementById("clip-metric");
  const [first, second] = ["clip-first", "clip-second"].map((id) => document.getElementById(id));
  const update = () => {
    const { better, scores } = data[Number(metric.value)];
    const size = (value) => (better === "zero" ? Math.abs(value) : value);
    for (const row of table.tBodies[0].rows) {
      const at = (model) => (scores[model] ? scores[model][Number(row.dataset.clip)] : null);
      for (const cell of row.querySelectorAll("td.score")) fill(cell, at(Number(cell.dataset.model)), better);
      if (!first) continue;
      const [one, two] = [at(Number(first.value)), at(Number(second.value))];
      const both = typeof one === "number" && typeof two === "number";
      fill(row.querySelector("td.difference"), both ? size(one) - size(two) : null, "");
    }
    const sorted = table.tHead.querySelector("[aria-sort=ascending], [aria-sort=descending]");
    if (sorted) sortRows(table, sorted.cellIndex, sorted.getAttribute("aria-sort"));
    find();
  };
  const words = document.getElementById("clip-filter");
  const find = () => {
    const asked = words.value.trim().toLowerCase();
    for (const row of table.tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(asked);
  };
  for (const select of [metric, first, second]) if (select) select.addEventListener("change", update);
  words.addEventListener("input", find);
  update();
}

// ---- players

const DRIFT_SECONDS = 0.06; // beyond a frame or two two pictures no longer look simultaneous

class Players {
  constructor(media) {
    this.media = media;
    for (const one of media) one.controls = false;
    this.beside = new Map(Array.from(document.querySelectorAll("audio.sidecar"), (sound) => [sound.dataset.model, sound]));
    this.playing = false;
  }

  everything() {
    return [...this.media, ...this.beside.values()].filter((one) => !one.error);
  }

  length() {
    return Math.max(0, ...this.everything().map((one) => (Number.isFinite(one.duration) ? one.duration : 0)));
  }

  leader() { // the longest one tells the time
    return this.everything().reduce((a, b) => ((b.duration || 0) > (a.duration || 0) ? b : a));
  }

  time() {
    return this.everything().length ? this.leader().currentTime : 0;
  }

  seek(seconds) {
    for (const one of this.everything()) one.currentTime = Math.min(seconds, one.duration || seconds);
  }

  hear(model) {
    for (const one of this.media) {
      const beside = this.beside.get(one.dataset.model);
      one.muted = one.dataset.model !== model || beside !== undefined;
      if (beside) beside.muted = one.dataset.model !== model;
    }
  }

  async play() {
    if (this.time() >= this.length() - 0.01) this.seek(0);
    this.playing = true;
    await Promise.all(this.everything().filter((one) => one.currentTime < one.duration).map((one) => one.play()));
  }

  pause() {
    this.playing = false;
    for (const one of this.everything()) one.pause();
  }

  align() {
    const now = this.time();
    for (const one of this.everything()) {
      const due = Math.min(now, one.duration || now);
      if (Math.abs(one.currentTime - due) > DRIFT_SECONDS) one.currentTime = due;
    }
  }
}

function playback() {
  const media = Array.from(document.querySelectorAll(".player"));
  if (!media.length) return;
  const players = new Players(media);
  const [play, seek, time, loop, status] = ["play", "seek", "time", "loop", "playback"].map((id) => document.getElementById(id));
  const draw = () => {
    const [now, length] = [players.time(), players.length()];
    if (document.activeElement !== seek || players.playing) seek.value = length ? (1000 * now) / length : 0;
    time.textContent = `${now.toFixed(2)} s of ${length.toFixed(2)} s`;
    seek.setAttribute("aria-valuetext", time.textContent);
    for (const head of document.querySelectorAll(".playhead")) {
      const whole = Number(head.parentElement.dataset.seconds);
      head.hidden = !(whole > 0) || now > whole;
      head.style.left = `${(100 * now) / whole}%`;
    }
  };
  const stop = () => {
    players.pause();
    play.textContent = "play";
    draw();
  };
  const start = () => {
    play.textContent = "pause";
    status.textContent = "";
    players.play().then(tick, (error) => {
      if (!players.playing) return; // paused before it began
      stop();
      status.textContent = `cannot play: ${error.message}`;
    });
  };
  const tick = () => {
    if (!players.playing) return;
    draw();
    players.align();
    if (players.time() < players.length() - 0.005 && !players.leader().ended) requestAnimationFrame(tick);
    else if (loop.checked) { players.seek(0); start(); } else stop();
  };
  play.addEventListener("click", () => (players.playing ? stop() : start()));
  seek.addEventListener("input", () => { players.seek((players.length() * seek.value) / 1000); draw(); });
  for (const one of media) {
    const unplayable = () => { one.hidden = true; one.closest("article").querySelector(".unplayable").hidden = false; };
    if (one.error) unplayable();
    one.addEventListener("error", unplayable);
    for (const event of ["loadedmetadata", "seeked"]) one.addEventListener(event, draw);
  }
  for (const line of document.querySelectorAll(".timeline")) {
    line.addEventListener("click", (event) => {
      const box = line.getBoundingClientRect();
      players.seek((Number(line.dataset.seconds) * (event.clientX - box.left)) / box.width);
    });
  }
  const radios = Array.from(document.querySelectorAll("input[name=heard]"));
  const hear = () => players.hear(radios.find((radio) => radio.checked).value);
  for (const radio of radios) radio.addEventListener("change", hear);
  hear();
  draw();
}

document.addEventListener("DOMContentLoaded", () => {
  themeSwitch();
  sorting();
  shape();
  filters();
  clipList();
  playback();
});

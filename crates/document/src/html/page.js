// The HTML report at work: filters, order, details, languages. Rows come from the data element and
// are made as text nodes, never as markup. Nothing is stored and nothing is fetched; the language
// stands in the address behind `#`.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const find = (selector) => document.querySelector(selector);
const all = (selector) => Array.from(document.querySelectorAll(selector));

const CHUNK = 100;
const SEVERITIES = ["unknown", "negligible", "low", "medium", "high", "critical"];
const state = { language: 0, sort: "severity", down: true, shown: CHUNK, open: new Set(), matching: [] };

// ---- words

function word(key, values) {
  const said = (data.words[key] || [key, key])[state.language];
  return values ? said.replace(/\{(\w+)\}/g, (_, name) => values[name]) : said;
}

function speak(language) {
  state.language = language;
  const zh = language === 1;
  document.documentElement.lang = zh ? "zh-Hans" : "en";
  for (const node of all("[data-word]")) node.textContent = word(node.dataset.word);
  for (const node of all("[data-placeholder]")) node.placeholder = word(node.dataset.placeholder);
  for (const node of all("[data-label]")) node.setAttribute("aria-label", word(node.dataset.label));
  for (const node of all("[data-language]"))
    node.setAttribute("aria-pressed", String((node.dataset.language === "zh") === zh));
  draw();
}

// ---- elements

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Text from outside, kept from turning its surroundings around. */
const outside = (text, attributes) => make("bdi", attributes, text);

const SVG = "http://www.w3.org/2000/svg";
function meter(severity) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "meter");
  svg.setAttribute("viewBox", "0 0 26 12");
  svg.setAttribute("aria-hidden", "true");
  for (let step = 0; step < 5; step += 1) {
    const bar = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ x: step * 5.4, y: 8 - step * 2, width: 4, height: 4 + step * 2, rx: 1 }))
      bar.setAttribute(name, value);
    if (step < severity) bar.setAttribute("class", SEVERITIES[severity]);
    svg.append(bar);
  }
  return svg;
}

function badge(row) {
  const name = SEVERITIES[row.severity];
  return make("span", { class: `badge ${name}` }, meter(row.severity), word(`severity.${name}`));
}

function fix(row) {
  if (row.fixed) return outside(row.fixed, { class: "mono" });
  if (row.kind !== "vulnerability") return make("span", { class: "muted" }, word(`fix.${row.kind}`));
  const status = row.status && row.status !== "affected" ? word(`status.${row.status}`) : word("fix.none");
  return make("span", { class: "muted" }, status);
}

function line(row) {
  const open = state.open.has(row);
  const button = make("button", { type: "button", class: "open-button", "aria-expanded": String(open), "data-row": row.number },
    outside(row.kind === "vulnerability" ? row.id : row.title || row.id));
  if (row.kev) button.append(make("span", { class: "tag" }, word("exploited")));
  const under = row.kind === "vulnerability" ? row.title : `${word(`one.${row.kind}`)} · ${row.id}`;
  const what = make("td", { class: "what" }, button, under ? outside(under, { class: "sub" }) : null);
  const where = make("td", {}, outside(row.subject || word("configuration")));
  if (row.place && row.place !== row.subject) where.append(outside(row.place, { class: "path" }));
  if (row.removed) where.append(make("span", { class: "sub" }, word("removed")));
  return make("tr", { class: open ? "row open" : "row" },
    make("td", { class: "first" }, badge(row)), what, where,
    make("td", { class: "fix" }, fix(row)),
    make("td", { class: "number" }, row.epss === null ? "" : `${(row.epss * 100).toFixed(1)}%`),
    make("td", { class: "number" }, row.layer === null ? "" : String(row.layer)));
}

// ---- details

function remedy(row) {
  if (row.kind === "misconfiguration") return row.remedy;
  if (row.kind !== "vulnerability") return word(`remedy.${row.kind}`);
  return row.fixed ? word("remedy.upgrade", { package: row.package, version: row.fixed }) : word("remedy.none");
}

function list(items) {
  return items && items.length ? make("ul", {}, ...items.map((item) => make("li", {}, item))) : null;
}

function link(address) {
  if (!/^https?:\/\//.test(address)) return outside(address);
  return make("a", { href: address, rel: "noreferrer noopener", target: "_blank" }, address);
}

function details(row) {
  const rule = data.rules[row.rule];
  const layer = data.layers[row.layer];
  const parts = [
    ["detail.description", rule.description && outside(rule.description)],
    ["detail.remedy", remedy(row)],
    ["detail.evidence", list(row.evidence.map((text) => outside(text)))],
    ["detail.path", row.place && outside(row.place, { class: "mono" })],
    ["detail.layer", layer && outside(`${row.layer}: ${layer}`, { class: "mono" })],
    ["detail.kev", row.kev],
    ["detail.epss", row.epss === null ? null : `${(row.epss * 100).toFixed(2)}%`],
    ["detail.cvss", list(rule.cvss.map((text) => outside(text, { class: "mono" })))],
    ["detail.rated", row.rated && outside(row.rated)],
    ["detail.aliases", rule.aliases.length ? outside(rule.aliases.join(", ")) : null],
    ["detail.cwes", rule.cwes.length ? outside(rule.cwes.join(", ")) : null],
    ["detail.benchmarks", list(rule.benchmarks.map((text) => outside(text)))],
    ["detail.sha256", row.sha256 && outside(row.sha256, { class: "mono" })],
    ["detail.published", rule.published],
    ["detail.references", list(rule.references.map(link))],
  ].filter(([, value]) => value);
  const terms = parts.flatMap(([key, value]) => [make("dt", {}, word(key)), make("dd", {}, value)]);
  return make("tr", { class: "details" }, make("td", { colspan: "6" }, make("dl", {}, ...terms)));
}

function toggle(row, button) {
  const line = button.closest("tr");
  const open = !state.open.has(row);
  if (open) {
    state.open.add(row);
    line.after(details(row));
  } else {
    state.open.delete(row);
    line.nextElementSibling.remove();
  }
  line.classList.toggle("open", open);
  button.setAttribute("aria-expanded", String(open));
}

// ---- which rows, in which order

const checked = (name) => new Set(all(`input[name="${name}"]:checked`).map((box) => box.value));
const isOn = (name) => find(`input[name="${name}"]`).checked;

function choose() {
  const words = find("#search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const severities = checked("severity");
  const kinds = checked("kind");
  const layer = find("#layer") ? find("#layer").value : "";
  const fixable = isOn("fixable");
  const exploited = isOn("exploited");
  state.matching = data.rows.filter((row) =>
    (!severities.size || severities.has(SEVERITIES[row.severity])) &&
    (!kinds.size || kinds.has(row.kind)) &&
    (!fixable || row.fixed) && (!exploited || row.kev) &&
    (layer === "" || String(row.layer) === layer) &&
    words.every((text) => row.text.includes(text)));
  order();
  state.shown = CHUNK;
  draw();
}

const KEYS = {
  // Within a severity: what does harm already, then what has a fix, then what is likely to.
  severity: (row) => row.severity * 1000 + (row.kev || row.kind === "malware" ? 500 : 0)
    + (row.fixed || row.kind !== "vulnerability" ? 250 : 0) + (row.epss || 0) * 100,
  id: (row) => row.id,
  subject: (row) => `${row.subject}\u0000${row.place}`,
  fix: (row) => row.fixed || "",
  epss: (row) => (row.epss === null ? -1 : row.epss),
  layer: (row) => (row.layer === null ? -1 : row.layer),
};

function order() {
  const key = KEYS[state.sort];
  const sign = state.down ? -1 : 1;
  const keyed = state.matching.map((row) => [key(row), row]);
  keyed.sort(([a, one], [b, other]) => (a < b ? -sign : a > b ? sign : one.number - other.number));
  state.matching = keyed.map(([, row]) => row);
}

function draw() {
  const shown = state.matching.slice(0, state.shown);
  const lines = shown.flatMap((row) => (state.open.has(row) ? [line(row), details(row)] : [line(row)]));
  find("#rows").replaceChildren(...lines);
  const more = Math.min(CHUNK, state.matching.length - shown.length);
  find("#more").hidden = more <= 0;
  find("#more").textContent = word("more", { count: more });
  find("#none").hidden = shown.length > 0;
  find("#status").textContent = word("status.count", {
    shown: shown.length, matching: state.matching.length, total: data.rows.length,
  });
}

function only(name, value) {
  find(".filters").reset();
  if (name === "layer") find("#layer").value = value;
  else find(`input[name="${name}"][value="${value}"]`).checked = true;
  choose();
  find("#findings").scrollIntoView();
  find("#findings").focus({ preventScroll: true });
}

// ---- events

find(".filters").addEventListener("input", choose);
find(".filters").addEventListener("reset", () => setTimeout(choose));
find(".filters").addEventListener("submit", (event) => event.preventDefault());
find("#more").addEventListener("click", () => {
  const first = state.shown;
  state.shown += CHUNK;
  draw();
  // The reader goes on where the new rows begin.
  all(".open-button")[first]?.focus();
});
find("#rows").addEventListener("click", (event) => {
  if (event.target.closest("a") || String(getSelection())) return;
  const button = event.target.closest("tr.row")?.querySelector(".open-button");
  if (button) toggle(data.rows[Number(button.dataset.row)], button);
});
for (const button of all("[data-sort]"))
  button.addEventListener("click", () => {
    const sort = button.dataset.sort;
    state.down = sort === state.sort ? !state.down : ["severity", "epss", "layer"].includes(sort);
    state.sort = sort;
    for (const other of all("[data-sort]")) other.closest("th").removeAttribute("aria-sort");
    button.closest("th").setAttribute("aria-sort", state.down ? "descending" : "ascending");
    order();
    draw();
  });
for (const card of all("[data-kind]")) card.addEventListener("click", () => only("kind", card.dataset.kind));
for (const button of all("[data-layer]")) button.addEventListener("click", () => only("layer", button.dataset.layer));
for (const button of all("[data-language]"))
  button.addEventListener("click", () => { location.hash = `lang=${button.dataset.language}`; });
addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
    event.preventDefault();
    find("#search").focus();
  }
});
addEventListener("beforeprint", () => { state.shown = state.matching.length; draw(); });

const fromAddress = () => {
  const asked = /lang=(en|zh)/.exec(location.hash);
  if (asked && (asked[1] === "zh") !== (state.language === 1)) speak(asked[1] === "zh" ? 1 : 0);
};
addEventListener("hashchange", fromAddress);

data.rows.forEach((row, number) => {
  row.number = number;
  row.text = [row.id, row.title, row.subject, row.place, row.fixed, ...data.rules[row.rule].aliases, ...row.evidence]
    .join("\n").toLowerCase();
});
choose();
fromAddress();

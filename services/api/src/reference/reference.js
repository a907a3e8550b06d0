// Shows the description of the service. Everything is written as text, never as markup.
"use strict";

const METHODS = ["get", "post", "put", "delete"];
/** How deep schemas are unfolded: those below are named. */
const DEEPEST = 6;

/** An element with attributes and children; a child that is a text is written as text. */
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A text with `code` between backticks. */
function prose(text) {
  const parts = String(text || "").split("`");
  return parts.map((part, index) => (index % 2 === 1 ? make("code", {}, part) : part));
}

function resolve(document_, schema) {
  let found = schema;
  for (let hops = 0; found && found.$ref && hops < 8; hops += 1) {
    found = found.$ref
      .replace(/^#\//, "")
      .split("/")
      .reduce((value, key) => (value ? value[key.replace(/~1/g, "/").replace(/~0/g, "~")] : undefined), document_);
  }
  return found || {};
}

function nameOf(schema) {
  return schema && schema.$ref ? schema.$ref.split("/").pop() : "";
}

/** What a value is, in a few words. */
function typeOf(document_, schema) {
  if (!schema || schema === true) {
    return "any";
  }
  if (schema.$ref) {
    return nameOf(schema);
  }
  if (schema.const !== undefined) {
    return JSON.stringify(schema.const);
  }
  const several = schema.oneOf || schema.anyOf;
  if (several) {
    return several.map((one) => typeOf(document_, one)).join(" or ");
  }
  const types = [].concat(schema.type || []);
  if (types.includes("array")) {
    return "list of " + typeOf(document_, schema.items);
  }
  const format = schema.format ? " (" + schema.format + ")" : "";
  return (types.join(" or ") || "object") + format;
}

/** The limits of a value. */
function limitsOf(schema) {
  const limits = [];
  const add = (label, value) => {
    if (value !== undefined) {
      limits.push(label + " " + value);
    }
  };
  add("from", schema.minimum);
  add("to", schema.maximum);
  add("at least characters:", schema.minLength);
  add("at most characters:", schema.maxLength);
  add("at least entries:", schema.minItems);
  add("default", schema.default);
  if (Array.isArray(schema.enum)) {
    limits.push("one of " + schema.enum.map((word) => JSON.stringify(word)).join(", "));
  }
  return limits.join("; ");
}

/** The schema that has the fields of a value: its own, or that of its entries. */
function inner(document_, schema) {
  const found = resolve(document_, schema);
  return found.items ? resolve(document_, found.items) : found;
}

function schemaView(document_, schema, depth) {
  const found = inner(document_, schema);
  const several = found.oneOf || found.anyOf || found.allOf;
  if (several && depth < DEEPEST) {
    const list = make("ul", { class: "fields" });
    for (const one of several) {
      const nested = schemaView(document_, one, depth + 1);
      list.append(make("li", {}, make("code", {}, typeOf(document_, one)), nested));
    }
    return list;
  }
  const fields = Object.entries(found.properties || {});
  if (fields.length === 0) {
    return null;
  }
  if (depth >= DEEPEST) {
    return make("span", { class: "note" }, " …");
  }
  const required = new Set(found.required || []);
  const list = make("ul", { class: "fields" });
  for (const [name, value] of fields) {
    list.append(fieldView(document_, name, value, required.has(name), depth));
  }
  return list;
}

function fieldView(document_, name, value, isRequired, depth) {
  const own = resolve(document_, value);
  const item = make("li", {}, make("code", {}, name), " ", make("span", { class: "note" }, typeOf(document_, value)));
  item.append(isRequired ? "" : make("span", { class: "note" }, ", optional"));
  const said = value.description || own.description;
  if (said) {
    item.append(make("div", {}, ...prose(said)));
  }
  const limits = limitsOf(own);
  if (limits) {
    item.append(make("div", { class: "note" }, limits));
  }
  const target = inner(document_, value);
  const hasMore = target.properties || target.oneOf || target.anyOf || target.allOf;
  if (hasMore && depth + 1 < DEEPEST) {
    const details = make("details", {}, make("summary", {}, "fields of " + name));
    // Made when it is opened: some schemas hold themselves.
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) {
        details.append(schemaView(document_, value, depth + 1) || "none");
      }
    });
    item.append(details);
  }
  return item;
}

function parametersView(document_, parameters) {
  const body = make("tbody", {});
  for (const parameter of parameters) {
    const schema = resolve(document_, parameter.schema);
    const limits = limitsOf(schema);
    body.append(
      make("tr", {},
        make("th", { scope: "row" }, make("code", {}, parameter.name)),
        make("td", {}, parameter.in + (parameter.required ? "" : ", optional")),
        make("td", {}, typeOf(document_, parameter.schema)),
        make("td", {}, ...prose(parameter.description), limits ? make("div", { class: "note" }, limits) : null)));
  }
  const head = make("tr", {}, ...["Name", "In", "Type", "Meaning"].map((title) => make("th", { scope: "col" }, title)));
  return make("table", {}, make("thead", {}, head), body);
}

/** A value that fits a schema, to be changed by the reader. */
function sample(document_, schema, depth) {
  const found = resolve(document_, schema);
  if (found.example !== undefined) {
    return found.example;
  }
  if (found.const !== undefined) {
    return found.const;
  }
  if (found.enum) {
    return found.enum[0];
  }
  const several = found.oneOf || found.anyOf || found.allOf;
  if (several) {
    return sample(document_, several[0], depth);
  }
  const type = [].concat(found.type || [])[0];
  if (type === "array") {
    return depth > 3 ? [] : [sample(document_, found.items || {}, depth + 1)];
  }
  if (type === "string") {
    return found.format === "uuid" ? "00000000-0000-0000-0000-000000000000" : "…";
  }
  if (type === "integer" || type === "number") {
    return found.minimum === undefined ? 1 : found.minimum;
  }
  if (type === "boolean") {
    return true;
  }
  if (type === "null") {
    return null;
  }
  const value = {};
  const required = found.required || [];
  if (depth <= 3) {
    for (const name of required) {
      value[name] = sample(document_, (found.properties || {})[name] || {}, depth + 1);
    }
  }
  return value;
}

function curl(document_, method, path, operation) {
  const lines = ["curl"];
  if (method !== "get") {
    lines[0] += " -X " + method.toUpperCase();
  }
  lines[0] += " '" + location.origin + path.replace(/\{(\w+)\}/g, (_, name) => "$" + name.toUpperCase()) + "'";
  lines[0] = lines[0].replace(/'/g, '"');
  if ((operation.security || []).length > 0) {
    lines.push('-H "Authorization: Bearer $KEY"');
  }
  for (const parameter of operation.parameters || []) {
    if (parameter.in === "header" && parameter.required) {
      lines.push('-H "' + parameter.name + ': $(uuidgen)"');
    }
  }
  const content = (operation.requestBody && operation.requestBody.content) || {};
  const [media] = Object.keys(content);
  if (media === "application/json") {
    lines.push('-H "Content-Type: application/json"');
    lines.push("-d '" + JSON.stringify(sample(document_, content[media].schema, 0)) + "'");
  } else if (media) {
    lines.push('-H "Content-Type: ' + media + '"', "--data-binary @FILE");
  }
  return lines.join(" \\\n  ");
}

function bodyView(document_, title, content) {
  const parts = [make("h4", {}, title)];
  for (const [media, described] of Object.entries(content)) {
    parts.push(make("p", { class: "note" }, media + ": " + typeOf(document_, described.schema)));
    const view = described.schema ? schemaView(document_, described.schema, 0) : null;
    if (view) {
      parts.push(make("details", {}, make("summary", {}, "fields"), view));
    }
  }
  return parts;
}

function operationView(document_, method, path, operation) {
  const scopes = (operation.security || []).flatMap((one) => Object.values(one).flat());
  const isPublic = (operation.security || []).length === 0;
  let access = "Needs a key.";
  if (isPublic) {
    access = "Needs no key.";
  } else if (scopes.length > 0) {
    access = "Needs a key with the scope `" + scopes.join(", ") + "`.";
  }
  const view = make("article", { id: operation.operationId },
    make("h3", {}, make("span", { class: "method" }, method.toUpperCase()), " ", path),
    make("p", {}, ...prose([operation.summary, operation.description].filter(Boolean).join(" "))),
    make("p", { class: "scope" }, ...prose(access)));
  if ((operation.parameters || []).length > 0) {
    view.append(make("h4", {}, "Parameters"), parametersView(document_, operation.parameters));
  }
  if (operation.requestBody) {
    view.append(...bodyView(document_, "Body", operation.requestBody.content || {}));
  }
  for (const [status, answer] of Object.entries(operation.responses || {})) {
    const found = resolve(document_, answer);
    if (status.startsWith("2")) {
      view.append(...bodyView(document_, "Answer " + status, found.content || {}));
    }
  }
  const refusals = Object.keys(operation.responses || {}).filter((status) => !status.startsWith("2"));
  view.append(
    make("p", { class: "note" }, "Problems: " + (refusals.join(", ") || "none")),
    make("h4", {}, "Sample"),
    make("pre", { tabindex: "0" }, curl(document_, method, path, operation)));
  return view;
}

/** Operations by their tags, in the order of the document's tags. */
function byTag(document_) {
  const groups = new Map((document_.tags || []).map((tag) => [tag.name, { about: tag.description, operations: [] }]));
  for (const [path, item] of Object.entries(document_.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const tag = (item[method].tags || ["other"])[0];
      if (!groups.has(tag)) {
        groups.set(tag, { about: "", operations: [] });
      }
      groups.get(tag).operations.push({ method, path, operation: item[method] });
    }
  }
  return groups;
}

function show(document_) {
  document.getElementById("about").textContent = document_.info.description;
  const main = document.getElementById("operations");
  const contents = document.getElementById("contents");
  const entries = [];
  for (const [tag, group] of byTag(document_)) {
    if (group.operations.length === 0) {
      continue;
    }
    const section = make("section", {}, make("h2", {}, tag), make("p", { class: "note" }, ...prose(group.about)));
    const list = make("ul", {});
    const block = make("div", {}, make("h2", {}, tag), list);
    for (const { method, path, operation } of group.operations) {
      const view = operationView(document_, method, path, operation);
      const link = make("li", {}, make("a", { href: "#" + operation.operationId }, method.toUpperCase() + " " + path));
      section.append(view);
      list.append(link);
      const words = [method, path, operation.operationId, operation.summary, tag].join(" ").toLowerCase();
      entries.push({ words, view, link, section, block });
    }
    main.append(section);
    contents.append(block);
  }
  filterBy(entries);
  if (location.hash.length > 1) {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) {
      target.scrollIntoView();
    }
  }
}

function filterBy(entries) {
  const field = document.getElementById("filter");
  const found = document.getElementById("found");
  const apply = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = new Set();
    let count = 0;
    for (const entry of entries) {
      const fits = words.every((word) => entry.words.includes(word));
      entry.view.hidden = !fits;
      entry.link.hidden = !fits;
      if (fits) {
        count += 1;
        shown.add(entry.section).add(entry.block);
      }
    }
    for (const entry of entries) {
      entry.section.hidden = !shown.has(entry.section);
      entry.block.hidden = !shown.has(entry.block);
    }
    found.textContent = count + " of " + entries.length + " operations";
  };
  field.addEventListener("input", apply);
  apply();
}

async function load() {
  const state = document.getElementById("state");
  try {
    const answer = await fetch("/openapi.json");
    if (!answer.ok) {
      throw new Error("the service answered " + answer.status);
    }
    show(await answer.json());
    state.hidden = true;
  } catch (error) {
    state.textContent = "The description cannot be shown: " + error.message;
  }
}

load();

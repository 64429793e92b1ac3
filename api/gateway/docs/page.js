// Shows openapi.json: services and calls, their fields, an example of each. Everything that comes
// from the description is put in as text, never as HTML.
"use strict";

const EXAMPLE_DEPTH_MAX = 4;
const RESULTS_MAX = 60;

let api = null;
const services = []; // {name, text, calls: [{name, service, shape, path, post, get, ...}]}
const main = document.getElementById("main");
const search = document.getElementById("search");
const callList = document.getElementById("calls");

// ---- Building blocks ----

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== undefined && value !== false) {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// `code`, **strong** and [links](https://...) within a line.
function inline(text) {
  const parts = [];
  const pattern = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\((https?:[^)\s]+)\)/g;
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    parts.push(text.slice(from, match.index));
    if (match[1]) {
      parts.push(element("code", {}, match[1]));
    } else if (match[2]) {
      parts.push(element("strong", {}, match[2]));
    } else {
      parts.push(element("a", { href: match[4], rel: "noreferrer" }, match[3]));
    }
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  return parts;
}

// Paragraphs, and lists of lines that begin with "- ".
function prose(text) {
  const out = document.createDocumentFragment();
  for (const block of (text || "").split(/\n{2,}/)) {
    const lines = block.split("\n");
    const items = lines.filter((line) => line.startsWith("- "));
    const plain = lines.filter((line) => !line.startsWith("- ")).join(" ");
    if (plain) {
      out.append(element("p", {}, ...inline(plain)));
    }
    if (items.length > 0) {
      out.append(element("ul", {}, ...items.map((item) => element("li", {}, ...inline(item.slice(2))))));
    }
  }
  return out;
}

function badge(call) {
  const shapes = {
    unary: ["POST", "post"],
    server_stream: ["stream", "stream"],
    client_stream: ["gRPC", ""],
    bidi_stream: ["gRPC", ""],
    unavailable: ["not yet", ""],
  };
  const [text, style] = shapes[call.shape] || ["GET", "get"];
  return element("span", { class: `badge ${style}` }, text);
}

// ---- The description ----

function resolve(schema) {
  if (schema && schema.$ref) {
    return api.components.schemas[schema.$ref.split("/").pop()];
  }
  return schema || {};
}

function nameOf(reference) {
  return reference.split("/").pop();
}

function shortName(reference) {
  return nameOf(reference).split(".").pop();
}

function messageOf(content) {
  if (!content) {
    return null;
  }
  const media = Object.values(content)[0];
  return media["x-gofer-message"] || (media.schema && media.schema.$ref) || null;
}

function read(description) {
  api = description;
  const byName = new Map();
  for (const tag of api.tags) {
    const service = { name: tag.name, text: tag.description || "", calls: [] };
    services.push(service);
    byName.set(tag.name, service);
  }
  for (const [path, item] of Object.entries(api.paths)) {
    const operation = item.post || item.get;
    const service = byName.get(operation.tags[0]);
    service.calls.push({
      name: item.post ? path.split("/").pop() : path,
      service: service.name,
      path,
      shape: operation["x-gofer-shape"] || "get",
      summary: operation.summary || "",
      text: operation.description || operation.summary || "",
      isOpen: Array.isArray(operation.security) && operation.security.length === 0,
      hasGet: Boolean(item.post && item.get),
      request: item.post ? messageOf(item.post.requestBody.content) : null,
      response: messageOf(operation.responses["200"].content),
      responses: operation.responses,
    });
  }
  for (const tag of api.tags) {
    const grpcOnly = tag["x-gofer-grpc-only"] || [];
    const unavailable = tag["x-gofer-unavailable"] || [];
    for (const call of [...grpcOnly, ...unavailable]) {
      byName.get(tag.name).calls.push({
        name: call.name,
        service: tag.name,
        shape: unavailable.includes(call) ? "unavailable" : call["x-gofer-shape"],
        summary: call.summary,
        text: call.description,
      });
    }
  }
  for (const service of services) {
    for (const call of service.calls) {
      call.words = [call.service, call.name, call.text, fieldNames(call.request), fieldNames(call.response)]
        .join(" ")
        .toLowerCase();
    }
  }
}

function fieldNames(reference) {
  const schema = reference && resolve({ $ref: reference });
  return schema && schema.properties ? Object.keys(schema.properties).join(" ") : "";
}

function addressOf(call) {
  return `#${call.service}.${call.name.replace("/", "")}`;
}

// What stands behind the '#'; one that nobody can decode leads to the start.
function wantedAddress() {
  try {
    return decodeURIComponent(location.hash);
  } catch {
    return "";
  }
}

// ---- The list ----

function listCalls() {
  const wanted = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const current = wantedAddress();
  const found = [];
  callList.replaceChildren();
  for (const service of services) {
    const calls = service.calls.filter((call) => wanted.every((word) => call.words.includes(word)));
    if (calls.length === 0) {
      continue;
    }
    const isOpen = wanted.length > 0 || calls.some((call) => addressOf(call) === current) || current === `#${service.name}`;
    const links = calls.slice(0, RESULTS_MAX).map((call) =>
      element("a", { href: addressOf(call), "aria-current": addressOf(call) === current ? "page" : undefined }, call.name, badge(call)),
    );
    found.push(...links);
    callList.append(
      element("details", { open: isOpen }, element("summary", {}, service.name, element("span", {}, String(calls.length))), ...links),
    );
  }
  if (found.length === 0) {
    callList.append(element("p", { class: "none" }, "Nothing has that."));
  }
}

// ---- Fields ----

function typeOf(schema) {
  if (schema.$ref) {
    return shortName(schema.$ref);
  }
  if (schema.type === "array") {
    return `${typeOf(schema.items)}[]`;
  }
  if (schema.type === "object" && schema.additionalProperties) {
    return `map of ${typeOf(schema.additionalProperties)}`;
  }
  if (schema.contentEncoding) {
    return schema.contentEncoding;
  }
  if (schema.pattern && schema.pattern.endsWith("s$")) {
    return "duration";
  }
  const base = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  return schema.format && schema.format !== "byte" ? schema.format : base || "any";
}

function rulesOf(schema) {
  const rules = [];
  if (schema.pattern && /\{\d/.test(schema.pattern) && schema.pattern.includes("A-Z")) {
    rules.push(schema.pattern);
  }
  if (schema.maxLength !== undefined) {
    rules.push(`≤ ${schema.maxLength} characters`);
  }
  if (schema.maxItems !== undefined || schema.maxProperties !== undefined) {
    rules.push(`≤ ${schema.maxItems ?? schema.maxProperties} items`);
  }
  if (schema.minimum !== undefined && schema.minimum > -2147483648) {
    rules.push(`≥ ${schema.minimum}`);
  }
  if (schema.maximum !== undefined && schema.maximum < 2147483647) {
    rules.push(`≤ ${schema.maximum}`);
  }
  return rules.join(", ");
}

function innerOf(schema) {
  return schema.$ref ? schema : schema.type === "array" && schema.items.$ref ? schema.items : null;
}

// The fields of a nested message are made when they are asked for: messages are deep.
function nested(schema) {
  const inner = innerOf(schema);
  if (!inner) {
    return null;
  }
  const target = resolve(inner);
  const label = target.enum ? `Values of ${shortName(inner.$ref)}` : `Fields of ${shortName(inner.$ref)}`;
  const details = element("details", {}, element("summary", {}, label));
  details.addEventListener(
    "toggle",
    () => {
      details.append(target.enum ? prose(target.description) : fieldsOf(target));
    },
    { once: true },
  );
  return details;
}

function choiceOf(schema, name) {
  for (const choice of schema.allOf || []) {
    const names = (choice.oneOf || []).filter((one) => one.required).map((one) => one.required[0]);
    if (names.includes(name)) {
      return `one of ${names.join(", ")}`;
    }
  }
  return "";
}

function fieldsOf(schema) {
  const out = element("div", { class: "fields" });
  const required = new Set(schema.required || []);
  for (const [name, field] of Object.entries(schema.properties || {})) {
    const rules = [rulesOf(field), choiceOf(schema, name)].filter(Boolean).join("; ");
    out.append(
      element(
        "div",
        { class: "field" },
        element(
          "div",
          { class: "head" },
          element("span", { class: "name" }, name),
          element("span", { class: "type" }, typeOf(field)),
          required.has(name) ? element("span", { class: "must" }, "required") : null,
          rules ? element("span", { class: "rule" }, rules) : null,
        ),
        prose((field.description || "").replace(/^(Required|Optional)\. /, "")),
        nested(field),
      ),
    );
  }
  if (!out.hasChildNodes()) {
    out.append(element("p", { class: "empty" }, "No fields."));
  }
  return out;
}

// ---- Examples ----

function exampleOf(schema, name, depth) {
  const target = resolve(schema);
  if (target.enum) {
    return target.enum[1] || target.enum[0];
  }
  if (target.type === "object" && target.properties) {
    const out = {};
    for (const field of depth < EXAMPLE_DEPTH_MAX ? target.required || [] : []) {
      out[field] = exampleOf(target.properties[field], field, depth + 1);
    }
    return out;
  }
  if (target.type === "array") {
    return [exampleOf(target.items, name, depth + 1)];
  }
  if (target.type === "object") {
    return {};
  }
  if (target.type === "boolean") {
    return true;
  }
  if (target.type === "integer") {
    return 1;
  }
  if (Array.isArray(target.type)) {
    return "1";
  }
  if (name === "updateMask") {
    return "description";
  }
  return target.contentEncoding ? "aGVsbG8=" : target.format === "date-time" ? "2026-01-31T12:00:00Z" : name.replace(/Ids?$/, "").replace(/^.*[A-Z]/, (part) => part.toLowerCase()) + "-1";
}

function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function baseUrl() {
  return location.href.replace(/[?#].*$/, "").replace(/\/docs\/?$/, "");
}

// The envelope of a stream: flags, and the length as four bytes.
function envelope(body) {
  const size = new TextEncoder().encode(body).length;
  const bytes = [0, size >>> 24, (size >>> 16) & 255, (size >>> 8) & 255, size & 255];
  const prefix = bytes.map((byte) => "\\" + byte.toString(8).padStart(3, "0")).join("");
  return `printf ${quote(prefix + body.replaceAll("\\", "\\\\").replaceAll("%", "%%"))}`;
}

function examplesOf(call) {
  const url = quote(baseUrl() + call.path);
  const token = call.isOpen ? "" : ' \\\n  -H "Authorization: Bearer $GOFER_TOKEN"';
  if (!call.request) {
    return [`curl${token} ${url}`];
  }
  const body = JSON.stringify(exampleOf({ $ref: call.request }, "", 0));
  if (call.shape === "server_stream") {
    return [
      `${envelope(body)} |\n  curl --no-buffer${token} \\\n  -H 'Content-Type: application/connect+json' \\\n  --data-binary @- ${url}`,
    ];
  }
  const examples = [`curl${token} \\\n  -H 'Content-Type: application/json' \\\n  -d ${quote(body)} \\\n  ${url}`];
  if (call.hasGet) {
    examples.push(
      `curl --get${token} \\\n  -d connect=v1 -d encoding=json \\\n  --data-urlencode ${quote(`message=${body}`)} \\\n  ${url}`,
    );
  }
  return examples;
}

function example(text) {
  const button = element("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(button.previousSibling);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  return element("div", { class: "example" }, element("pre", { tabindex: "0" }, text), button);
}

// ---- Pages ----

function showStart() {
  const cards = services.map((service) =>
    element("a", { class: "card", href: `#${service.name}` }, element("b", {}, service.name), element("span", {}, ...inline(service.text.split(/(?<=\.)\s/)[0]))),
  );
  main.replaceChildren(
    element("h1", {}, "The gofer API"),
    element(
      "p",
      { class: "crumb" },
      `Version ${api.info.version} · `,
      element("a", { href: "openapi.json" }, "openapi.json"),
      " · ",
      element("kbd", {}, "/"),
      " searches, ",
      element("kbd", {}, "↓"),
      " and ",
      element("kbd", {}, "↑"),
      " walk through what was found",
    ),
    prose(api.info.description),
    element("h2", {}, "Services"),
    element("div", { class: "cards" }, ...cards),
  );
}

function showService(service) {
  const calls = service.calls.map((call) =>
    element("li", {}, element("a", { href: addressOf(call) }, element("b", {}, call.name), badge(call), element("span", { class: "dim" }, ...inline(call.summary)))),
  );
  main.replaceChildren(
    element("p", { class: "crumb" }, element("a", { href: "#" }, "API")),
    element("h1", {}, service.name),
    prose(service.text),
    element("h2", {}, "Calls"),
    element("ul", { class: "list" }, ...calls),
  );
}

function showMessage(title, reference) {
  if (!reference) {
    return [];
  }
  return [element("h2", {}, title, " ", element("span", { class: "badge" }, shortName(reference))), fieldsOf(resolve({ $ref: reference }))];
}

function showErrors(call, text) {
  const others = /^Errors: (as of [^;.]+)/.exec(text || "");
  const rows = Object.entries(call.responses || {})
    .filter(([status, response]) => Number(status) >= 400 && response.description)
    .map(([status, response]) => element("tr", {}, element("td", {}, status), element("td", {}, ...inline(response.description))));
  if (rows.length === 0 && !others) {
    return [];
  }
  return [
    element("h2", {}, "Errors"),
    others ? element("p", {}, ...inline(`Those ${others[1].replace("as of", "of")}, and:`)) : "",
    element("table", {}, element("tbody", {}, ...rows)),
  ];
}

function showCall(call) {
  const [text, errors] = call.text.split(/\n\n(?=Errors: )/);
  const isGrpcOnly = !call.path;
  const parts = [
    element("p", { class: "crumb" }, element("a", { href: "#" }, "API"), " / ", element("a", { href: `#${call.service}` }, call.service)),
    element("h1", {}, call.name),
    element(
      "div",
      { class: "line" },
      badge(call),
      call.hasGet ? element("span", { class: "badge get" }, "GET") : null,
      call.isOpen ? element("span", { class: "badge" }, "no token") : null,
      call.path ? element("span", { class: "path" }, call.path) : null,
    ),
    prose(text),
  ];
  if (call.shape === "unavailable") {
    parts.push(element("p", { class: "errors-note" }, "This version does not have it."), prose(errors));
  } else if (isGrpcOnly) {
    parts.push(element("p", { class: "errors-note" }, "Its requests come as a stream: it is served over gRPC only."), prose(errors));
  } else {
    parts.push(element("h2", {}, "Example"), ...examplesOf(call).map(example));
    parts.push(...showMessage(call.shape === "server_stream" ? "Request, in an envelope" : "Request", call.request));
    parts.push(...showMessage(call.shape === "server_stream" ? "Answers, each in an envelope" : "Answer", call.response));
    parts.push(...(call.shape === "server_stream" ? [element("h2", {}, "Errors"), prose(errors)] : showErrors(call, errors)));
  }
  main.replaceChildren(...parts);
}

function show() {
  const wanted = wantedAddress();
  const service = services.find((one) => `#${one.name}` === wanted);
  const call = services.flatMap((one) => one.calls).find((one) => addressOf(one) === wanted);
  if (call) {
    showCall(call);
  } else if (service) {
    showService(service);
  } else {
    showStart();
  }
  const wasInList = callList.contains(document.activeElement);
  document.title = call || service ? `${(call || service).name} · gofer API` : "gofer API";
  listCalls();
  const current = callList.querySelector("[aria-current]");
  if (current) {
    current.scrollIntoView({ block: "nearest" });
    if (wasInList) {
      current.focus(); // the list was made anew
    }
  }
  scrollTo(0, 0);
}

// ---- Keys ----

function walk(event) {
  const links = [...callList.querySelectorAll("details[open] a")];
  const at = links.indexOf(document.activeElement);
  if (event.key === "ArrowDown" && (at >= 0 || event.target === search)) {
    event.preventDefault();
    (links[at + 1] || links[at] || search).focus();
  } else if (event.key === "ArrowUp" && at >= 0) {
    event.preventDefault();
    (links[at - 1] || search).focus();
  } else if (event.key === "Enter" && event.target === search && links.length > 0) {
    location.hash = links[0].getAttribute("href");
  } else if (event.key === "Escape" && search.value) {
    search.value = "";
    listCalls();
    search.focus();
  } else if (event.key === "/" && event.target !== search) {
    event.preventDefault();
    search.focus();
    search.select();
  }
}

async function start() {
  try {
    const response = await fetch("openapi.json");
    if (!response.ok) {
      throw new Error(`the server answered with ${response.status}`);
    }
    read(await response.json());
  } catch (error) {
    document.getElementById("state").textContent = `The description of the API could not be read: ${error.message}`;
    return;
  }
  document.getElementById("version").textContent = api.info.version;
  search.addEventListener("input", listCalls);
  document.addEventListener("keydown", walk);
  addEventListener("hashchange", show);
  show();
}

start();

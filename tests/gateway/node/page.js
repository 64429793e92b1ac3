// What page.html runs: the official Connect client for browsers, by the browser's own fetch. A test calls
// these by the DevTools protocol.
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { attach, doSteps, makeRegistry, waitForTask } from "./steps.js";

const make = { connect: createConnectTransport, web: createGrpcWebTransport };
const job = await (await fetch("job.json")).json();
const registry = makeRegistry(job.descriptors);

// A lane of the job, as JSON, as node.js writes it.
globalThis.doLane = async ({ kind, base, values, options }) => {
  const transport = make[kind]({ baseUrl: base, ...options });
  return JSON.stringify(await doSteps(transport, registry, job.steps, values));
};

globalThis.waitForTask = async ({ base, token, run }) =>
  waitForTask(createConnectTransport({ baseUrl: base }), registry, run, token);

globalThis.doAttach = async ({ base, target, token, typed }) =>
  attach(createConnectTransport({ baseUrl: base }), registry, target, token, typed);

// What the browser makes of a plain call: the name of an error, or the status.
globalThis.tryFetch = async (url, options) => {
  try {
    return (await fetch(url, options)).status;
  } catch (error) {
    return error.name;
  }
};
globalThis.ready = true;

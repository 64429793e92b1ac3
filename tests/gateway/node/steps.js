// Does the steps of scenario.py with the official Connect client, in Node and in a page. There is no
// generated code: messages and services are those of a descriptor set, made at run time.
import { createClient, ConnectError } from "@connectrpc/connect";
import { createFileRegistry, fromBinary, fromJson, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";

export function makeRegistry(base64) {
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, base64Decode(base64)));
}

function filled(value, values) {
  if (typeof value === "string" && value.startsWith("$")) {
    return values[value.slice(1)];
  }
  if (Array.isArray(value)) {
    return value.map((each) => filled(each, values));
  }
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, filled(v, values)]));
  }
  return value;
}

// One step: {messages, code, text, details, requestId}, as protocols.py has them; code is a number.
async function doStep(client, method, request, step, options, registry) {
  const answer = { messages: [], code: 0, text: "", details: [], requestId: null };
  const keep = (header) => { answer.requestId = header.get("x-request-id"); };
  const call = { ...options, timeoutMs: step.timeout * 1000, onHeader: keep };
  const add = (message) => answer.messages.push(toJson(method.output, message, { registry }));
  try {
    if (method.methodKind === "unary") {
      add(await client[method.localName](request, call));
    } else {
      for await (const message of client[method.localName](request, call)) {
        add(message);
        if (answer.messages.length === step.take) {
          break;
        }
      }
    }
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    answer.code = error.code;
    answer.text = error.rawMessage;
    answer.details = error.details.map((each) => [each.type, base64Encode(each.value)]);
    answer.requestId = error.metadata.get("x-request-id") ?? answer.requestId;
  }
  return answer;
}

// All steps in turn; each is {service, method, request, token, save, take, timeout}.
export async function doSteps(transport, registry, steps, values) {
  const answers = [];
  const clients = {};
  for (const step of steps) {
    const service = registry.getService(step.service);
    clients[step.service] ??= createClient(service, transport);
    const method = service.methods.find((each) => each.name === step.method);
    const request = fromJson(method.input, filled(step.request, values), { registry });
    const headers = new Headers({ "x-request-id": `step.${answers.length}` });
    if (step.token !== null) {
      headers.set("authorization", `Bearer ${values[step.token]}`);
    }
    const answer = await doStep(clients[step.service], method, request, step, { headers }, registry);
    answers.push(answer);
    for (const [name, path] of Object.entries(answer.code === 0 ? step.save : {})) {
      values[name] = path.split(".").reduce((value, part) => value[part], answer.messages[0]);
    }
  }
  return { answers, values };
}

// Awaits that a task of the run is running.
export async function waitForTask(transport, registry, run, token) {
  const service = registry.getService("gofer.v1.RunService");
  const client = createClient(service, transport);
  const running = registry.getEnum("gofer.v1.TaskExecutionState").values
    .find((each) => each.name === "TASK_EXECUTION_STATE_RUNNING").number;
  const request = fromJson(service.method.watchRun.input, run);
  const headers = { authorization: `Bearer ${token}` };
  for await (const update of client.watchRun(request, { headers })) {
    if (update.taskExecutions.some((each) => each.state === running)) {
      return;
    }
  }
  throw new Error("the run has ended");
}

// Opens a terminal in a task, types each line when what must come before it has come, and gives what was
// shown. `steps` are [what must be shown first, what is typed then].
export async function attach(transport, registry, target, token, steps) {
  const service = registry.getService("gofer.v1.TaskExecutionService");
  const client = createClient(service, transport);
  const request = fromJson(service.method.openTerminal.input, target);
  const headers = { authorization: `Bearer ${token}` };
  const coder = [new TextEncoder(), new TextDecoder()];
  let terminalId = null;
  let sequence = 0n;
  let shown = "";
  let done = 0;
  for await (const { message } of client.openTerminal(request, { headers })) {
    if (message.case === "started") {
      terminalId = message.value.terminalId;
    } else if (message.case === "output") {
      shown += coder[1].decode(message.value.content, { stream: true });
    } else {
      return { shown, exit: message.value.code, typed: done };
    }
    while (terminalId !== null && done < steps.length && shown.includes(steps[done][0])) {
      const content = coder[0].encode(steps[done][1]);
      sequence += 1n;
      done += 1;
      await client.sendTerminalInput(
        { terminalId, sequence, input: { action: { case: "content", value: content } } }, { headers });
    }
  }
  return { shown, exit: null, typed: done };
}

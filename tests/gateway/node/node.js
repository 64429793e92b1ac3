// usage: node node.js JOB OUT    JOB is JSON: {descriptors, steps, lanes: [{kind, base, values, options}]}
//
// Writes into OUT, for each lane, what steps.js gives, as JSON in a line. A lane of kind "grpc" speaks gRPC over
// HTTP/2; "connect" and "web" are Connect and gRPC-Web over HTTP/1.1.
import { appendFileSync, readFileSync } from "node:fs";
import {
  compressionGzip, createConnectTransport, createGrpcTransport, createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { doSteps, makeRegistry } from "./steps.js";

const make = { connect: createConnectTransport, web: createGrpcWebTransport };
const job = JSON.parse(readFileSync(process.argv[2], "utf8"));
const registry = makeRegistry(job.descriptors);
for (const { kind, base, values, options } of job.lanes) {
  const { packed, ...rest } = options;
  const compression = packed ? { sendCompression: compressionGzip, compressMinBytes: 0 } : {};
  const usual = { baseUrl: base, ...rest, ...compression };
  const transport = kind === "grpc"
    ? createGrpcTransport(usual)
    : make[kind]({ httpVersion: "1.1", ...usual });
  const done = await doSteps(transport, registry, job.steps, values);
  appendFileSync(process.argv[3], JSON.stringify(done) + "\n");
}
process.exit(0);

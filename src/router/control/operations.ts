import type { Gate, GateMetrics, Latency, RouterRequest } from '../../protocol/gate.ts';
import type { Certificates } from '../certificates.ts';
import type { Ports } from '../config.ts';
import type { EntryPorts } from '../entry-ports.ts';
import type { Left, Released } from '../gate/machine.ts';
import type { Gates } from '../gates.ts';
import type { StateFile } from '../state-file.ts';

export interface RouterStatus {
  region: string;
  pid: number;
  ports: Ports;
  gates: { gate: Gate; metrics: GateMetrics }[];
}

/** What each operation answers. */
export interface Results {
  status: RouterStatus;
  put: null;
  remove: null;
  upstreams: null;
  warm: null;
  hold: Left;
  drain: Left;
  serve: Released;
  forward: Released;
  metrics: GateMetrics;
  latency: Latency;
  certificates: null;
}

export interface Controlled {
  region: string;
  ports: Ports;
  gates: Gates;
  certificates: Certificates;
  entryPorts: EntryPorts;
  stateFile: StateFile;
}

/** Carries out what the agent asks. `hold`, `serve` and `forward` are done when this returns, without waiting. */
export function operate(
  request: RouterRequest,
  router: Controlled,
): Results[keyof Results] | Promise<Results[keyof Results]> {
  const { gates, certificates, entryPorts, stateFile } = router;
  switch (request.op) {
    case 'status':
      return statusOf(router);
    case 'put':
      gates.put(request.gate);
      return Promise.all([stateFile.flushed(), entryPorts.follow(gates.all())]).then(() => null);
    case 'remove':
      gates.remove(request.app);
      return Promise.all([stateFile.flushed(), entryPorts.follow(gates.all())]).then(() => null);
    case 'upstreams':
      gates.get(request.app).setUpstreams(request.upstreams, request.entries);
      return request.entries ? entryPorts.follow(gates.all()).then(() => null) : null;
    case 'warm': {
      const warm = gates.get(request.app).warm(request.to);
      return Promise.all([stateFile.flushed(), warm]).then(() => null);
    }
    case 'hold':
      return gates.get(request.app).hold(request.limits, request.epoch, request.epochFile);
    case 'drain':
      return gates.get(request.app).drain(request.deadlineMs);
    case 'serve':
      return gates.get(request.app).serve();
    case 'forward':
      return gates.get(request.app).forward(request.to);
    case 'metrics':
      return gates.get(request.app).metrics();
    case 'latency':
      return gates.get(request.app).latency.look();
    case 'certificates':
      certificates.set(request.certificates);
      stateFile.saveCertificates(request.certificates);
      return null;
  }
}

function statusOf({ region, ports, gates }: Controlled): RouterStatus {
  const all = gates.all().map((gate) => ({ gate: gate.config, metrics: gate.metrics() }));
  return { region, pid: process.pid, ports, gates: all };
}

import { log } from '../base/log.ts';
import { Certificates } from './certificates.ts';
import type { Ports, RouterConfig } from './config.ts';
import { ControlSocket } from './control/control-socket.ts';
import { Entrance } from './entrance.ts';
import { EntryPorts } from './entry-ports.ts';
import { Gates } from './gates.ts';
import { attach, closeServer, httpServer, httpsServer, listen } from './listeners.ts';
import { proxyList } from './proxy/connection.ts';
import { Peers, readCertificate } from './proxy/peers.ts';
import { StateFile } from './state-file.ts';

/** In which what is in flight may end after SIGTERM, milliseconds. */
const patienceMs = 10_000;
/** For an agent that is there but has not said its word in time: it takes the fence away first, milliseconds. */
const graceMs = 250;

/** The data plane of one region: its gates, its listeners, and the agent's way in. */
export class Router {
  readonly ports: Ports;
  readonly #config: RouterConfig;
  readonly #gates: Gates;
  readonly #peers: Peers;
  readonly #entrance: Entrance;
  readonly #entryPorts: EntryPorts;
  readonly #servers: Servers;
  readonly #control: ControlSocket;
  readonly #stateFile: StateFile;

  private constructor(parts: Parts) {
    this.ports = parts.ports;
    this.#config = parts.config;
    this.#gates = parts.gates;
    this.#peers = parts.peers;
    this.#entrance = parts.entrance;
    this.#entryPorts = parts.entryPorts;
    this.#servers = parts.servers;
    this.#control = parts.control;
    this.#stateFile = parts.stateFile;
  }

  /** Gates are as they were before anybody can connect. */
  static async start(config: RouterConfig): Promise<Router> {
    const stateFile = new StateFile(config.stateFile);
    const state = stateFile.load();
    const peers = new Peers(config.ingress);
    const certificates = new Certificates();
    certificates.set(stateFile.loadCertificates());
    const ports: Ports = { http: 0, https: null, ingress: 0 };
    const save = () => stateFile.save({ ports, gates: gates.stored() });
    const gates = new Gates(config.region, {
      peers,
      changed: save,
      graceMs: () => (control.connected ? graceMs : 0),
    });
    gates.restore(state.gates);
    const entrance = new Entrance(gates);
    const entryPorts = new EntryPorts(config.http.host, entrance);
    const control = new ControlSocket(config.socketPath, {
      region: config.region,
      ports,
      gates,
      certificates,
      entryPorts,
      stateFile,
    });
    const servers = openServers(config, entrance, certificates);
    await bind(config, servers, state.ports, ports);
    entrance.httpsPort = ports.https;
    save();
    await entryPorts.restore(gates.all());
    await control.listen();
    return new Router({ config, ports, gates, peers, entrance, entryPorts, servers, control, stateFile });
  }

  /** The region's certificate was renewed: new connections show the new one. */
  renew(): void {
    this.#servers.ingress.setSecureContext(readCertificate(this.#config.ingress));
    this.#peers.forget();
  }

  /** No new requests; those in flight may end. The agent can be heard until then, since some may wait for its word. */
  async stop(patience = patienceMs): Promise<void> {
    this.#entrance.closing = true;
    this.#gates.farewell();
    const servers = Object.values(this.#servers).filter((server) => server !== undefined);
    const refuse = setTimeout(() => this.#gates.refuseWaiting(), Math.max(0, patience - 500));
    await Promise.all([...servers.map((server) => closeServer(server, patience)), this.#entryPorts.close(patience)]);
    clearTimeout(refuse);
    this.#control.close();
    this.#gates.close();
    await this.#stateFile.flushed();
    log.info('the router has ended');
  }
}

type Servers = ReturnType<typeof openServers>;

interface Parts {
  config: RouterConfig;
  ports: Ports;
  gates: Gates;
  peers: Peers;
  entrance: Entrance;
  entryPorts: EntryPorts;
  servers: Servers;
  control: ControlSocket;
  stateFile: StateFile;
}

function openServers(config: RouterConfig, entrance: Entrance, certificates: Certificates) {
  const trusted = proxyList(config.trustedProxies);
  const http = httpServer();
  attach(http, 'http', entrance, trusted);
  const https = config.https ? httpsServer({ SNICallback: certificates.sni }) : undefined;
  if (https) attach(https, 'https', entrance, trusted);
  // Only who the authority knows, and only by TLS 1.3: what comes in here is believed.
  const mutual = { requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' } as const;
  const ingress = httpsServer({ ...readCertificate(config.ingress), ...mutual });
  attach(ingress, 'ingress', entrance, trusted);
  return { http, https, ingress };
}

/** A port that was given by chance is taken again after a restart, since others know it by now. */
async function bind(config: RouterConfig, servers: Servers, before: Ports | null, ports: Ports): Promise<void> {
  ports.http = await listen(servers.http, config.http.host, config.http.port || before?.http || 0);
  if (servers.https && config.https)
    ports.https = await listen(servers.https, config.https.host, config.https.port || before?.https || 0);
  ports.ingress = await listen(servers.ingress, config.ingress.host, config.ingress.port || before?.ingress || 0);
}

import { Turns } from '../../../base/turns.ts';
import { passingBy } from '../../../drivers/gate/passing.ts';
import type { ContainerState, ProjectRuntime } from '../../../drivers/runtime/projects.ts';
import type { Project, ProjectService } from '../../../protocol/app-record/project.ts';
import { StorkyError } from '../../../protocol/errors.ts';
import type { EntryPort, EpochRecord } from '../../../protocol/gate.ts';
import type { ProcessView } from '../../../protocol/region-contract.ts';
import type { AppDocument } from '../app-document.ts';
import type { AppRunner } from '../app-runner.ts';
import type { AppStore } from '../app-store.ts';
import type { Surroundings } from '../formation.ts';
import { webMayRun, workMayRun } from '../formation.ts';
import { entriesOf, webOf } from './gate-order.ts';
import { madeHere } from './made-here.ts';
import { isOurs } from './ours.ts';
import type { ProjectGates } from './project-gates.ts';
import { viewsOf } from './project-views.ts';
import { startOrder } from './start-order.ts';
import { restsShut, startedAgain } from './started-again.ts';
import { untilReady } from './until-ready.ts';

export interface ProjectRunnerParts {
  store: AppStore;
  runtime: ProjectRuntime;
  gates: ProjectGates;
  region: string;
}

/**
 * An app whose processes are containers. Its owner's engine keeps them alive; here it is said which of them may run. A
 * project that was adopted, and is in no migration, is its owner's alone: it is only looked at.
 */
export class ProjectRunner implements AppRunner {
  readonly #parts: ProjectRunnerParts;
  readonly #states = new Map<string, ContainerState[]>();
  readonly #looks = new Turns();

  constructor(parts: ProjectRunnerParts) {
    this.#parts = parts;
  }

  async takeOver(app: string): Promise<void> {
    await this.look(app);
  }

  async become(app: string): Promise<void> {
    const { store, runtime } = this.#parts;
    const document = store.get(app);
    if (!isOurs(document)) return void (await this.look(app));
    const project = projectOf(document);
    const epoch = store.readEpoch(app);
    const may = (service: ProjectService) =>
      service.role === 'database'
        ? databaseMayRun(document, epoch, service)
        : service.role === 'web'
          ? webMayRun(document, epoch)
          : workMayRun(document, epoch);
    const wanted = project.services.filter((service) => may(service) && !service.rests);
    await Promise.all(project.services.filter((one) => !may(one)).map((service) => runtime.stop(service)));
    if (document.made) await this.#make(document, wanted);
    for (const service of startOrder(wanted))
      await runtime.start(service, startedAgain(document, epoch, instanceOf(document, service)));
    await this.look(app);
  }

  /** With the first that serves, those too that start only after the switch: a name that is taken is found before it. */
  async #make(document: Readonly<AppDocument>, wanted: ProjectService[]): Promise<void> {
    const { store, runtime } = this.#parts;
    const project = projectOf(document);
    const whole = wanted.some(({ role }) => role !== 'database');
    const needed = whole
      ? project.services.filter((one) => one.role !== 'database' || instanceOf(document, one))
      : wanted;
    for (const service of needed) await runtime.make(project, service, madeHere(store, document.record.name));
  }

  async stop(app: string): Promise<void> {
    const document = this.#parts.store.get(app);
    if (!isOurs(document)) return;
    const { services } = projectOf(document);
    await Promise.all(
      services.filter(({ role }) => role !== 'database').map((service) => this.#parts.runtime.stop(service)),
    );
    await this.look(app);
  }

  async webReady(app: string): Promise<void> {
    const project = projectOf(this.#parts.store.get(app));
    const states = () => this.#parts.runtime.states(project);
    const detail = await untilReady(project, states, this.#parts.runtime.commands.logs);
    await this.look(app);
    if (detail) throw new StorkyError('target_unhealthy', { app, region: this.#parts.region, ...detail });
  }

  /** Where its containers are now; the router and the rules that lead there are told when it has changed. */
  look(app: string): Promise<void> {
    // One after the other: what an earlier look saw must not be told after what a later one did.
    return this.#looks.take(app, async () => {
      const document = this.#parts.store.get(app);
      const states = await this.#parts.runtime.states(projectOf(document));
      this.#states.set(app, states);
      await this.#parts.gates.keep(document, states);
    });
  }

  passing(app: string, routerPid: number): string[] {
    const { services } = projectOf(this.#parts.store.get(app));
    const where = (this.#states.get(app) ?? []).flatMap(({ service, pid }) => {
      const ports = services.find(({ name }) => name === service)!.entries.map(({ containerPort }) => containerPort);
      return pid === null || ports.length === 0 ? [] : [{ pid, ports }];
    });
    return passingBy(where, routerPid).map(({ client, app: end }) => `${client} to ${end}`);
  }

  upstreams(app: string): string[] {
    return webOf(this.#parts.store.get(app), this.#states.get(app) ?? []);
  }

  /** Also when no rule leads there any more: the side that the app has left goes on forwarding, entry by entry. */
  entries(app: string): EntryPort[] {
    const document = this.#parts.store.get(app);
    return entriesOf(document, this.#states.get(app) ?? []);
  }

  async views(app: string): Promise<ProcessView[]> {
    const project = projectOf(this.#parts.store.get(app));
    return viewsOf(project, await this.#parts.runtime.states(project));
  }

  async surroundings(app: string): Promise<Surroundings> {
    const { commands } = this.#parts.runtime;
    const web = projectOf(this.#parts.store.get(app)).services.find(({ role }) => role === 'web');
    throw new StorkyError('unsupported', {
      what: `A command in ${app}`,
      detail: 'its processes are containers',
      hint: `Run it in one of them: \`${commands.run(web?.containers[0]?.name ?? '<container>')}\`.`,
    });
  }

  async forget(app: string): Promise<void> {
    this.#states.delete(app);
    await this.#parts.gates.release(app);
  }

  async release(): Promise<void> {
    for (const app of [...this.#states.keys()]) await this.forget(app);
  }
}

const projectOf = ({ record }: Readonly<AppDocument>): Project => record.project!;

const instanceOf = ({ instances }: Readonly<AppDocument>, { addon }: ProjectService) =>
  instances.find((one) => one.addon === addon);

function databaseMayRun(document: Readonly<AppDocument>, epoch: EpochRecord, service: ProjectService): boolean {
  const instance = instanceOf(document, service);
  return instance ? !restsShut(document, epoch, instance) : !document.made;
}

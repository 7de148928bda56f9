import type { Clock, Logger, MetadataDatabase, TaskDefinitionRow } from '@mad/core';
import type { Dispatcher } from 'undici';
import type { OutboundPolicy } from '../client/exchange/outbound-policy.ts';
import type { RetryBudget } from '../client/exchange/with-retries.ts';
import { isUnreached, verdictOf } from './call-verdict.ts';
import { chooseInstance } from './choose-instance.ts';
import type { CallVerdict, CircuitLimits } from './circuit.ts';
import { type Fleet, Fleets } from './fleets.ts';
import { type HealthCheck, readHealthCheck } from './health-check.ts';
import type { Instance } from './instance.ts';
import { InstanceWatch, type Watched } from './instance-watch.ts';
import { labelOf, type Shortage, unavailable } from './shortage.ts';
import { untilAborted } from './until-aborted.ts';

/** A document is looked at again after this long. */
const GUARD_EVERY_MS = 300_000;
/** Where one has answered, the others have this long: first calls are spread, and one that hangs holds up none. */
const GRACE_MS = 500;
/** Between two looks for room. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 1_000;

export interface TaskServicesOptions {
  readonly metadata: MetadataDatabase;
  readonly policy: OutboundPolicy;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly circuit?: CircuitLimits | undefined;
}

export interface Choice {
  readonly signal: AbortSignal;
  /** How long to wait for room where all instances have as much work as they can take. */
  readonly patienceMs: number;
}

/** A service chosen for one call; disposing says that the call is over. */
export interface ChosenService extends Disposable {
  readonly serviceId: string;
  readonly serviceUrl: URL;
  /** Of retries, shared by all calls of this runner. */
  readonly budget: RetryBudget;
  /** The service has taken the work over: it is well, however long that takes. */
  noteAccepted(): void;
  /** The call failed: one that reached nobody makes others ask first. @throws {TaskRegistryUnreachableError} */
  noteFailure(error: unknown): Promise<void>;
}

/**
 * The running instances of tasks as one runner sees them. What is found of an instance is kept in `task_services` for every process; its circuit, and the
 * calls that this runner has open there, are kept here.
 */
export class TaskServices implements AsyncDisposable {
  readonly #options: TaskServicesOptions;
  readonly #fleets: Fleets;
  readonly #watch: InstanceWatch;
  readonly #warned = new Set<string>();
  readonly #background = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  constructor(options: TaskServicesOptions) {
    this.#options = options;
    this.#fleets = new Fleets({ ...options, background: (work) => this.#inBackground(work) });
    this.#watch = new InstanceWatch({ ...options, signal: this.#closing.signal });
  }

  /**
   * The instance that has the least to do, of those that are healthy, take calls and have room. One of which nothing is known, or that was not well, is
   * asked again when its interval is over: aside where others are left, else before this returns. Where all have as much work as they can take, waits for room.
   * @throws {TaskFailedError} SERVICE_UNAVAILABLE when there is none. @throws {OriginNotAllowedError} when none is where calls may go.
   */
  async choose(definition: TaskDefinitionRow, { signal, patienceMs }: Choice): Promise<ChosenService> {
    const { clock } = this.#options;
    const begun = this.#now();
    let since = begun;
    let fleet = await untilAborted(this.#fleets.find(definition), signal);
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 1.5, LONGEST_WAIT_MS)) {
      const found = await this.#chooseInTime(definition, { fleet, since, signal });
      if ('serviceId' in found) return found;
      if (found.passable.length > 0) {
        if (this.#now() + waitMs - begun > patienceMs) throw unavailable(definition, found);
        await clock.sleep(waitMs * (1 - Math.random() / 4), signal);
        since = this.#now();
        fleet = await untilAborted(this.#fleets.find(definition), signal);
      } else {
        if (fleet.askedAt >= since) throw unavailable(definition, found);
        // Before a call fails, the registry is asked whether that is still so.
        fleet = await untilAborted(this.#fleets.findSince(definition, since), signal);
      }
    }
  }

  /**
   * The service that took work over, whatever is known of it; undefined when it is not registered any more.
   * @throws {OriginNotAllowedError}
   */
  async reopen(definition: TaskDefinitionRow, serviceId: string): Promise<ChosenService | undefined> {
    const begun = this.#now();
    const isIt = (instance: Instance): boolean => instance.serviceId === serviceId;
    const found =
      (await this.#fleets.find(definition)).instances.find(isIt) ??
      (await this.#fleets.findSince(definition, begun)).instances.find(isIt);
    return found && this.#open({ definition, healthCheck: this.#healthCheckOf(definition), instance: found });
  }

  /** Ends what is being asked in the background. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#background);
  }

  async #chooseInTime(
    definition: TaskDefinitionRow,
    { signal, ...from }: { fleet: Fleet; since: number; signal: AbortSignal },
  ): Promise<ChosenService | Shortage> {
    const choosing = this.#choose(definition, from);
    try {
      return await untilAborted(choosing, signal);
    } catch (error) {
      // Nobody is there any more who would give back what is chosen yet.
      choosing.then((found) => 'serviceId' in found && giveBack(found)).catch(() => {});
      throw error;
    }
  }

  async #choose(
    definition: TaskDefinitionRow,
    { fleet, since }: { fleet: Fleet; since: number },
  ): Promise<ChosenService | Shortage> {
    const healthCheck = this.#healthCheckOf(definition);
    const instances = this.#allowed(fleet.instances).map((instance) => ({ definition, healthCheck, instance }));
    const chosen = await this.#chooseReady(instances);
    if (chosen) return chosen;
    const isHealthy = (watched: Watched): boolean => this.#healthOf(watched) === 'healthy';
    const isHopeless = !instances.some(
      (one) => one.instance.isOffered && one.instance.circuit.isPassable && isHealthy(one),
    );
    // While some answer, those that were found not to are left alone for their interval.
    const askable = instances.filter((one) => {
      const isOpen = one.instance.isOffered && !one.instance.wasFoundSince(since);
      return isOpen && (this.#healthOf(one) === 'unknown' || (isHopeless && !isHealthy(one)));
    });
    await this.#askUntilReady(askable, instances);
    return (await this.#chooseReady(instances)) ?? this.#shortage(instances);
  }

  /** Asks for the health of some, and of those in quarantine for the document, until all have answered, or one can be called and the others are slow. */
  async #askUntilReady(askable: readonly Watched[], instances: readonly Watched[]): Promise<void> {
    const ready = Promise.withResolvers<void>();
    let timer: NodeJS.Timeout | undefined;
    const ask = async (one: Watched, asked: Promise<unknown>): Promise<void> => {
      await asked;
      if (this.#isReady(one)) timer ??= setTimeout(ready.resolve, GRACE_MS).unref();
    };
    const asking = [
      ...askable.map((one) => ask(one, this.#watch.ask(one))),
      ...instances.filter((one) => this.#isGuardDue(one)).map((one) => ask(one, this.#release(one))),
    ];
    for (const one of asking) this.#inBackground(one);
    await Promise.race([ready.promise, Promise.all(asking)]).finally(() => clearTimeout(timer));
  }

  /** One that can be called now; those of which it is not known whether they can are asked in the background. */
  async #chooseReady(instances: readonly Watched[]): Promise<ChosenService | undefined> {
    for (;;) {
      const ready = instances.filter((one) => this.#isReady(one));
      const instance = chooseInstance(ready.map((one) => one.instance));
      const watched = ready.find((one) => one.instance === instance);
      if (!watched) return undefined;
      // Taken before anything is waited for: calls that are made together are spread.
      const chosen = this.#open(watched);
      try {
        this.#look(instances);
        if (watched.instance.guardedAt === undefined) await this.#watch.guard(watched);
      } catch (error) {
        giveBack(chosen);
        throw error;
      }
      if (watched.instance.isOffered) return chosen;
      giveBack(chosen);
    }
  }

  /** Keeps the knowledge of a fleet up to date aside. */
  #look(instances: readonly Watched[]): void {
    for (const one of instances) {
      const { instance } = one;
      if (instance.isOffered && !instance.asking && this.#healthOf(one) === 'unknown')
        this.#inBackground(this.#watch.ask(one));
      const isKnown = instance.guardedAt !== undefined || instance.quarantine !== undefined;
      if (!instance.guarding && isKnown && this.#isGuardDue(one)) this.#inBackground(this.#release(one));
    }
  }

  /** Looks at the document; one that is right again ends the quarantine, and the instance is asked for its health. */
  async #release(watched: Watched): Promise<void> {
    const { instance } = watched;
    const was = instance.quarantine;
    await this.#watch.guard(watched);
    if (was && !instance.quarantine) await this.#watch.ask(watched);
  }

  #isGuardDue({ instance, healthCheck }: Watched): boolean {
    const everyMs = instance.quarantine ? healthCheck.intervalMs : GUARD_EVERY_MS;
    const isDue = this.#now() - (instance.guardedAt ?? Number.NEGATIVE_INFINITY) >= everyMs;
    return isDue && (instance.quarantine !== undefined || this.#isReady({ instance, healthCheck }));
  }

  #isReady(one: Pick<Watched, 'instance' | 'healthCheck'>): boolean {
    const { instance } = one;
    return instance.isOffered && instance.circuit.isPassable && instance.hasRoom && this.#healthOf(one) === 'healthy';
  }

  #healthOf({ instance, healthCheck }: Pick<Watched, 'instance' | 'healthCheck'>) {
    return instance.healthAt(this.#now(), healthCheck);
  }

  #open(watched: Watched): ChosenService {
    const { instance } = watched;
    const serviceUrl = this.#options.policy.parse(instance.serviceUrl);
    const { pass, end } = instance.begin(this.#now());
    let verdict: CallVerdict = 'well';
    return {
      serviceId: instance.serviceId,
      serviceUrl,
      budget: instance.budget,
      noteAccepted: pass,
      noteFailure: async (error) => {
        verdict = verdictOf(error);
        if (isUnreached(error)) await this.#watch.note(watched, 'unhealthy');
      },
      [Symbol.dispose]: () => end(verdict, this.#now()),
    };
  }

  #shortage(instances: readonly Watched[]): Shortage {
    const offered = instances.filter(({ instance }) => instance.isOffered);
    const healthy = offered.filter((one) => this.#healthOf(one) === 'healthy');
    const passable = healthy.filter(({ instance }) => instance.circuit.isPassable);
    const instanceOf = ({ instance }: Watched): Instance => instance;
    return {
      registered: instances.map(instanceOf),
      offered: offered.map(instanceOf),
      healthy: healthy.map(instanceOf),
      passable: passable.map(instanceOf),
    };
  }

  #allowed(instances: readonly Instance[]): readonly Instance[] {
    let refused: unknown;
    const allowed = instances.filter(({ serviceUrl }) => {
      try {
        return this.#options.policy.parse(serviceUrl);
      } catch (error) {
        refused = error;
        return false;
      }
    });
    if (allowed.length === 0 && refused !== undefined) throw refused;
    return allowed;
  }

  #healthCheckOf(definition: TaskDefinitionRow): HealthCheck {
    const healthCheck = readHealthCheck(definition.service_config);
    const { faults } = healthCheck;
    const id = definition.task_definition_id;
    if (faults.length > 0 && !this.#warned.has(id)) {
      this.#warned.add(id);
      const facts = { task: labelOf(definition), faults };
      this.#options.logger.warn(facts, 'the health check of a task means nothing in places; defaults hold there');
    }
    return healthCheck;
  }

  #inBackground(work: Promise<unknown>): void {
    // A call that needs what is not found out here asks again, and fails then.
    const done = work
      .catch((error: unknown) => this.#options.logger.warn({ err: error }, 'a task service could not be looked after'))
      .finally(() => this.#background.delete(done));
    this.#background.add(done);
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}

/** Nothing was sent: that says nothing of the instance. */
function giveBack(chosen: ChosenService): void {
  void chosen.noteFailure(undefined);
  chosen[Symbol.dispose]();
}

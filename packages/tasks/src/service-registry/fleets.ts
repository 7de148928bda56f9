import {
  type Clock,
  inOrganization,
  listTaskServiceStates,
  type MetadataDatabase,
  type TaskDefinitionRow,
} from '@mad/core';
import { askRegistry } from './ask-registry.ts';
import type { CircuitLimits } from './circuit.ts';
import { Instance } from './instance.ts';

/** The instances of a task version, as they were listed last. */
export interface Fleet {
  readonly instances: readonly Instance[];
  /** When the list that is held here was asked for. */
  readonly askedAt: number;
}

interface HeldFleet {
  instances: readonly Instance[];
  askedAt: number;
  loading: Promise<void> | undefined;
}

export interface FleetsOptions {
  readonly metadata: MetadataDatabase;
  readonly clock: Clock;
  readonly circuit?: CircuitLimits | undefined;
  /** Takes over work that nobody waits for. */
  readonly background: (work: Promise<unknown>) => void;
}

/** A list is used this long without a question … */
const FRESH_MS = 1_000;
/** … and this long while it is asked for anew. */
const USABLE_MS = 2_000;
const MOST_FLEETS = 1_000;
const MOST_INSTANCES = 500;

/** The instances of the tasks in use, listed once a second for all calls together. */
export class Fleets {
  readonly #options: FleetsOptions;
  readonly #fleets = new Map<string, HeldFleet>();

  constructor(options: FleetsOptions) {
    this.#options = options;
  }

  /** Not older than two seconds. @throws {TaskRegistryUnreachableError} */
  async find(definition: TaskDefinitionRow): Promise<Fleet> {
    const fleet = this.#hold(definition);
    const age = this.#now() - fleet.askedAt;
    if (age < FRESH_MS) return fleet;
    const loading = this.#load(definition, fleet);
    if (age < USABLE_MS) this.#options.background(loading);
    else await loading;
    return fleet;
  }

  /** As the registry holds it at or after a moment. @throws {TaskRegistryUnreachableError} */
  async findSince(definition: TaskDefinitionRow, since: number): Promise<Fleet> {
    const fleet = this.#hold(definition);
    while (fleet.askedAt < since) await this.#load(definition, fleet);
    return fleet;
  }

  #hold({ task_definition_id: id }: TaskDefinitionRow): HeldFleet {
    const known = this.#fleets.get(id);
    if (known) return known;
    const isIdle = ({ instances, loading }: HeldFleet): boolean =>
      !loading && instances.every(({ openCalls }) => openCalls === 0);
    const idle = this.#fleets.size < MOST_FLEETS ? undefined : [...this.#fleets].find(([, fleet]) => isIdle(fleet));
    if (idle) this.#fleets.delete(idle[0]);
    const fleet: HeldFleet = { instances: [], askedAt: Number.NEGATIVE_INFINITY, loading: undefined };
    this.#fleets.set(id, fleet);
    return fleet;
  }

  /** Callers share one question. */
  #load(definition: TaskDefinitionRow, fleet: HeldFleet): Promise<void> {
    fleet.loading ??= this.#list(definition, fleet).finally(() => {
      fleet.loading = undefined;
    });
    return fleet.loading;
  }

  async #list({ org_id, task_definition_id: taskDefinitionId }: TaskDefinitionRow, fleet: HeldFleet): Promise<void> {
    const since = this.#now();
    const { metadata, circuit } = this.#options;
    const { items } = await askRegistry(() =>
      inOrganization(metadata, org_id, (tx) => listTaskServiceStates(tx, { taskDefinitionId, limit: MOST_INSTANCES })),
    );
    const now = this.#now();
    const known = new Map(fleet.instances.map((instance) => [instance.serviceId, instance]));
    fleet.instances = items.map((row) => {
      const instance = known.get(row.service_id);
      if (instance && !instance.wasWrittenSince(since)) instance.tell(row, now);
      return instance ?? new Instance(row, { now, circuit });
    });
    fleet.askedAt = since;
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}

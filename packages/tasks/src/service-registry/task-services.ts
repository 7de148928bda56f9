import {
  type Clock,
  inOrganization,
  type Logger,
  listTaskServices,
  type MetadataDatabase,
  NotFoundError,
  type TaskDefinitionRow,
  TaskFailedError,
  type TaskServiceRow,
  updateTaskService,
} from '@mad/core';
import type { Dispatcher } from 'undici';
import type { OutboundPolicy } from '../client/outbound-policy.ts';
import { RetryBudget } from '../client/with-retries.ts';
import { askRegistry } from './ask-registry.ts';
import { probeService } from './probe-service.ts';

/** How long a service counts as healthy after it answered. */
const FRESH_MS = 30_000;

export interface TaskServicesOptions {
  readonly metadata: MetadataDatabase;
  readonly policy: OutboundPolicy;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A service chosen for one call; disposing says that the call is over. */
export interface ChosenService extends Disposable {
  readonly serviceId: string;
  readonly serviceUrl: URL;
  /** Of retries, shared by all calls of this runner. */
  readonly budget: RetryBudget;
}

/**
 * The running instances of tasks as one runner sees them: their health, kept in `task_services` for every process, and the calls this runner has open
 * at each, kept here.
 */
export class TaskServices {
  readonly #options: TaskServicesOptions;
  readonly #outstanding = new Map<string, number>();
  readonly #probes = new Map<string, Promise<boolean>>();
  readonly #budgets = new Map<string, RetryBudget>();

  constructor(options: TaskServicesOptions) {
    this.#options = options;
  }

  /**
   * The healthy service with the fewest open calls. Services whose last answer is older than 30 s are asked first when no other is left.
   * @throws {TaskFailedError} SERVICE_UNAVAILABLE when none answers. @throws {OriginNotAllowedError} when none is where calls may go.
   */
  async choose(definition: TaskDefinitionRow): Promise<ChosenService> {
    const services = this.#allowed(await this.#list(definition));
    const fresh = services.filter((service) => this.#isFresh(service));
    const chosen = this.#leastBusy(fresh) ?? this.#leastBusy(await this.#probeAll(definition, services));
    if (!chosen) throw unavailable(definition, services.length);
    return this.#open(chosen);
  }

  /**
   * The service that took work over, healthy or not; undefined when it is not registered any more.
   * @throws {OriginNotAllowedError}
   */
  async reopen(definition: TaskDefinitionRow, serviceId: string): Promise<ChosenService | undefined> {
    const found = (await this.#list(definition)).find(({ service_id }) => service_id === serviceId);
    return found && this.#open(found);
  }

  #open(chosen: TaskServiceRow): ChosenService {
    const { service_id: serviceId, service_url } = chosen;
    const serviceUrl = this.#options.policy.parse(service_url);
    this.#outstanding.set(serviceId, this.#openCalls(chosen) + 1);
    return {
      serviceId,
      serviceUrl,
      budget: this.#budgetOf(serviceId),
      [Symbol.dispose]: () => {
        const left = (this.#outstanding.get(serviceId) ?? 1) - 1;
        if (left > 0) this.#outstanding.set(serviceId, left);
        else this.#outstanding.delete(serviceId);
      },
    };
  }

  /** Records that nobody answered at a service, so that the next call goes elsewhere or asks first. */
  async markUnreachable(definition: TaskDefinitionRow, serviceId: string): Promise<void> {
    await this.#record(definition, { serviceId, healthy: false });
  }

  async #list(definition: TaskDefinitionRow): Promise<readonly TaskServiceRow[]> {
    const { metadata } = this.#options;
    const { items } = await askRegistry(() =>
      inOrganization(metadata, definition.org_id, (tx) =>
        listTaskServices(tx, { taskDefinitionId: definition.task_definition_id, limit: 500 }),
      ),
    );
    return items;
  }

  #allowed(services: readonly TaskServiceRow[]): readonly TaskServiceRow[] {
    let refused: unknown;
    const allowed = services.filter(({ service_url }) => {
      try {
        return this.#options.policy.parse(service_url);
      } catch (error) {
        refused = error;
        return false;
      }
    });
    if (allowed.length === 0 && refused !== undefined) throw refused;
    return allowed;
  }

  async #probeAll(
    definition: TaskDefinitionRow,
    services: readonly TaskServiceRow[],
  ): Promise<readonly TaskServiceRow[]> {
    const answers = await Promise.all(services.map((service) => this.#probe(definition, service)));
    return services.filter((_, index) => answers[index]);
  }

  /** Callers that ask about one service at a time share one question. */
  #probe(definition: TaskDefinitionRow, { service_id: serviceId, service_url }: TaskServiceRow): Promise<boolean> {
    const running = this.#probes.get(serviceId);
    if (running) return running;
    const { dispatcher, policy } = this.#options;
    const probe = probeService({
      serviceUrl: policy.parse(service_url),
      serviceConfig: definition.service_config,
      dispatcher,
    })
      .then(async (healthy) => {
        await this.#record(definition, { serviceId, healthy });
        return healthy;
      })
      .finally(() => this.#probes.delete(serviceId));
    this.#probes.set(serviceId, probe);
    return probe;
  }

  async #record(
    definition: TaskDefinitionRow,
    { serviceId, healthy }: { serviceId: string; healthy: boolean },
  ): Promise<void> {
    const { metadata, clock, logger } = this.#options;
    const set = {
      health_status: healthy ? ('healthy' as const) : ('unhealthy' as const),
      last_health_check: clock.now(),
    };
    if (!healthy) logger.warn({ serviceId, task: labelOf(definition) }, 'a task service does not answer');
    try {
      await askRegistry(() =>
        inOrganization(metadata, definition.org_id, (tx) => updateTaskService(tx, { serviceId, set })),
      );
    } catch (error) {
      // Deregistered in between: there is no health to keep.
      if (!(error instanceof NotFoundError)) throw error;
    }
  }

  #isFresh({ health_status, last_health_check }: TaskServiceRow): boolean {
    if (health_status !== 'healthy' || last_health_check === null) return false;
    return this.#options.clock.now().getTime() - new Date(last_health_check).getTime() < FRESH_MS;
  }

  #leastBusy(services: readonly TaskServiceRow[]): TaskServiceRow | undefined {
    return services.toSorted((a, b) => this.#openCalls(a) - this.#openCalls(b))[0];
  }

  #budgetOf(serviceId: string): RetryBudget {
    const budget = this.#budgets.get(serviceId) ?? new RetryBudget();
    this.#budgets.set(serviceId, budget);
    return budget;
  }

  #openCalls({ service_id }: TaskServiceRow): number {
    return this.#outstanding.get(service_id) ?? 0;
  }
}

/** `taskKey@version`, as people write it. */
export function labelOf({ task_id, version }: TaskDefinitionRow): string {
  return `${task_id}@${version}`;
}

function unavailable(definition: TaskDefinitionRow, registered: number): TaskFailedError {
  const task = labelOf(definition);
  return new TaskFailedError({
    failureCode: 'SERVICE_UNAVAILABLE',
    message:
      registered === 0
        ? `no service is registered for ${task}; start one and register its address with registerTaskService`
        : `none of the ${registered} registered services of ${task} answers its health check; start one`,
    retryable: true,
    details: { task, registered },
  });
}

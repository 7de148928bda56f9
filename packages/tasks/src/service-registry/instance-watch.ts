import {
  type Clock,
  inOrganization,
  type Logger,
  type MetadataDatabase,
  NotFoundError,
  type TaskDefinitionRow,
  type TellTaskServiceState,
  tellTaskServiceState,
} from '@mad/core';
import type { Dispatcher } from 'undici';
import type { OutboundPolicy } from '../client/exchange/outbound-policy.ts';
import { askRegistry } from './ask-registry.ts';
import { type DocumentFinding, DocumentGuard } from './document-guard.ts';
import type { HealthCheck } from './health-check.ts';
import type { Instance } from './instance.ts';
import { probeService } from './probe-service.ts';

export interface WatchOptions {
  readonly metadata: MetadataDatabase;
  readonly policy: OutboundPolicy;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends whatever is being asked. */
  readonly signal: AbortSignal;
}

/** An instance and what its task says of it. */
export interface Watched {
  readonly definition: TaskDefinitionRow;
  readonly healthCheck: HealthCheck;
  readonly instance: Instance;
}

const MAX_REASON = 500;

/** Asks instances for their health and their documents, and notes in the registry what it finds, for every process. */
export class InstanceWatch {
  readonly #options: WatchOptions;
  readonly #guard: DocumentGuard;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#guard = new DocumentGuard(options);
  }

  /** Asks for its health; callers that ask at a time share one question. @throws {TaskRegistryUnreachableError} */
  ask(watched: Watched): Promise<unknown> {
    const { instance } = watched;
    instance.asking ??= this.#ask(watched).finally(() => {
      instance.asking = undefined;
    });
    return instance.asking;
  }

  /** Asks for its document, and puts it into quarantine or takes it out; shared as `ask` is. @throws {TaskRegistryUnreachableError} */
  guard(watched: Watched): Promise<unknown> {
    const { instance } = watched;
    instance.guarding ??= this.#guardOnce(watched).finally(() => {
      instance.guarding = undefined;
    });
    return instance.guarding;
  }

  /** Notes what was found: a change at once, the same again once an interval. @throws {TaskRegistryUnreachableError} */
  async note(watched: Watched, health: 'healthy' | 'unhealthy'): Promise<void> {
    const { definition, healthCheck, instance } = watched;
    const now = this.#now();
    instance.find(health === 'healthy', now);
    if (!instance.isNews(health, { now, intervalMs: healthCheck.intervalMs })) return;
    instance.noteWritten({ health }, now);
    if (health === 'unhealthy')
      this.#options.logger.warn(factsOf(definition, instance), 'a task service does not answer');
    await this.#write(watched, { health });
  }

  async #ask(watched: Watched): Promise<void> {
    const { policy, dispatcher, clock, signal } = this.#options;
    const { instance, healthCheck } = watched;
    const serviceUrl = policy.parse(instance.serviceUrl);
    const isHealthy = await probeService({ serviceUrl, healthCheck, dispatcher, clock, signal });
    if (!signal.aborted) await this.note(watched, isHealthy ? 'healthy' : 'unhealthy');
  }

  async #guardOnce(watched: Watched): Promise<void> {
    const { policy, signal } = this.#options;
    const { definition, instance } = watched;
    const serviceUrl = policy.parse(instance.serviceUrl);
    const finding = await this.#guard.examine(definition, { serviceUrl, signal });
    instance.guardedAt = this.#now();
    if (!finding || signal.aborted) return;
    const isBroken = finding.breaks.length > 0 && finding.document !== instance.acceptedDocument;
    this.#tell(watched, finding);
    if (isBroken && instance.quarantine?.document !== finding.document) await this.#quarantine(watched, finding);
    if (!isBroken && instance.quarantine) await this.#release(watched);
  }

  /** Says once of each document what it changes. */
  #tell({ definition, instance }: Watched, { document, breaks, doubts }: DocumentFinding): void {
    if (instance.knownDocument === document) return;
    instance.knownDocument = document;
    const { logger } = this.#options;
    const facts = { ...factsOf(definition, instance), breaks, doubts };
    if (breaks.length > 0) logger.warn(facts, 'a task service shows a document that breaks the registered one');
    else if (doubts.length > 0) logger.warn(facts, 'a task service shows a document that may break the registered one');
  }

  async #quarantine(watched: Watched, { document, breaks }: DocumentFinding): Promise<void> {
    const { definition, instance } = watched;
    // Cut anywhere, and of foreign words: a row takes no half of a surrogate pair.
    const reason = breaks.join('; ').slice(0, MAX_REASON).toWellFormed();
    const quarantine = { reason, at: this.#options.clock.now().toISOString(), document };
    instance.noteWritten({ quarantine }, this.#now());
    this.#options.logger.warn(
      { ...factsOf(definition, instance), reason },
      'a task service is in quarantine: no calls go there until its document is right again or liftQuarantine is called',
    );
    await this.#write(watched, { health: 'unhealthy', note: { quarantine } });
  }

  async #release(watched: Watched): Promise<void> {
    const { definition, instance } = watched;
    instance.noteWritten({ quarantine: undefined, health: 'unknown' }, this.#now());
    this.#options.logger.info(factsOf(definition, instance), 'the document of a task service is right again');
    await this.#write(watched, { health: 'unknown', forget: 'quarantine' });
  }

  async #write({ definition, instance }: Watched, state: Omit<TellTaskServiceState, 'serviceId'>): Promise<void> {
    const { metadata } = this.#options;
    const { serviceId } = instance;
    const written = instance.beginWrite();
    try {
      await askRegistry(() =>
        inOrganization(metadata, definition.org_id, (tx) => tellTaskServiceState(tx, { ...state, serviceId })),
      );
    } catch (error) {
      // Deregistered in between: there is nothing to keep.
      if (!(error instanceof NotFoundError)) throw error;
    } finally {
      written(this.#now());
    }
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}

function factsOf({ task_id, version }: TaskDefinitionRow, { serviceId, serviceUrl }: Instance): object {
  return { service_id: serviceId, service_url: serviceUrl, task: `${task_id}@${version}` };
}

import {
  type AcceptedWork,
  type ArtifactReference,
  type ArtifactStore,
  type Clock,
  findByPointer,
  findTaskDefinition,
  inOrganization,
  isInterruption,
  type JsonObject,
  type Logger,
  type MetadataDatabase,
  NotFoundError,
  type OrgId,
  type PreparedRequest,
  type ResolvedTask,
  silentLogger,
  systemClock,
  type TaskCall,
  type TaskDefinitionRow,
  TaskFailedError,
  type TaskIdentity,
  type TaskOutcome,
  type TaskRunner,
  ValidationFailedError,
} from '@mad/core';
import { Agent, type Dispatcher } from 'undici';
import { cancelExecution } from './client/accepted-work/await-execution.ts';
import { Callbacks } from './client/accepted-work/callbacks.ts';
import { fetchFiles } from './client/answer/fetch-files.ts';
import { findUnstorable } from './client/answer/find-unstorable.ts';
import { contractViolation } from './client/answer/read-json-body.ts';
import { storeFiles } from './client/answer/store-files.ts';
import { callService } from './client/call-service.ts';
import { authenticate, type SecretsResolver } from './client/exchange/authenticate.ts';
import { inDeadline } from './client/exchange/in-deadline.ts';
import { createOutboundPolicy, type OutboundPolicy } from './client/exchange/outbound-policy.ts';
import type { AnswerFiles } from './client/exchange/send-request.ts';
import type { Connection } from './client/exchange/service-call.ts';
import { type ArtifactUrl, createRequestFiles } from './client/request/request-files.ts';
import { readArchitecture } from './definition/architecture.ts';
import { interfaceDigest } from './definition/interface-digest.ts';
import { resolveVersion } from './definition/resolve-version.ts';
import { InterfaceCache } from './interface-cache.ts';
import { isJsonMediaType, toMediaType } from './openapi/api-operation.ts';
import type { TaskInterface } from './openapi/task-interface.ts';
import { askRegistry } from './service-registry/ask-registry.ts';
import { readResourceClass } from './service-registry/resource-class.ts';
import { labelOf } from './service-registry/shortage.ts';
import { TaskServices } from './service-registry/task-services.ts';

export interface TaskRunnerOptions {
  readonly metadata: MetadataDatabase;
  readonly artifacts: ArtifactStore;
  /** Where calls may go, named by whoever operates the deployment: `['http://127.0.0.1:8080']`. Nothing else is ever connected to. */
  readonly allowedOrigins: readonly string[];
  /** Addresses beside the public ones that the names of origins may lead to: `['10.0.0.0/8']`. @default none */
  readonly allowedNetworks?: readonly string[] | undefined;
  /** Makes the connections, whatever `allowedNetworks` says; stays the host's to close. @default an undici Agent of its own */
  readonly dispatcher?: Dispatcher | undefined;
  /** @default 64 MiB */
  readonly maxResponseBytes?: number | undefined;
  /** Of a file that is a service's whole answer: it goes into the artifact store as it arrives. @default 1 GiB */
  readonly maxFileBytes?: number | undefined;
  /** Where services that take files by their address (`format: uri` with `contentMediaType`) fetch an artifact. @default nowhere: such files cannot be sent */
  readonly artifactUrl?: ArtifactUrl | undefined;
  /** Follows redirects that stay below a service's own address, as the same request. @default false: a redirect is a failure */
  readonly followRedirects?: boolean | undefined;
  /**
   * The host's own address for a token, where services whose documents declare a callback are told to call back: `(token) => \`https://mad.example.org/callbacks/${token}\``.
   * Whatever arrives there the host gives to `noteCallback`; what it says is not looked at, the service is asked. @default none: services are asked in time
   */
  readonly callbackUrl?: ((token: string) => string) | undefined;
  /** Compiled interfaces kept. @default 100 */
  readonly maxInterfaces?: number | undefined;
  /** Credentials for the services that ask for them. @default none */
  readonly secrets?: SecretsResolver | undefined;
  /** @default silent */
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * A task runner that calls registered services over HTTP, each request and response held against the task's own document. A request is
 * repeated only where that does no harm; dispose the runner to close its connections.
 * @throws {ValidationFailedError} when `allowedOrigins` holds something other than origins, `allowedNetworks` than networks.
 */
export function createTaskRunner(options: TaskRunnerOptions): ServiceTaskRunner {
  return new HttpTaskRunner(options);
}

/** A task runner that calls services. */
export interface ServiceTaskRunner extends TaskRunner, AsyncDisposable {
  /** A service has called back under this token: it is asked now. False when no call of this process has it; the one that has asks in time. */
  noteCallback(token: string): boolean;
}

class HttpTaskRunner implements ServiceTaskRunner {
  readonly #metadata: MetadataDatabase;
  readonly #artifacts: ArtifactStore;
  readonly #interfaces: InterfaceCache;
  readonly #services: TaskServices;
  readonly #dispatcher: Dispatcher;
  readonly #ownDispatcher: Agent | undefined;
  readonly #clock: Clock;
  readonly #maxResponseBytes: number;
  readonly #maxFileBytes: number;
  readonly #artifactUrl: ArtifactUrl | undefined;
  readonly #policy: OutboundPolicy;
  readonly #followRedirects: boolean;
  readonly #callbacks: Callbacks | undefined;
  readonly #secrets: SecretsResolver | undefined;
  readonly #logger: Logger;
  /** The second to dispose waits for the first. */
  #disposal: Promise<void> | undefined;

  constructor(options: TaskRunnerOptions) {
    const { metadata, clock = systemClock, logger = silentLogger } = options;
    const policy = createOutboundPolicy({ origins: options.allowedOrigins, networks: options.allowedNetworks });
    this.#metadata = metadata;
    this.#artifacts = options.artifacts;
    this.#clock = clock;
    this.#logger = logger;
    this.#secrets = options.secrets;
    this.#maxResponseBytes = options.maxResponseBytes ?? 64 * 1024 * 1024;
    this.#policy = policy;
    this.#artifactUrl = options.artifactUrl;
    this.#maxFileBytes = options.maxFileBytes ?? 1024 ** 3;
    this.#followRedirects = options.followRedirects ?? false;
    this.#callbacks = options.callbackUrl && new Callbacks(options.callbackUrl);
    this.#interfaces = new InterfaceCache({ limit: options.maxInterfaces ?? 100 });
    this.#ownDispatcher = options.dispatcher
      ? undefined
      : new Agent({ connect: { timeout: 5_000, lookup: policy.lookup } });
    this.#dispatcher = options.dispatcher ?? (this.#ownDispatcher as Agent);
    this.#services = new TaskServices({ metadata, policy, dispatcher: this.#dispatcher, clock, logger });
  }

  async resolve(orgId: OrgId, task: string): Promise<ResolvedTask> {
    const definition = await resolveVersion(this.#metadata, { orgId, task });
    const taskInterface = this.#interfaces.get(definition);
    const { requestSchema, responseSchema } = taskInterface;
    return {
      ...identityOf(definition, taskInterface),
      taskDefinitionId: definition.task_definition_id,
      requestSchema,
      responseSchema,
      resourceClass: readResourceClass(definition.service_config),
    };
  }

  async prepare(
    orgId: OrgId,
    { taskDefinitionId, request }: Pick<TaskCall, 'taskDefinitionId' | 'request'>,
  ): Promise<PreparedRequest> {
    const definition = await this.#getDefinition(orgId, taskDefinitionId);
    const taskInterface = this.#interfaces.get(definition);
    const filled = taskInterface.applyDefaults(request);
    const issues = taskInterface.checkRequest(filled);
    if (issues.length > 0) throw new ValidationFailedError({ subject: `request of ${labelOf(definition)}`, issues });
    // A file given as text is stored first: the same file is the same request, however it was given.
    const prepared = await storeFiles(filled, {
      artifacts: this.#artifacts,
      orgId,
      schema: taskInterface.requestSchema,
    });
    const unstorable = findUnstorable(prepared);
    if (unstorable)
      throw new ValidationFailedError({ subject: `request of ${labelOf(definition)}`, issues: [unstorable] });
    const identity = identityOf(definition, taskInterface);
    const { seed } = taskInterface;
    const isSeedMissing = seed !== undefined && identity.determinism === 'seeded' && isUnset(prepared, seed.pointer);
    return { request: prepared, identity, missingSeed: isSeedMissing ? seed : undefined };
  }

  async run(call: TaskCall): Promise<TaskOutcome> {
    const { orgId, timeoutMs, signal, idempotencyKey, onProgress } = call;
    const definition = await this.#getDefinition(orgId, call.taskDefinitionId);
    const taskInterface = this.#interfaces.get(definition);
    const files = { artifacts: this.#artifacts, orgId, artifactUrl: this.#artifactUrl };
    return inDeadline({ timeoutMs, signal, subject: `${call.stepName} (${labelOf(definition)})` }, async (inTime) => {
      const issues = taskInterface.checkRequest(call.request);
      if (issues.length > 0) throw invalidRequest(definition, issues);
      const known = call.accepted && (await this.#services.reopen(definition, call.accepted.serviceId));
      // What waits for room keeps at least half of its time for the work.
      const choice = { signal: inTime, patienceMs: timeoutMs / 2 };
      using service = known ?? (await this.#services.choose(definition, choice));
      const begun = performance.now();
      const { serviceId, serviceUrl } = service;
      using bell = this.#callbacks?.open(idempotencyKey);
      const response = await callService({
        bell,
        serviceUrl,
        taskInterface,
        request: call.request,
        files: createRequestFiles(files),
        idempotencyKey,
        signal: inTime,
        isInterrupted: () => isInterruption(signal.reason),
        externalId: known && call.accepted?.externalId,
        onAccepted: async (externalId) => {
          service.noteAccepted();
          await call.onAccepted?.({ serviceId, externalId });
        },
        onProgress,
        clock: this.#clock,
        ...this.#connection(orgId, definition),
        followRedirects: this.#followRedirects,
        answerFiles: this.#answerFiles(taskInterface, orgId),
        retries: {
          budget: service.budget,
          onRetry: ({ attempt, failure, waitMs }) => {
            const facts = {
              org_id: orgId,
              job_id: call.jobId,
              step: call.stepName,
              attempt,
              code: failure.failureCode,
            };
            this.#logger.warn({ ...facts, wait_ms: waitMs }, 'a call of a service is made again');
          },
        },
      }).catch(async (error: unknown) => {
        await service.noteFailure(error);
        throw error;
      });
      const computeMs = performance.now() - begun;
      const schema = taskInterface.responseSchema;
      const fetched = await fetchFiles(response, {
        ...{ ...files, schema, serviceUrl, signal: inTime, policy: this.#policy },
        ...{ dispatcher: this.#dispatcher, maxFileBytes: this.#maxFileBytes },
      });
      const result = await storeFiles(fetched, { ...files, schema, signal: inTime, isAnswer: true });
      const unstorable = findUnstorable(result);
      if (unstorable)
        throw contractViolation(
          `answered with JSON that cannot be kept (${unstorable.pointer}: ${unstorable.message})`,
          { issues: [unstorable] },
        );
      return { result, serviceId, serviceName: definition.task_id, schemaVersion: definition.version, computeMs };
    });
  }

  async cancel(
    orgId: OrgId,
    { taskDefinitionId, accepted }: { readonly taskDefinitionId: string; readonly accepted: AcceptedWork },
  ): Promise<void> {
    const definition = await this.#getDefinition(orgId, taskDefinitionId);
    using service = await this.#services.reopen(definition, accepted.serviceId);
    if (!service) return;
    const call = {
      serviceUrl: service.serviceUrl,
      taskInterface: this.#interfaces.get(definition),
      ...this.#connection(orgId, definition),
    };
    await cancelExecution(call, accepted).catch(async (error: unknown) => {
      await service.noteFailure(error);
      throw error;
    });
  }

  noteCallback(token: string): boolean {
    return this.#callbacks?.ring(token) ?? false;
  }

  #connection(orgId: OrgId, { task_id: scope }: TaskDefinitionRow): Connection {
    return {
      dispatcher: this.#dispatcher,
      maxResponseBytes: this.#maxResponseBytes,
      authenticate: (security) => authenticate({ security, secrets: this.#secrets, ask: { orgId, scope } }),
    };
  }

  /** A result that is a file is in no memory on its way. */
  #answerFiles({ responseType, isResponseWhole }: TaskInterface, orgId: OrgId): AnswerFiles | undefined {
    if (
      responseType === undefined ||
      isResponseWhole ||
      isJsonMediaType(responseType) ||
      responseType.startsWith('text/')
    )
      return undefined;
    return {
      maxBytes: this.#maxFileBytes,
      find: (status, contentType) =>
        status >= 200 && status < 300 && toMediaType(contentType) === responseType
          ? async (body) => {
              const { digest, sizeBytes } = await this.#artifacts.put(orgId, body);
              const reference: ArtifactReference = { $artifact: digest, contentType: responseType, sizeBytes };
              return reference;
            }
          : undefined,
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    await this.#services[Symbol.asyncDispose]();
    await this.#ownDispatcher?.close();
  }

  async #getDefinition(orgId: OrgId, taskDefinitionId: string): Promise<TaskDefinitionRow> {
    const definition = await askRegistry(() =>
      inOrganization(this.#metadata, orgId, (tx) => findTaskDefinition(tx, { taskDefinitionId })),
    );
    if (definition) return definition;
    throw new NotFoundError({ entity: 'task definition', id: taskDefinitionId });
  }
}

function identityOf(definition: TaskDefinitionRow, taskInterface: TaskInterface): TaskIdentity {
  const { task_id: taskKey, version, interface_digest, image_digest, producer, determinism } = definition;
  const { ignoredPointers, ignoredAnswerPointers, contentTypes } = taskInterface;
  return {
    taskKey,
    version,
    interfaceDigest: interface_digest ?? interfaceDigest(definition.interface_spec),
    producer: image_digest ?? producer,
    determinism: determinism ?? 'external',
    architecture: readArchitecture(definition.service_config),
    ignoredPointers,
    ignoredAnswerPointers,
    contentTypes,
  };
}

const isUnset = (request: JsonObject, pointer: string): boolean => (findByPointer(request, pointer) ?? null) === null;

function invalidRequest(
  definition: TaskDefinitionRow,
  issues: readonly { pointer: string; message: string }[],
): TaskFailedError {
  const shown = issues.slice(0, 3).map(({ pointer, message }) => `${pointer || '(root)'}: ${message}`);
  return new TaskFailedError({
    failureCode: 'VALIDATION_FAILED',
    message: `the request does not fit ${labelOf(definition)}: ${shown.join('; ')}`,
    retryable: false,
    details: { issues: issues.slice(0, 20).map((issue) => ({ ...issue })) },
  });
}

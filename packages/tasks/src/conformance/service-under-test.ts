import { randomUUID } from 'node:crypto';
import { type JsonObject, systemClock, TaskFailedError } from '@mad/core';
import { Agent } from 'undici';
import { cancelExecution, type Execution, findExecution } from '../client/accepted-work/await-execution.ts';
import { callService } from '../client/call-service.ts';
import { authenticate, type SecretsResolver } from '../client/exchange/authenticate.ts';
import { inDeadline } from '../client/exchange/in-deadline.ts';
import { createOutboundPolicy, type OutboundPolicy } from '../client/exchange/outbound-policy.ts';
import type { ServiceAnswer, ServiceRequest } from '../client/exchange/send-request.ts';
import { openExchange, type ServiceCall } from '../client/exchange/service-call.ts';
import { RetryBudget } from '../client/exchange/with-retries.ts';
import { noFiles } from '../client/request/request-files.ts';
import type { ApiOperation } from '../openapi/api-operation.ts';
import type { TaskInterface } from '../openapi/task-interface.ts';
import { takesOver } from './accepted-work.ts';
import { Witness, type WitnessedAnswer } from './witness.ts';

export interface ServiceUnderTestOptions {
  readonly serviceUrl: URL;
  /** Called beside the service's own: where its document is. */
  readonly otherOrigins: readonly string[];
  readonly allowedNetworks: readonly string[] | undefined;
  readonly secrets: SecretsResolver | undefined;
  /** Of one execution; anything else has ten seconds at most. */
  readonly timeoutMs: number;
  /** Ends whatever is under way. */
  readonly signal: AbortSignal;
}

export interface Question extends Pick<ServiceRequest, 'method' | 'url' | 'headers' | 'body'> {
  /** Whose credentials are sent. @default nobody's */
  readonly security?: ApiOperation['security'] | undefined;
}

export interface CallTask {
  readonly task: TaskInterface;
  readonly request: JsonObject;
  /** @default a new one */
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One call of the task, as a runner makes it, but never repeated. */
export interface TaskAttempt {
  readonly response: JsonObject | undefined;
  readonly failure: TaskFailedError | undefined;
  /** The service's id of the work, where it was taken over and can be asked for. */
  readonly acceptedAs: string | undefined;
  /** All that the service answered meanwhile. */
  readonly answers: readonly WitnessedAnswer[];
  readonly ms: number;
}

/** A document can be five megabytes, and an answer what it likes. */
const MAX_ANSWER = 64 * 1024 * 1024;
const MAX_EXCHANGE_MS = 10_000;

/** The connection of a run to a service: all that is sent goes through it, and all that comes back is noted. */
export class ServiceUnderTest implements AsyncDisposable {
  readonly url: URL;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly #secrets: SecretsResolver | undefined;
  readonly #policy: OutboundPolicy;
  readonly #agent: Agent;
  readonly #dispatcher: ServiceCall['dispatcher'];
  readonly #witness = new Witness();

  constructor({ serviceUrl, otherOrigins, allowedNetworks, secrets, timeoutMs, signal }: ServiceUnderTestOptions) {
    this.#policy = createOutboundPolicy({ origins: [serviceUrl.origin, ...otherOrigins], networks: allowedNetworks });
    this.url = this.#policy.parse(serviceUrl.href);
    this.timeoutMs = timeoutMs;
    this.signal = signal;
    this.#secrets = secrets;
    this.#agent = new Agent({ connect: { timeout: 5_000, lookup: this.#policy.lookup } });
    this.#dispatcher = this.#agent.compose(this.#witness.interceptor);
  }

  get answers(): readonly WitnessedAnswer[] {
    return this.#witness.answers;
  }

  /** One exchange. @throws {TaskFailedError} when nothing is answered in time. */
  async ask({ security = [], ...sent }: Question): Promise<ServiceAnswer> {
    const timeoutMs = Math.min(this.timeoutMs, MAX_EXCHANGE_MS);
    const subject = `${sent.method} ${sent.url.pathname}`;
    return inDeadline({ timeoutMs, signal: this.signal, subject }, (signal) =>
      openExchange(
        {
          signal,
          dispatcher: this.#dispatcher,
          maxResponseBytes: MAX_ANSWER,
          authenticate: (needed) => this.#authenticate(needed),
        },
        { security },
      )(sent),
    );
  }

  /** Calls the task, and waits for the end of work that is taken over. What fails is part of what it returns. */
  async callTask({ task, request, key, signal = this.signal }: CallTask): Promise<TaskAttempt> {
    const before = this.answers.length;
    const begun = performance.now();
    let acceptedAs: string | undefined;
    const conclude = (end: Pick<TaskAttempt, 'response' | 'failure'>): TaskAttempt => ({
      ...end,
      acceptedAs,
      answers: this.answers.slice(before),
      ms: performance.now() - begun,
    });
    const deadline = { timeoutMs: this.timeoutMs, signal: AbortSignal.any([this.signal, signal]), subject: 'the task' };
    try {
      const response = await inDeadline(deadline, (inTime) => {
        const call = this.#toCall({ task, request, key }, inTime);
        const onAccepted = async (externalId: string) => {
          acceptedAs = externalId;
        };
        return callService({ ...call, onAccepted });
      });
      return conclude({ response, failure: undefined });
    } catch (error) {
      if (error instanceof TaskFailedError) return conclude({ response: undefined, failure: error });
      throw error;
    }
  }

  /** Where work that an answer took over is asked for. @throws {TaskFailedError} */
  findExecution(task: TaskInterface, accepted: ServiceAnswer): Execution {
    return findExecution(this.#toCall({ task, request: {} }, this.signal), accepted);
  }

  /** Cancels what a service has taken over though it was not meant to, as far as it can be canceled. */
  async letGo(task: TaskInterface, answer: ServiceAnswer): Promise<void> {
    if (!takesOver(task, answer)) return;
    try {
      await cancelExecution(this.#toCall({ task, request: {} }, this.signal), this.findExecution(task, answer));
    } catch (error) {
      // It was taken over by mistake, and that is already known.
      if (!(error instanceof TaskFailedError)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  #authenticate(security: ApiOperation['security']): ReturnType<typeof authenticate> {
    return authenticate({ security, secrets: this.#secrets, ask: { scope: 'the task' } });
  }

  #toCall({ task, request, key = `mad-check-${randomUUID()}` }: CallTask, signal: AbortSignal): ServiceCall {
    return {
      serviceUrl: this.url,
      taskInterface: task,
      request,
      files: noFiles,
      idempotencyKey: key,
      signal,
      isInterrupted: () => false,
      externalId: undefined,
      onAccepted: async () => {},
      dispatcher: this.#dispatcher,
      clock: systemClock,
      maxResponseBytes: MAX_ANSWER,
      followRedirects: false,
      authenticate: (security) => this.#authenticate(security),
      retries: { budget: spentBudget(), onRetry: () => {} },
    };
  }
}

/** What a repetition would hide is what a run is there to see. */
function spentBudget(): RetryBudget {
  const budget = new RetryBudget();
  while (budget.take());
  return budget;
}

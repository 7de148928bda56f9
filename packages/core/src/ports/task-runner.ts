import type { OrgId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { JsonSchema } from '../schema/json-schema.ts';

/** How far the same request gives the same answer; decides what the cache may serve. */
export type Determinism = 'exact' | 'seeded' | 'stochastic' | 'external';

/** What makes two answers of a task comparable. Goes into cache keys: never holds an organization, a URL or a row id. */
export interface TaskIdentity {
  readonly taskKey: string;
  readonly version: string;
  /** SHA-256 of the canonical OpenAPI document. */
  readonly interfaceDigest: string;
  /** Image digest or engine version of the program behind the interface; null when the definition names none. */
  readonly producer: string | null;
  readonly determinism: Determinism;
  /** The machine that the definition asks for, such as `linux/amd64`; null where it names none. Programs repeat themselves on one kind only. */
  readonly architecture: string | null;
  /** JSON Pointers into the request whose values cannot change the answer (`x-mad-cache: ignore`). */
  readonly ignoredPointers: readonly string[];
  /** JSON Pointers into the answer whose values differ from run to run (`x-mad-cache: ignore`): logs, times. They count in no comparison of two answers. */
  readonly ignoredAnswerPointers: readonly string[];
  /** JSON Pointer into the request → the content type by which the text there is compared (`contentMediaType`), where two spellings mean the same. */
  readonly contentTypes: Readonly<Record<string, string>>;
}

/** Where a request takes the seed that it was sent without. */
export interface MissingSeed {
  /** JSON Pointer into the request (`x-mad-cache: seed`). */
  readonly pointer: string;
  /** The whole numbers that the interface takes there, both included. */
  readonly minimum: number;
  readonly maximum: number;
}

/** A task version as a pipeline sees it: one request, one response. */
export interface ResolvedTask extends TaskIdentity {
  readonly taskDefinitionId: string;
  readonly requestSchema: JsonSchema;
  readonly responseSchema: JsonSchema;
  /** What a service of this task needs of its machine, such as `gpu`. @default 'cpu' */
  readonly resourceClass?: string | undefined;
}

export interface PreparedRequest {
  /** The request with the interface's defaults applied; files are artifact references. */
  readonly request: JsonObject;
  readonly identity: TaskIdentity;
  /**
   * The task is seeded and the request names no seed: whoever calls draws one and puts it here. The request is signed as it is, without one: whatever
   * seed an answer was made with, it answers a request that asks for none.
   */
  readonly missingSeed?: MissingSeed | undefined;
}

/** Work that a service has taken over and does after its answer. */
export interface AcceptedWork {
  readonly serviceId: string;
  /** By which that service is asked for it: an id of its own, or an address. At most 2,000 characters. */
  readonly externalId: string;
}

export interface TaskCall {
  readonly orgId: OrgId;
  readonly jobId: string;
  /** Step instance, `dock` or `dock[<item key>]`. */
  readonly stepName: string;
  readonly taskDefinitionId: string;
  /** 0-based. */
  readonly attempt: number;
  /** The same for every repetition of a call whose answer was not committed. */
  readonly idempotencyKey: string;
  readonly request: JsonObject;
  readonly timeoutMs: number;
  /**
   * Aborts the call and, where the contract offers it, cancels it at the service; not where `isInterruption` says of its reason that the job may
   * run elsewhere already.
   */
  readonly signal: AbortSignal;
  /** What an earlier call under the same key was promised: it is asked for, and the request not sent again. */
  readonly accepted?: AcceptedWork | undefined;
  /** Called when a service has taken the work over, before it is asked for it the first time; what it rejects with ends the call. */
  readonly onAccepted?: ((work: AcceptedWork) => Promise<void>) | undefined;
  /** Called with a fraction 0..1 as the service reports it. */
  readonly onProgress?: (fraction: number) => void;
}

export interface TaskOutcome {
  /** The validated response; files replaced by references to artifacts that are already stored. */
  readonly result: JsonObject;
  readonly serviceId: string;
  /** `task_results.service_name`, `task_results.schema_version`. */
  readonly serviceName: string;
  readonly schemaVersion: string;
  /** Wall time of the accepted call at the service. */
  readonly computeMs: number;
}

/** Calls task services. Implemented by `@mad/tasks`. */
export interface TaskRunner {
  /**
   * The newest active version of `taskKey@range` that the organization may use: its own first, then the system's.
   * @throws {NotFoundError} naming the versions that exist.
   */
  resolve(orgId: OrgId, task: string): Promise<ResolvedTask>;
  /** Applies the interface's defaults and checks the request against it. @throws {ValidationFailedError} */
  prepare(orgId: OrgId, call: Pick<TaskCall, 'taskDefinitionId' | 'request'>): Promise<PreparedRequest>;
  /**
   * One call to one healthy service; the response is checked against the interface before it is returned. Makes no retry of its own that
   * could repeat accepted work: the executor counts attempts.
   * @throws {TaskFailedError}
   */
  run(call: TaskCall): Promise<TaskOutcome>;
  /** Tells a service to stop work that it took over for a call that is gone. Called where the job ends without anybody who waits for that work. */
  cancel?(orgId: OrgId, work: { readonly taskDefinitionId: string; readonly accepted: AcceptedWork }): Promise<void>;
}

import type { OrgId } from './ids.ts';
import type { JsonObject } from './json.ts';

const BRAND = Symbol.for('@mad/error');

export interface MadErrorFacts {
  /** What was expected, what was got, what to do. Never a secret, a connection string or a payload. */
  readonly message: string;
  readonly details?: JsonObject | undefined;
  readonly cause?: unknown;
}

/**
 * Every error this library throws. Each class has one `code`; `retryable` tells whether the same call may succeed later.
 * `instanceof` compares codes, so it holds between two copies of a package.
 */
export abstract class MadError extends Error {
  static readonly code: string = 'MAD_ERROR';
  static readonly retryable: boolean = false;

  readonly code: string;
  readonly retryable: boolean;
  readonly details: JsonObject;
  readonly [BRAND] = true;

  constructor({ message, details = {}, cause }: MadErrorFacts) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = new.target.code;
    this.retryable = new.target.retryable;
    this.details = details;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: each class compares with its own code, not with MadError's
    return isMadError(value) && (this.code === 'MAD_ERROR' || value.code === this.code);
  }
}

/** True for errors of this library, whichever copy of it threw them. */
export function isMadError(value: unknown): value is MadError {
  return typeof value === 'object' && value !== null && BRAND in value;
}

/** Thrown when input breaks its declared form. `details.issues` lists each place as a JSON Pointer with what was expected there. */
export class ValidationFailedError extends MadError {
  static override readonly code = 'MAD_CORE_VALIDATION_FAILED';
  readonly issues: readonly ValidationIssue[];
  constructor({ subject, issues }: { subject: string; issues: readonly ValidationIssue[] }) {
    const shown = issues.slice(0, 5).map(({ pointer, message }) => `${pointer || '(root)'}: ${message}`);
    const more = issues.length > shown.length ? `; and ${issues.length - shown.length} more` : '';
    super({
      message: `${subject} is not valid: ${shown.join('; ')}${more}`,
      details: { subject, issues: issues.map((issue) => ({ ...issue })) },
    });
    this.issues = issues;
  }
}

export interface ValidationIssue {
  /** JSON Pointer of the place, `''` for the whole value. */
  readonly pointer: string;
  readonly message: string;
}

/** Thrown when a row that must exist is not visible to the caller: it does not exist, or belongs to another organization. */
export class NotFoundError extends MadError {
  static override readonly code = 'MAD_CORE_NOT_FOUND';
  constructor({
    entity,
    id,
    hint,
    where = 'this organization',
  }: {
    entity: string;
    id: string;
    hint?: string;
    /** What was looked through. @default 'this organization' */
    where?: string;
  }) {
    const asked = cutId(id);
    super({
      message: `${entity} ${asked} was not found in ${where}${hint ? `; ${hint}` : ''}`,
      details: { entity, id: asked },
    });
  }
}

/** An id may be whatever a client sent. */
const cutId = (id: string): string => (String(id).length > 100 ? `${String(id).slice(0, 100)}…` : id);

/** Thrown when a write meets a row that already holds the same key. */
export class ConflictError extends MadError {
  static override readonly code = 'MAD_CORE_CONFLICT';
  constructor({ entity, id, hint, cause }: { entity: string; id: string; hint: string; cause?: unknown }) {
    super({ message: `${entity} ${id} already exists; ${hint}`, details: { entity, id }, cause });
  }
}

/** Which limit a submission meets. */
export type QuotaName = 'max_jobs_per_month' | 'max_concurrent_jobs' | 'max_storage_gb';

export interface QuotaExceededFacts {
  readonly quota: QuotaName;
  /** Jobs; of `max_storage_gb` gigabytes (10⁹ bytes). */
  readonly limit: number;
  /** In the unit of the limit. */
  readonly used: number;
  /** How many jobs were submitted. */
  readonly asked: number;
}

/** Thrown when a submission would take more than the organization's quota leaves, or nothing is left; none of its jobs was accepted. */
export class QuotaExceededError extends MadError {
  static override readonly code = 'MAD_CORE_QUOTA_EXCEEDED';
  constructor(facts: QuotaExceededFacts) {
    super({ message: tellQuota(facts), details: { ...facts } });
  }
}

function tellQuota({ quota, limit, used, asked }: QuotaExceededFacts): string {
  if (quota === 'max_storage_gb')
    return `the organization may store ${limit} GB and its jobs' files are ${used} GB, so no job that computes is accepted; delete jobs and collect garbage, or have ${quota} raised`;
  const [of, then] =
    quota === 'max_jobs_per_month'
      ? ['this month', 'wait for the next one (UTC)']
      : ['at a time', 'wait until some of them have ended'];
  const left = Math.max(limit - used, 0);
  return `the organization may have ${limit} jobs ${of} and has ${used}, so ${asked} more cannot be accepted; submit ${left} at most, ${then}, or have ${quota} raised`;
}

/** Thrown when the caller lacks a permission in its organization. */
export class PermissionDeniedError extends MadError {
  static override readonly code = 'MAD_CORE_PERMISSION_DENIED';
  constructor({
    permission,
    hint = 'ask an administrator of the organization for a role that holds it',
  }: {
    permission: string;
    hint?: string | undefined;
  }) {
    super({
      message: `this call needs the permission ${permission}; ${hint}`,
      details: { permission },
    });
  }
}

/**
 * Thrown by a task runner when the service answered that this request cannot succeed, or gave no acceptable answer.
 * `failureCode` is the domain's word (`NO_POSES`, `INVALID_SMILES`, `TIMEOUT`, `SERVICE_UNAVAILABLE` …) and is what the rows keep.
 */
export class TaskFailedError extends MadError {
  static override readonly code = 'MAD_CORE_TASK_FAILED';
  readonly failureCode: string;
  override readonly retryable: boolean;
  constructor({ failureCode, message, retryable, details = {}, cause }: TaskFailedFacts) {
    super({ message, details: { ...details, failureCode }, cause });
    this.failureCode = failureCode;
    this.retryable = retryable;
  }
}

export interface TaskFailedFacts {
  readonly failureCode: string;
  readonly message: string;
  /** True when the same request may succeed later: network faults, 429, 5xx, a killed service. */
  readonly retryable: boolean;
  readonly details?: JsonObject | undefined;
  readonly cause?: unknown;
}

/** Thrown when a migration fails; nothing of the run stays. The cause is the database's own error. */
export class MigrationFailedError extends MadError {
  static override readonly code = 'MAD_CORE_MIGRATION_FAILED';
  constructor({ track, migration, cause }: { track: string; migration: string; cause: unknown }) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super({
      message: `migration ${migration} of the ${track} track failed, nothing was changed: ${reason}`,
      details: { track, migration },
      cause,
    });
  }
}

/** Thrown when the login of the Metadata DB may not do what its transactions need, or may do more than it should. The message names the SQL to run. */
export class MetadataRoleError extends MadError {
  static override readonly code = 'MAD_CORE_METADATA_ROLE';
  constructor({ problem, remedy, cause }: { problem: string; remedy: string; cause?: unknown }) {
    super({ message: `${problem}; ${remedy}`, cause });
  }
}

/** Thrown when a repository is given a transaction that `inOrganization` did not open. */
export class OrganizationUnknownError extends MadError {
  static override readonly code = 'MAD_CORE_ORGANIZATION_UNKNOWN';
  constructor() {
    super({
      message:
        'this transaction carries no organization; pass the one that inOrganization hands to its callback, unchanged',
    });
  }
}

/** Thrown when a key, check or trigger of the Metadata DB refuses a row. `constraint` names the rule; it is listed in the reference of the Metadata DB. */
export class RowRefusedError extends MadError {
  static override readonly code = 'MAD_CORE_ROW_REFUSED';
  readonly constraint: string;
  constructor({ entity, id, constraint, cause }: { entity: string; id: string; constraint: string; cause: unknown }) {
    const reason = cause instanceof Error ? cause.message : 'refused by the database';
    super({
      message: `${entity} ${id} was not written: ${reason} (${constraint})`,
      details: { entity, id, constraint },
      cause,
    });
    this.constraint = constraint;
  }
}

const INACTIVE_HINTS: Readonly<Record<string, string>> = {
  moving: 'call again when it is at its new place',
  moved: 'it is at a new place by now; call again',
  suspended: 'its operator can reactivate it',
  deleting: 'it is going off the platform',
  deleted: 'its data are gone; an archive of it can be restored',
  failed: 'its provisioning stopped; provision it again to go on',
};

/** Thrown when an organization does not serve requests now: it is being provisioned, was suspended or is going away. */
export class OrganizationInactiveError extends MadError {
  static override readonly code = 'MAD_CORE_ORGANIZATION_INACTIVE';
  override readonly retryable: boolean;
  constructor({ orgId, status, cause }: { orgId: string; status: string; cause?: unknown }) {
    const hint = INACTIVE_HINTS[status] ?? 'its data can be reached once it is active';
    super({ message: `organization ${orgId} is ${status}, not active; ${hint}`, details: { orgId, status }, cause });
    this.retryable = status === 'moving' || status === 'moved';
  }
}

/** Thrown when the audit trail would name an actor who is no user. Nothing was done. Pass the id of a user, or null for a program. */
export class ActorUnknownError extends MadError {
  static override readonly code = 'MAD_CORE_ACTOR_UNKNOWN';
  constructor({ actor, cause }: { actor: string; cause?: unknown }) {
    super({
      message: `actor ${actor} is no user of this platform; pass the id of a user, or null for a program`,
      details: { actor },
      cause,
    });
  }
}

/** Thrown when a Results DB is wired to an organization it was not made for. Nothing was read from it; mend the routing. */
export class ResultsDatabaseMismatchError extends MadError {
  static override readonly code = 'MAD_CORE_RESULTS_DATABASE_MISMATCH';
  constructor({ expected, found }: { expected: OrgId; found: OrgId | undefined }) {
    const what =
      found === undefined
        ? 'carries no stamp; migrate it with its orgId'
        : `is stamped for organization ${found}; mend the routing`;
    super({
      message: `the results database of organization ${expected} ${what}`,
      details: { expected, found: found ?? null },
    });
  }
}

/** Thrown when a job's lease is no longer the caller's: it expired and was claimed again, was given back, or the job is closed. Stop, and write nothing more. */
export class LeaseLostError extends MadError {
  static override readonly code = 'MAD_CORE_LEASE_LOST';
  constructor({ jobId, fence }: { jobId: string; fence: number }) {
    super({
      message: `the lease of job ${jobId} under fence ${fence} is lost; stop working on it, its present holder goes on`,
      details: { jobId, fence },
    });
  }
}

/** Thrown when a disposed executor is started again. Make a new one. */
export class ExecutorStoppedError extends MadError {
  static override readonly code = 'MAD_CORE_EXECUTOR_STOPPED';
  constructor() {
    super({ message: 'this executor was disposed and takes no more jobs; make a new one and start that' });
  }
}

/** Thrown when stored bytes no longer match their digest: the storage lost or changed them. */
export class ArtifactCorruptError extends MadError {
  static override readonly code = 'MAD_CORE_ARTIFACT_CORRUPT';
  constructor({ digest, found }: { digest: string; found: string }) {
    super({
      message: `artifact ${digest} now has the digest ${found}; restore it from a backup or compute it again`,
      details: { digest, found },
    });
  }
}

/** Thrown when another process has the folder open: two on one folder would lose data without a word. */
export class DataFolderInUseError extends MadError {
  static override readonly code = 'MAD_CORE_DATA_FOLDER_IN_USE';
  constructor({ folder, cause }: { folder: string; cause: unknown }) {
    super({
      message: `${folder} is open in another process; end it, or use another folder`,
      details: { folder },
      cause,
    });
  }
}

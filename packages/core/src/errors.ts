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
  constructor({ entity, id, hint }: { entity: string; id: string; hint?: string }) {
    super({
      message: `${entity} ${id} was not found in this organization${hint ? `; ${hint}` : ''}`,
      details: { entity, id },
    });
  }
}

/** Thrown when a write meets a row that already holds the same key. */
export class ConflictError extends MadError {
  static override readonly code = 'MAD_CORE_CONFLICT';
  constructor({ entity, id, hint, cause }: { entity: string; id: string; hint: string; cause?: unknown }) {
    super({ message: `${entity} ${id} already exists; ${hint}`, details: { entity, id }, cause });
  }
}

/** Thrown when the caller lacks a permission in its organization. */
export class PermissionDeniedError extends MadError {
  static override readonly code = 'MAD_CORE_PERMISSION_DENIED';
  constructor({ permission }: { permission: string }) {
    super({
      message: `this call needs the permission ${permission}; ask an administrator of the organization for a role that holds it`,
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

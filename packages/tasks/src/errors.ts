import { type JsonObject, MadError } from '@mad/core';

/** Thrown when a document could do harm or is too much to read. Nothing of it was followed: no file opened, no socket. */
export class TaskDocumentRefusedError extends MadError {
  static override readonly code = 'MAD_TASKS_DOCUMENT_REFUSED';
  /** JSON Pointer of the place; `''` for the whole document. */
  readonly pointer: string;
  readonly reason: string;
  /** What to do. */
  readonly hint: string;
  constructor({ pointer, reason, hint, cause }: { pointer: string; reason: string; hint: string; cause?: unknown }) {
    super({
      message: `task document refused at ${pointer || '(root)'}: ${reason}; ${hint}`,
      details: { pointer },
      cause,
    });
    this.pointer = pointer;
    this.reason = reason;
    this.hint = hint;
  }
}

/** Thrown when a document is not valid OpenAPI 3.0 or 3.1, or has no operation that can be a task. */
export class TaskDocumentInvalidError extends MadError {
  static override readonly code = 'MAD_TASKS_DOCUMENT_INVALID';
  readonly pointer: string;
  readonly reason: string;
  constructor({ pointer, reason, cause }: { pointer: string; reason: string; cause?: unknown }) {
    super({ message: `task document is not valid at ${pointer || '(root)'}: ${reason}`, details: { pointer }, cause });
    this.pointer = pointer;
    this.reason = reason;
  }
}

/** Thrown when the Metadata DB cannot be asked for a task or its services. That is no answer of the task: the same call can be made when it is back. */
export class TaskRegistryUnreachableError extends MadError {
  static override readonly code = 'MAD_TASKS_REGISTRY_UNREACHABLE';
  static override readonly retryable = true;
  constructor({ cause }: { cause: unknown }) {
    super({ message: 'the Metadata DB did not tell of a task and its services; call again when it answers', cause });
  }
}

/** Thrown when another document is already registered under this version. A version's document never changes: raise the version. */
export class TaskVersionTakenError extends MadError {
  static override readonly code = 'MAD_TASKS_VERSION_TAKEN';
  constructor({ taskKey, version }: { taskKey: string; version: string }) {
    super({
      message: `${taskKey}@${version} is registered with another document, and a version never changes; raise info.version and register again`,
      details: { taskKey, version },
    });
  }
}

/** Thrown before any connection is made when a service lies outside the operator's `allowedOrigins`. */
export class OriginNotAllowedError extends MadError {
  static override readonly code = 'MAD_TASKS_ORIGIN_NOT_ALLOWED';
  constructor({ origin }: { origin: string }) {
    super({
      message: `calls to ${origin} are not allowed here; the operator must add this origin to allowedOrigins of the task runner`,
      details: { origin },
    });
  }
}

/** Thrown when the name of an allowed origin leads to an address that is not public and in none of the operator's `allowedNetworks`. */
export class AddressNotAllowedError extends MadError {
  static override readonly code = 'MAD_TASKS_ADDRESS_NOT_ALLOWED';
  constructor({ hostname, address }: { hostname: string; address: string }) {
    super({
      message: `${hostname} leads to ${address}, which is not allowed here; add its network to allowedNetworks of the task runner or client if that is right`,
      details: { hostname, address },
    });
  }
}

/** Thrown when the host's secrets do not answer. That is no answer of the task: the same call can be made when they do. Says nothing of what they said. */
export class SecretsUnreachableError extends MadError {
  static override readonly code = 'MAD_TASKS_SECRETS_UNREACHABLE';
  static override readonly retryable = true;
  constructor({ scope, scheme }: { scope: string; scheme: string }) {
    super({
      message: `the secrets of the host gave no answer for ${scheme} of ${scope}; call again when they do`,
      details: { scope, scheme },
    });
  }
}

/** Thrown when an operation asks for credentials and the host's secrets resolver has none of those its document names. */
export class CredentialMissingError extends MadError {
  static override readonly code = 'MAD_TASKS_CREDENTIAL_MISSING';
  constructor({ scope, schemes }: { scope: string; schemes: readonly string[] }) {
    super({
      message: `${scope} asks for credentials of ${schemes.join(' or ')}, and the host's secrets give none that fits; store one for it`,
      details: { scope, schemes: [...schemes] },
    });
  }
}

/** Thrown when nobody answers at the address of a service that is to be checked; `details.fault` is the system's code. */
export class ServiceUnreachableError extends MadError {
  static override readonly code = 'MAD_TASKS_SERVICE_UNREACHABLE';
  static override readonly retryable = true;
  constructor({ serviceUrl, fault, cause }: { serviceUrl: string; fault: string; cause?: unknown }) {
    super({
      message: `no service answers at ${serviceUrl} (${fault}); start it, or correct the address`,
      details: { serviceUrl, fault },
      cause,
    });
  }
}

/** Thrown when an operation or a task service is declared in a way that cannot be served. */
export class OperationInvalidError extends MadError {
  static override readonly code = 'MAD_TASKS_OPERATION_INVALID';
  constructor({ taskKey, reason, cause }: { taskKey: string; reason: string; cause?: unknown }) {
    super({ message: `operation ${taskKey} cannot be served: ${reason}`, details: { taskKey }, cause });
  }
}

export interface TaskServiceErrorFacts {
  /** The domain's word, upper case: `NO_POSES`, `INVALID_SMILES` … It becomes the `failureCode` of the job's step. */
  readonly code: string;
  /** For the person who submitted the job: what is wrong with the request and what to do. */
  readonly message: string;
  /** HTTP status; 408, 425, 429 and 5xx tell the caller that the same request may succeed later. @default 422 */
  readonly status?: number | undefined;
  readonly details?: JsonObject | undefined;
  readonly cause?: unknown;
}

/** Thrown by the handler of an operation to answer with a code of the domain; every other error is answered as INTERNAL_ERROR. */
export class TaskServiceError extends MadError {
  static override readonly code = 'MAD_TASKS_SERVICE_ERROR';
  readonly failureCode: string;
  readonly status: number;
  override readonly retryable: boolean;
  constructor({ code, message, status = 422, details = {}, cause }: TaskServiceErrorFacts) {
    super({ message, details, cause });
    this.failureCode = code;
    this.status = status;
    this.retryable = isRetryableStatus(status);
  }
}

/** True for the statuses after which the same request may succeed later. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

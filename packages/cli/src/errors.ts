import { MadError } from '@mad/core';

/** Thrown when a command is called in a way it does not understand. Nothing was done; the exit code is 2. */
export class CommandUsageError extends MadError {
  static override readonly code = 'MAD_CLI_USAGE';
  constructor({ option, expected, got }: { option: string; expected: string; got: string }) {
    super({ message: `${option}: expected ${expected}, got ${got}`, details: { option } });
  }
}

/** Thrown when several entries of the cache have a key that begins as given. Nothing was done; `details.keys` are the first of them. */
export class AmbiguousKeyError extends MadError {
  static override readonly code = 'MAD_CLI_AMBIGUOUS_KEY';
  constructor({ prefix, keys }: { prefix: string; keys: readonly string[] }) {
    super({
      message: `KEY: several keys begin with ${prefix}, such as ${keys.join(', ')}; give more digits`,
      details: { prefix, keys: [...keys] },
    });
  }
}

/** Thrown when `mad org create` stopped on its way, or met an organization that was left so. `--resume` goes on with it. */
export class OrganizationUnfinishedError extends MadError {
  static override readonly code = 'MAD_CLI_ORGANIZATION_UNFINISHED';
  constructor({ name, state, cause }: { name: string; state: string; cause: unknown }) {
    super({
      message: `organization ${name} ${state}; give the same command --resume to go on with it`,
      details: { name },
      cause,
    });
  }
}

/** Thrown when no session with the database could be had. `reason` is SQLSTATE or the system's error code where there is one. */
export class DatabaseUnreachableError extends MadError {
  static override readonly code = 'MAD_CLI_DATABASE_UNREACHABLE';
  static override readonly retryable = true;
  constructor({ message, reason, cause }: { message: string; reason: string | undefined; cause: unknown }) {
    super({ message, details: { reason }, cause });
  }
}

/** Thrown when the database refused what a command asked of it. The command's changes are undone; `reason` is the SQLSTATE. */
export class DatabaseRefusedError extends MadError {
  static override readonly code = 'MAD_CLI_DATABASE_REFUSED';
  constructor({ message, reason, cause }: { message: string; reason: string; cause: unknown }) {
    super({ message, details: { reason }, cause });
  }
}

/** Thrown when `mad doctor` ends with findings that are not mended: the exit code is 1. They were all printed. */
export class FindingsLeftError extends MadError {
  static override readonly code = 'MAD_CLI_FINDINGS_LEFT';
  constructor({ left, fixable }: { left: number; fixable: number }) {
    const count = left === 1 ? '1 finding is left' : `${left} findings are left`;
    super({
      message:
        fixable > 0
          ? `${count}; --fix mends ${fixable < left ? `${fixable} of them` : left === 1 ? 'it' : 'them'}`
          : count,
      details: { left, fixable },
    });
  }
}

/** Thrown when `mad service check` ends with a rule that must hold and does not: the exit code is 1. The report was printed. */
export class ServiceUnfitError extends MadError {
  static override readonly code = 'MAD_CLI_SERVICE_UNFIT';
  constructor({ unmet }: { unmet: number }) {
    super({
      message: `${unmet === 1 ? '1 rule that must hold does not' : `${unmet} rules that must hold do not`}; mend the service and check again`,
      details: { unmet },
    });
  }
}

/** Thrown when `mad cache verify` found entries that are not as they were recorded: the exit code is 1. They were printed, and are out of service. */
export class DamagedEntriesError extends MadError {
  static override readonly code = 'MAD_CLI_DAMAGED_ENTRIES';
  constructor({ quarantined }: { quarantined: number }) {
    const entries = quarantined === 1 ? '1 entry was' : `${quarantined} entries were`;
    super({
      message: `${entries} damaged and taken out of service; the next job that asks computes again. Look for what altered the files or rows`,
      details: { quarantined },
    });
  }
}

/** Thrown when `mad audit verify` found an entry that is not as it was written: the exit code is 1. What was found was printed. */
export class AuditTamperedError extends MadError {
  static override readonly code = 'MAD_CLI_AUDIT_TAMPERED';
  constructor({ kind, seq, message }: { kind: string; seq: number | null; message: string }) {
    super({
      message: `the audit trail was tampered with: ${message}; keep the database as it is, and compare with a backup of before`,
      details: { kind, seq },
    });
  }
}

/** Thrown when `mad org migrate` ends and organizations failed: the exit code is 1. They were printed; the version before serves them on. */
export class FleetBehindError extends MadError {
  static override readonly code = 'MAD_CLI_FLEET_BEHIND';
  static override readonly retryable = true;
  constructor({ failed, behind }: { failed: number; behind: number }) {
    super({
      message: `${failed} failed and ${behind} are behind; mend what is told of each, and run mad org migrate again`,
      details: { failed, behind },
    });
  }
}

import { MadError } from '@mad/core';

/** Thrown when a command is called in a way it does not understand. Nothing was done; the exit code is 2. */
export class CommandUsageError extends MadError {
  static override readonly code = 'MAD_CLI_USAGE';
  constructor({ option, expected, got }: { option: string; expected: string; got: string }) {
    super({ message: `${option}: expected ${expected}, got ${got}`, details: { option } });
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

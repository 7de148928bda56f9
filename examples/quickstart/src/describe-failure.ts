import { isMadError, ValidationFailedError } from '@mad/core';
import { ArgumentError } from './arguments.ts';
import { FolderUnwritableError } from './prepare-folder.ts';
import { ServiceUnreachableError } from './register-docking.ts';

export interface Failure {
  readonly code: string;
  /** One line: what is wrong and what to do. */
  readonly message: string;
}

/** What a run that gave no job says, in the words of the command line. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof ValidationFailedError) return { code: error.code, message: nameOptions(error) };
  const message = error instanceof Error ? error.message : String(error);
  if (!isMadError(error)) return { code: codeOf(error), message };
  // The folder remembers the service as it was, and Vina or the service has changed since.
  const isOutdated = error.code === 'MAD_TASKS_VERSION_TAKEN';
  return {
    code: error.code,
    message: isOutdated ? `${message}; or start over in another folder with --data` : message,
  };
}

function codeOf(error: unknown): string {
  if (error instanceof ArgumentError) return 'USAGE';
  if (error instanceof ServiceUnreachableError) return 'SERVICE_UNAVAILABLE';
  if (error instanceof FolderUnwritableError) return 'FOLDER_UNWRITABLE';
  return 'INTERNAL_ERROR';
}

/** The same message with the option that each place of the job came from. */
function nameOptions({ details, issues }: ValidationFailedError): string {
  const named = issues.map(({ pointer, message }) => {
    const option = /^\/parameters\/(smiles|center|size|exhaustiveness|seed)(?:\/|$)/.exec(pointer)?.[1];
    return { pointer, message: option === undefined ? message : `${message} (--${option})` };
  });
  return new ValidationFailedError({ subject: String(details.subject), issues: named }).message;
}

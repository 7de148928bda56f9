export { CommandUsageError, DatabaseRefusedError, DatabaseUnreachableError, FindingsLeftError } from './errors.ts';
export { runMad } from './run-mad.ts';
export type { Terminal } from './terminal.ts';

export {
  AmbiguousKeyError,
  CommandUsageError,
  DamagedEntriesError,
  DatabaseRefusedError,
  DatabaseUnreachableError,
  FindingsLeftError,
  ServiceUnfitError,
} from './errors.ts';
export { runMad } from './run-mad.ts';
export type { Terminal } from './terminal.ts';

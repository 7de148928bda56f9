export {
  AmbiguousKeyError,
  AuditTamperedError,
  CommandUsageError,
  DamagedEntriesError,
  DatabaseRefusedError,
  DatabaseUnreachableError,
  FindingsLeftError,
  FleetBehindError,
  ServiceUnfitError,
} from './errors.ts';
export { runMad } from './run-mad.ts';
export type { Terminal } from './terminal.ts';

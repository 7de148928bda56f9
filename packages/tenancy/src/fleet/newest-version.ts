import { type MigrationTrack, ValidationFailedError } from '@mad/core';

/** Name of the track's newest migration: what `org_databases.schema_version` is to become. @throws {ValidationFailedError} */
export function newestVersion({ name, migrations }: MigrationTrack): string {
  const newest = Object.keys(migrations).sort().at(-1);
  if (name === 'results' && newest !== undefined) return newest;
  const message = 'expected a track named results with at least one migration';
  throw new ValidationFailedError({ subject: 'fleet migration', issues: [{ pointer: '/track', message }] });
}

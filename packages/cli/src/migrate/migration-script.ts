import { type MigrationTrack, migrationSql, migrationState } from '@mad/core';
import type { Kysely } from 'kysely';

export interface MigrationScript {
  readonly pending: readonly string[];
  /** Statements in their order; together one transaction. Empty when nothing is pending. */
  readonly statements: readonly string[];
}

/** The SQL that brings this database to its newest version, the ledger's rows included. Reads the ledger and changes nothing. */
export async function createMigrationScript(
  db: Kysely<unknown>,
  { track, schema }: { track: MigrationTrack; schema: string },
): Promise<MigrationScript> {
  const { pending } = await migrationState(db, { track, schema });
  return { pending, statements: await migrationSql({ track, schema }, pending) };
}

/** The script as a file that psql and other clients run as it is. */
export function formatScript({ pending, statements }: MigrationScript): string {
  if (pending.length === 0) return '-- nothing is pending\n';
  const lines = statements.map((statement) => `${statement.replace(/[\s;]+$/, '')};\n`);
  return `-- ${pending.join(', ')}\nbegin;\n${lines.join('')}commit;\n`;
}

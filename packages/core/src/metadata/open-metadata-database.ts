import type { Kysely } from 'kysely';
import { checkMetadataRole } from './check-metadata-role.ts';
import type { MetadataDatabase } from './metadata-database.ts';

/**
 * The Metadata DB on a connection pool of the host's, after its login was checked: row-level security must not depend on everyone taking care.
 * @throws {MetadataRoleError} when the login is a superuser, owns the tables or bypasses row-level security, unless `allowPrivileged`; when it
 *   may not take the roles; and when the migrations have not run. Its message says what to run.
 */
export async function openMetadataDatabase<Tables>(
  db: Kysely<Tables>,
  options: { readonly allowPrivileged?: boolean | undefined } = {},
): Promise<MetadataDatabase> {
  const metadata = db as unknown as MetadataDatabase;
  await checkMetadataRole(metadata, options);
  return metadata;
}

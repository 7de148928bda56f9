import { createPostgresDatabase } from '@mad/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MetadataRoleError, OrganizationUnknownError, ValidationFailedError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { checkMetadataRole } from '../../src/metadata/check-metadata-role.ts';
import { inAllOrganizations, inOrganization, organizationOf } from '../../src/metadata/metadata-database.ts';
import type { SharedMetadataTables } from '../../src/metadata/tables/metadata-tables.ts';
import {
  createMigratedPglite,
  createOwnedDatabase,
  type Disposable,
  metadataTemplate,
  openAs,
} from './each-database.ts';
import { fillOrganization } from './fill-organization.ts';

let pglite: Disposable;
beforeAll(async () => {
  pglite = createMigratedPglite();
});
afterAll(() => pglite[Symbol.asyncDispose]());

test('a transaction carries its organization, in lower case as the database writes it', async () => {
  const orgId = newId();
  expect(await inOrganization(pglite.db, orgId.toUpperCase(), async (tx) => organizationOf(tx))).toBe(orgId);
  await inOrganization(pglite.db, orgId, async (tx) => {
    expect(() => organizationOf(tx.withSchema('public') as typeof tx)).toThrow(OrganizationUnknownError);
  });
});

test.each(['', 'acme', "' or true --", `${newId()}0`])(
  '%j is no organization, and opens no transaction',
  async (orgId) => {
    await expect(inOrganization(pglite.db, orgId, async () => 1)).rejects.toThrow(ValidationFailedError);
  },
);

test('one connection serves many organizations at once, and mixes up none', async () => {
  await using database = await createPostgresDatabase(metadataTemplate);
  const organizations = await Promise.all(Array.from({ length: 4 }, () => fillOrganization(database.db)));
  const seen = await Promise.all(
    Array.from({ length: 60 }, (_, index) => organizations[index % 4]?.org_id ?? '').map((orgId) =>
      inOrganization(database.db, orgId, async (tx) => {
        const rows = await tx.selectFrom('molecules').select('org_id').execute();
        return rows.every((row) => row.org_id === orgId) && rows.length === 1;
      }),
    ),
  );
  expect(seen.every(Boolean)).toBe(true);
});

test('a login that was granted both roles and nothing else serves; before, it is told which GRANT is missing', async () => {
  await using database = await createPostgresDatabase(metadataTemplate);
  const login = `mad_login_${newId().slice(-12)}`;
  await sql`create role ${sql.id(login)} login password 'ordinary'`.execute(database.db);
  const db = openAs(database.url, login);
  try {
    const grant = `GRANT mad_organization, mad_operator TO ${login}`;
    await expect(inOrganization(db, newId(), async () => 1)).rejects.toThrow(grant);
    await expect(inAllOrganizations(db, async () => 1)).rejects.toThrow(MetadataRoleError);
    await expect(checkMetadataRole(db)).rejects.toThrow(grant);
    await sql.raw(grant).execute(database.db);
    expect(await checkMetadataRole(db)).toEqual({ name: login, privileged: false });
    const { org_id, molecule_id } = await fillOrganization(db);
    expect(
      await inOrganization(db, org_id, (tx) => tx.selectFrom('molecules').select('molecule_id').execute()),
    ).toEqual([{ molecule_id }]);
    // The login inherits what the operator may touch; the policies still hide every row from it.
    expect((await sql`select from molecules`.execute(db)).rows).toEqual([]);
    expect((await sql`select from tokens`.execute(db)).rows).toEqual([]);
  } finally {
    await db.destroy();
    await sql`drop role ${sql.id(login)}`.execute(database.db);
  }
});

test('start-up refuses superusers and owners, unless told so', async () => {
  await expect(checkMetadataRole(pglite.db)).rejects.toThrow(
    /bypasses row-level security; connect as a login that does not/,
  );
  expect(await checkMetadataRole(pglite.db, { allowPrivileged: true })).toEqual({ name: 'postgres', privileged: true });

  await using owned = await createOwnedDatabase();
  await expect(checkMetadataRole(owned.db)).rejects.toThrow(/owns the metadata tables/);
  expect(await checkMetadataRole(owned.db, { allowPrivileged: true })).toEqual({ name: owned.login, privileged: true });
});

test('a database without the tables is told to migrate', async () => {
  await using database = await createPostgresDatabase<SharedMetadataTables>();
  await expect(checkMetadataRole(database.db, { allowPrivileged: true })).rejects.toThrow(
    /run the metadata migrations/,
  );
});

test('what the callback throws reaches the caller unchanged, and its writes are undone', async () => {
  const { org_id } = await fillOrganization(pglite.db);
  const failure = new RangeError('given up');
  const run = inOrganization(pglite.db, org_id, async (tx) => {
    await tx.deleteFrom('molecules').execute();
    throw failure;
  });
  await expect(run).rejects.toBe(failure);
  expect(
    await inOrganization(pglite.db, org_id, (tx) => tx.selectFrom('molecules').select('name').execute()),
  ).toHaveLength(1);
});

import { createPostgresDatabase } from '@mad/testkit';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { inOrganization, type OrganizationTransaction } from '../../src/metadata/metadata-database.ts';
import { asLogin } from '../../src/pg-boss/as-login.ts';
import { bossTemplate } from './boss-template.ts';

const A = '0195d0c0-0000-7000-8000-00000000000a';

const userOf = async (tx: OrganizationTransaction): Promise<unknown> =>
  (await sql<{ user: string }>`select current_user::text as user`.execute(tx)).rows[0]?.user;

test('a transaction lent to pg-boss is confined to its organization again, also when pg-boss throws', async () => {
  await using database = await createPostgresDatabase(bossTemplate);
  await inOrganization(database.db, A, async (tx) => {
    const inside = await asLogin(tx, async (db) => (await db.executeSql('select current_user::text as user')).rows[0]);
    expect(inside).not.toEqual({ user: 'mad_organization' });
    expect(await userOf(tx)).toBe('mad_organization');
    const refused = asLogin(tx, async () => {
      throw new RangeError('no such queue');
    });
    await expect(refused).rejects.toThrow(RangeError);
    expect(await userOf(tx)).toBe('mad_organization');
  });
});
